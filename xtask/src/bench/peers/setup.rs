//! Installing a peer into an environment of its own, and running what it needs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::RUN;
use super::known::{Peer, Service};
use crate::bench::limit::{self, Group};
use crate::bench::machine::Machine;
use crate::shell;
use crate::temp::Temp;

/// The longest that an installation may take.
const INSTALL: Duration = Duration::from_secs(600);

/// A peer that is installed and ready.
pub struct Setup {
    // Before the folder: a service ends before its files go.
    _service: Option<Group>,
    programs: PathBuf,
    work: PathBuf,
    folder: Temp,
    path: std::ffi::OsString,
}

impl Setup {
    /// Installs it, and starts its service.
    pub fn new(machine: &Machine, peer: &Peer) -> Result<Self> {
        let folder = Temp::new("peer")?;
        let venv = folder.path().join("venv");
        let work = folder.path().join("work");
        std::fs::create_dir(&work)?;
        std::fs::copy(machine.script(), work.join("hi.py"))?;
        for (name, text) in peer.files {
            std::fs::write(work.join(name), text)?;
        }
        let programs = venv.join("bin");
        let path = std::env::join_paths(
            std::iter::once(programs.clone()).chain(std::env::split_paths(&machine.path)),
        )?;
        let mut setup = Self {
            _service: None,
            programs,
            work,
            folder,
            path,
        };
        install(machine, &setup, peer, &venv)?;
        if let Some(service) = &peer.service {
            setup._service = Some(setup.start(service)?);
        }
        Ok(setup)
    }

    /// What it and its installation wrote.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// A program of its environment, in its folder.
    pub fn command(&self, words: &[&str]) -> Command {
        let program = if words[0] == "PYTHON" { "python" } else { words[0] };
        let mut command = crate::repo::clean(self.programs.join(program));
        let own = self.folder.path();
        command
            .args(&words[1..])
            .current_dir(&self.work)
            .env("PATH", &self.path)
            .env("USERNAME", "bench")
            .env(
                "MLFLOW_TRACKING_URI",
                format!("sqlite:///{}", own.join("mlflow.db").display()),
            )
            .env("METAFLOW_DATASTORE_SYSROOT_LOCAL", own)
            .env("METAFLOW_HOME", own.join("metaflow"))
            .env("RAY_TMPDIR", own)
            .env("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
            .env("DO_NOT_TRACK", "1");
        command
    }

    fn start(&self, service: &Service) -> Result<Group> {
        let mut group = Group::start(&mut self.command(service.start), &self.log())?;
        let start = Instant::now();
        while limit::time(&mut self.command(service.is_up), &self.log(), RUN).is_err() {
            if group.has_ended()? {
                bail!(
                    "`{}` ended: {}",
                    service.start.join(" "),
                    limit::last_line(&self.log())
                );
            }
            if start.elapsed() > RUN {
                bail!(
                    "`{}` was not up within {} s",
                    service.start.join(" "),
                    RUN.as_secs()
                );
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        Ok(group)
    }
}

fn install(machine: &Machine, setup: &Setup, peer: &Peer, venv: &Path) -> Result<()> {
    let log = setup.log();
    let mut commands = Vec::new();
    if shell::found("uv") {
        let mut make = machine.command("uv");
        make.args(["venv", "--python"]).arg(&machine.python).arg(venv);
        let mut packages = machine.command("uv");
        packages
            .args(["pip", "install", "--python"])
            .arg(setup.programs.join("python"))
            .args(peer.packages);
        commands.extend([make, packages]);
    } else {
        let mut make = machine.command(&machine.python);
        make.args(["-m", "venv"]).arg(venv);
        let mut packages = machine.command(setup.programs.join("python"));
        packages
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(peer.packages);
        commands.extend([make, packages]);
    }
    for command in &mut commands {
        limit::time(command, &log, INSTALL)
            .with_context(|| format!("{} cannot be installed", peer.packages.join(" ")))?;
    }
    Ok(())
}
