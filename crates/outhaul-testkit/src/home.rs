//! A data folder of its own for a test, and the real program that works on it. Nothing outlives it: neither a server
//! nor a run, also when the test fails.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{self, Answer, called_with, is_there, touching, until};

/// How much of the server's log a failed test shows, in bytes.
const SHOWN: usize = 6000;

/// A data folder with a program.
pub struct Home {
    folder: TempDir,
    program: PathBuf,
    variables: Vec<(&'static str, OsString)>,
}

impl Home {
    /// A new data folder for the program of this file, which does not exist yet, and an empty folder beside it.
    ///
    /// # Panics
    /// When folders cannot be made.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        // A short name: the path of a socket may have 107 bytes.
        let folder = tempfile::Builder::new()
            .prefix("oh-")
            .tempdir()
            .expect("a folder for the test");
        std::fs::create_dir(folder.path().join("work")).expect("a folder for the test");
        Self {
            folder,
            program: program.into(),
            variables: Vec::new(),
        }
    }

    /// The same, with a variable that all its commands get, and so every server that they start.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The folder in which commands run, outside the data folder.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Writes a file in the folder in which commands run, and gives its path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.work().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a folder for a file");
        std::fs::write(&path, text).expect("a file of the test");
        path
    }

    /// The program with these arguments, on this data folder, with nothing of outhaul's from the environment outside.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("OUTHAUL_")) {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .env("OUTHAUL_HOME", self.data())
            .env("NO_COLOR", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.work())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn call<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Answer {
        Answer::of(self.command(arguments))
    }

    /// What the program says with `--format json`.
    ///
    /// # Panics
    /// When it fails, or says something else.
    pub fn json<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Value {
        let mut command = self.command(arguments);
        command.args(["--format", "json"]);
        Answer::of(command).success().json()
    }

    /// The pid of the server that answers, as the program tells it. Starts none.
    #[must_use]
    pub fn server(&self) -> Option<u32> {
        let status = self.json(["server", "status"]);
        status["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())
    }

    /// Starts a server if there is none, with these variables, and gives its pid.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_server(&self, variables: &[(&str, &OsStr)]) -> u32 {
        let mut command = self.command(["target", "list"]);
        command.envs(variables.iter().copied());
        let _ = Answer::of(command).success();
        self.server().expect("a server that was started a moment ago")
    }

    /// Pids of all server processes of this data folder, also of those that are just starting or ending.
    #[must_use]
    pub fn server_processes(&self) -> Vec<u32> {
        called_with(&["\0serve\0", &format!("{}\0", self.data().display())])
    }

    /// Kills all server processes with SIGKILL and waits until they are gone. Gives how many there were.
    pub fn kill_server(&self) -> usize {
        let pids = self.server_processes();
        for pid in &pids {
            process::signal(*pid, Signal::SIGKILL);
        }
        until("a killed server is gone", || {
            !pids.iter().any(|pid| is_there(*pid))
        });
        pids.len()
    }

    /// The server's log so far.
    #[must_use]
    pub fn server_log(&self) -> String {
        let bytes = std::fs::read(self.data().join("server.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Names of what lies in the folder of run directories, without the supervisor's script.
    #[must_use]
    pub fn run_directories(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.data().join("targets/local/runs"))
            .into_iter()
            .flatten();
        let mut names: Vec<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.retain(|name| {
            !(name.starts_with("supervise-") && Path::new(name).extension().is_some_and(|end| end == "sh"))
        });
        names
    }

    /// Pids of all processes of this data folder's runs: supervisors, scripts and their children.
    #[must_use]
    pub fn run_processes(&self) -> Vec<u32> {
        touching(&format!("{}/targets/local/runs/", self.data().display()))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.server_log();
            let mut from = log.len().saturating_sub(SHOWN);
            while !log.is_char_boundary(from) {
                from += 1;
            }
            eprintln(&format!("the end of the server's log:\n{}", &log[from..]));
        }
        // A server may be starting a run, and a process a child, while they are being killed.
        let mine = format!("{}/", self.folder.path().display());
        for _ in 0..20 {
            let mut left = self.server_processes();
            left.extend(touching(&mine));
            if left.is_empty() {
                break;
            }
            for pid in left {
                process::signal(pid, Signal::SIGKILL);
            }
            std::thread::yield_now();
        }
    }
}

fn eprintln(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}
