//! MLflow's client as a process that does what it is told and says how long it took.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::bench::limit;
use crate::bench::venv::Venv;

const SCRIPT: &str = include_str!("client.py");

/// The process; it ends with this value.
pub struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    log: std::path::PathBuf,
}

impl Client {
    /// Starts it for a server. `experiment` is written to, `searched` is searched.
    pub fn start(
        venv: &Venv,
        folder: &Path,
        server: &[(&str, String)],
        experiment: &str,
        searched: &str,
    ) -> Result<Self> {
        let log = folder.join("client.log");
        let mut command = venv.command("python", folder)?;
        command
            .args(["-c", SCRIPT, experiment, searched])
            .envs(server.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?);
        let mut child = command.spawn().context("MLflow's client cannot be started")?;
        let input = child.stdin.take().context("no standard input")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self {
            child,
            input,
            output,
            log,
        })
    }

    /// Has one thing done, and says how many seconds it took.
    pub fn seconds(&mut self, name: &str, number: usize) -> Result<f64> {
        let asked = writeln!(self.input, "{name} {number}").and_then(|()| self.input.flush());
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if asked.is_err() || line.is_empty() {
            bail!(
                "MLflow's client failed at `{name}`: {}",
                limit::last_line(&self.log)
            );
        }
        line.trim().parse().context("MLflow's client tells no time")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
