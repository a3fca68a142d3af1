//! Virtual environments of others' programs that are kept between calls: what is large to install is installed once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::limit;
use super::machine::Machine;
use crate::repo;
use crate::temp::Temp;

/// Where they lie: outside the repository and its target folder, since some take a gigabyte.
const PLACE: &str = "/var/tmp";
/// The longest that an installation may take.
const INSTALL: Duration = Duration::from_secs(900);

/// A virtual environment.
pub struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// The environment of this name with these packages, installed when it is not there.
    pub fn kept(machine: &Machine, name: &str, packages: &[&str]) -> Result<Self> {
        let folder = Path::new(PLACE).join(format!("outhaul-bench-{name}"));
        let venv = Self { folder };
        let complete = venv.folder.join("complete");
        let wanted = packages.join(" ");
        if std::fs::read_to_string(&complete).is_ok_and(|there| there == wanted) {
            return Ok(venv);
        }
        eprintln!("installing: {wanted}");
        let _ = std::fs::remove_dir_all(&venv.folder);
        let log = Temp::new("install")?;
        let log = log.path().join("log");
        let mut make = machine.command(&machine.python);
        make.args(["-m", "venv"]).arg(&venv.folder);
        let mut install = machine.command(venv.python());
        install
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-compile",
                "--disable-pip-version-check",
            ])
            .args(packages);
        for command in [&mut make, &mut install] {
            limit::time(command, &log, INSTALL).with_context(|| format!("`{wanted}` cannot be installed"))?;
        }
        // Written last: a broken installation does not count.
        std::fs::write(complete, wanted)?;
        Ok(venv)
    }

    /// Its interpreter.
    pub fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// One of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// One of its programs as a command in a folder, which is its home, too, so that it leaves nothing elsewhere.
    pub fn command(&self, program: &str, folder: &Path) -> Result<Command> {
        let mut command = repo::clean(self.program(program));
        let old = std::env::var_os("PATH").unwrap_or_default();
        let own = std::iter::once(self.folder.join("bin"));
        let path = std::env::join_paths(own.chain(std::env::split_paths(&old)))?;
        command
            .current_dir(folder)
            .env("PATH", path)
            .env("HOME", folder)
            .env_remove("PYTHONPATH")
            .env("DO_NOT_TRACK", "1")
            .env("MLFLOW_DISABLE_TELEMETRY", "true")
            .env("BENTOML_DO_NOT_TRACK", "True");
        Ok(command)
    }
}
