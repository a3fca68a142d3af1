//! A new data folder with one machine attached to it, and what both sides are compared by.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::sshd::Sshd;
use crate::bench::limit;
use crate::bench::machine::Machine;
use crate::server::Server;
use crate::temp::Temp;
use crate::{repo, shell};

/// The longest that one command may take.
const LIMIT: Duration = Duration::from_secs(900);

/// An attached machine. In the order in which things have to end.
pub struct Bed {
    /// The Outhaul that has it attached.
    pub outhaul: Server,
    /// The machine.
    pub sshd: Sshd,
    folder: Temp,
}

impl Bed {
    /// The target's name.
    pub const TARGET: &str = "there";

    /// Attaches a machine of our own to a new data folder.
    pub fn new(machine: &Machine, slots: u32) -> Result<Self> {
        Self::of_kind(machine, slots, "remote", &[])
    }

    /// The same as a target of another kind, with options of that kind.
    pub fn of_kind(machine: &Machine, slots: u32, kind: &str, more: &[&str]) -> Result<Self> {
        let bed = Self {
            outhaul: machine.outhaul()?,
            sshd: Sshd::start()?,
            folder: Temp::new("remote")?,
        };
        let (port, slots) = (bed.sshd.port.to_string(), slots.to_string());
        let (key, folder) = (bed.sshd.key(), bed.there());
        let mut attach = bed.outhaul.command(&["target", "attach", kind, Self::TARGET]);
        attach
            .args([
                "--address",
                "127.0.0.1",
                "--port",
                &port,
                "--username",
                &bed.sshd.username,
            ])
            .args(["--host-key", &bed.sshd.fingerprint, "--slots", &slots])
            .arg("--private-key-file")
            .arg(key)
            .arg("--folder")
            .arg(folder)
            .args(more);
        shell::output(&mut attach)?;
        Ok(bed)
    }

    /// A folder for sources and destinations.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// What is Outhaul's on the machine lies in it.
    fn there(&self) -> PathBuf {
        self.folder.path().join("there")
    }

    /// `outhaul run -q --target T --source FOLDER -- WORDS`.
    pub fn run(&self, source: &Path, words: &[&str]) -> Command {
        self.run_on(Self::TARGET, source, words)
    }

    /// The same on this machine without SSH.
    pub fn run_here(&self, source: &Path, words: &[&str]) -> Command {
        self.run_on("local", source, words)
    }

    fn run_on(&self, target: &str, source: &Path, words: &[&str]) -> Command {
        let mut command = self
            .outhaul
            .command(&["run", "-q", "--target", target, "--source"]);
        command.arg(source).arg("--").args(words);
        command
    }

    /// How long a command takes that may move much.
    pub fn time(&self, command: &mut Command) -> Result<f64> {
        limit::time(command, &self.folder.path().join("log"), LIMIT)
    }

    /// Waits until nobody works behind our back: spare copies are made and run directories removed, here and there.
    pub fn settle(&self) -> Result<()> {
        let start = Instant::now();
        let runs = self.outhaul.home().join("targets/local/runs");
        let there = self.there();
        while self.tidies()? || !has_no_folder(&runs) || self.any_run_there(&there) {
            if start.elapsed() > LIMIT {
                bail!("what follows a run did not end within {} s", LIMIT.as_secs());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // What was written for one of both must not be paid for by the other.
        shell::output(&mut repo::clean("sync")).map(drop)
    }

    /// Whether a copy of a tree is being made for the runs to come.
    fn tidies(&self) -> Result<bool> {
        let ours = self.there().display().to_string();
        for process in std::fs::read_dir("/proc")? {
            // It may have ended in between.
            let words = std::fs::read(process?.path().join("cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words);
            if words.contains(&ours) && words.split('\0').any(|word| word == "tidy") {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn any_run_there(&self, there: &Path) -> bool {
        let Ok(servers) = std::fs::read_dir(there) else {
            return false;
        };
        servers
            .flatten()
            .any(|server| !has_no_folder(&server.path().join("runs")))
    }
}

/// Whether no run has a folder in it; the supervisor's script lies beside them.
fn has_no_folder(runs: &Path) -> bool {
    std::fs::read_dir(runs).map_or(true, |entries| {
        !entries
            .flatten()
            .any(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
    })
}
