//! An Outhaul of our own: a program, a data folder, and the server that runs in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{http, repo, shell, temp::Temp};

/// A data folder with its server, which ends with this value.
pub struct Server {
    program: PathBuf,
    folder: Temp,
    path: Option<std::ffi::OsString>,
    variable: Option<(&'static str, std::ffi::OsString)>,
}

impl Server {
    /// A new data folder. The server starts with the first command that needs it.
    pub fn new(program: PathBuf) -> Result<Self> {
        Ok(Self {
            program,
            folder: Temp::new("home")?,
            path: None,
            variable: None,
        })
    }

    /// Gives every command, and so the server, this PATH.
    pub fn with_path(mut self, path: std::ffi::OsString) -> Self {
        self.path = Some(path);
        self
    }

    /// Gives every command, and so the server, this variable.
    pub fn with_variable(mut self, name: &'static str, value: std::ffi::OsString) -> Self {
        self.variable = Some((name, value));
        self
    }

    /// The data folder.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A command with this data folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = repo::clean(&self.program);
        command
            .env("OUTHAUL_HOME", self.home())
            .current_dir(self.folder.path())
            .args(arguments);
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        if let Some((name, value)) = &self.variable {
            command.env(name, value);
        }
        command
    }

    /// Runs a command and reads its answer.
    pub fn answer(&self, arguments: &[&str]) -> Result<Value> {
        let text = shell::output(self.command(arguments).args(["--format", "json"]))?;
        serde_json::from_str(&text)
            .with_context(|| format!("no JSON came from `outhaul {}`", arguments.join(" ")))
    }

    /// Starts the server if it does not run yet, and says which process it is.
    pub fn start(&self) -> Result<u64> {
        self.answer(&["experiment", "list"])?;
        self.answer(&["server", "status"])?["pid"]
            .as_u64()
            .context("`outhaul server status` has no `pid`")
    }

    /// Ends the server and waits until it has ended.
    pub fn stop(&self) -> Result<()> {
        shell::output(&mut self.command(&["server", "stop"])).map(drop)
    }

    /// A request to the API.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Vec<u8>> {
        http::request(&socket(&self.home()), method, path, body)
    }
}

fn socket(home: &Path) -> PathBuf {
    home.join("server.sock")
}

impl Drop for Server {
    fn drop(&mut self) {
        if socket(&self.home()).exists()
            && let Err(error) = self.stop()
        {
            eprintln!(
                "the server in `{}` could not be stopped: {error:#}",
                self.home().display()
            );
        }
    }
}
