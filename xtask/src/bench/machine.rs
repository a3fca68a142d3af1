//! What all parts share: the programs that are measured, and a script that does next to nothing.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::repo::{self, Repo};
use crate::server::Server;
use crate::shell;
use crate::temp::Temp;

/// The machine that is measured.
pub struct Machine {
    /// Fewer rounds.
    pub quick: bool,
    /// The repository.
    pub repo: Repo,
    /// The interpreter itself, not a script that looks for it.
    pub python: PathBuf,
    /// A PATH on which `python3` is that interpreter.
    pub path: OsString,
    program: PathBuf,
    folder: Temp,
}

impl Machine {
    /// Builds Outhaul, unless a program is given, and finds Python.
    pub fn set_up(quick: bool, program: Option<PathBuf>) -> Result<Self> {
        let repo = Repo::find()?;
        // What cargo says goes to standard error; standard output is for the table.
        eprintln!("building");
        let measure = [
            "build",
            "--release",
            "--package",
            "xtask",
            "--bin",
            "measure",
            "--features",
            "measure",
        ];
        let outhaul = ["build", "--release", "--package", "outhaul-cli"];
        let builds = [(program.is_none(), &outhaul[..]), (true, &measure)];
        for (_, build) in builds.into_iter().filter(|(needed, _)| *needed) {
            let status = repo.cargo().args(build).status()?;
            anyhow::ensure!(status.success(), "`cargo {}` failed: {status}", build.join(" "));
        }
        let program = match program {
            Some(program) => std::path::absolute(program)?,
            None => repo.built("release", "outhaul"),
        };
        let told = shell::output(repo::clean("python3").args(["-c", "import sys; print(sys.executable)"]))?;
        let python = PathBuf::from(told.trim());
        let programs = python
            .parent()
            .context("the interpreter lies in no folder")?
            .to_owned();
        let old = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&old)))?;
        let folder = Temp::new("bench")?;
        std::fs::create_dir(folder.path().join("hi"))?;
        std::fs::write(folder.path().join("hi/hi.py"), "print(\"hi\")\n")?;
        Ok(Self {
            quick,
            repo,
            python,
            path,
            program,
            folder,
        })
    }

    /// This many rounds, or a few when it is to be quick.
    pub fn rounds(&self, rounds: usize) -> usize {
        if self.quick { rounds.div_ceil(5) } else { rounds }
    }

    /// The script.
    pub fn script(&self) -> PathBuf {
        self.folder.path().join("hi/hi.py")
    }

    /// The script run by plain Python.
    pub fn plain(&self) -> Command {
        let mut command = self.command(&self.python);
        command.arg(self.script());
        command
    }

    /// A program with the PATH, in the folder of the script.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = repo::clean(program);
        command
            .env("PATH", &self.path)
            .current_dir(self.folder.path().join("hi"));
        command
    }

    /// An Outhaul with a new data folder.
    pub fn outhaul(&self) -> Result<Server> {
        Ok(Server::new(self.program())?.with_path(self.path.clone()))
    }

    /// Like [`Machine::outhaul`], with so many runs in its store. Its server does not run yet.
    pub fn outhaul_with_runs(&self, count: usize) -> Result<Server> {
        let server = self.outhaul()?;
        server.start()?;
        server.stop()?;
        let mut fill = repo::clean(self.measure());
        shell::output(
            fill.arg("fill")
                .arg(server.home().join("outhaul.db"))
                .arg(count.to_string()),
        )?;
        Ok(server)
    }

    /// Outhaul's program.
    pub fn program(&self) -> PathBuf {
        self.program.clone()
    }

    /// The program that reaches into Outhaul's crates.
    pub fn measure(&self) -> PathBuf {
        self.repo.built("release", "measure")
    }

    /// What machine it is, in one line.
    pub fn described(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo").lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == "model name").then(|| value.trim().to_owned())
        });
        let load = read("/proc/loadavg")
            .split(' ')
            .next()
            .unwrap_or("unknown")
            .to_owned();
        let commit = shell::output(self.repo.command("git").args(["rev-parse", "--short", "HEAD"]));
        format!(
            "{cores} cores of {}, load at the end {load}, commit {}{}",
            processor.unwrap_or_else(|| "an unknown processor".into()),
            commit.as_deref().map_or("unknown", str::trim),
            if self.quick { ", quick" } else { "" }
        )
    }
}
