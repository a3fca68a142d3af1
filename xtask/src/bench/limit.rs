//! Programs of others, which must not be waited for without end and must leave nothing behind.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// A process that leads a group of its own; the group ends with this value.
pub struct Group(Child);

impl Group {
    /// Starts it. What it writes goes to the file.
    pub fn start(command: &mut Command, log: &std::path::Path) -> Result<Self> {
        let log = std::fs::File::options().create(true).append(true).open(log)?;
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = command
            .spawn()
            .with_context(|| format!("`{}` cannot be started", shell::shown(command)))?;
        Ok(Self(child))
    }

    /// Waits for its end, or for the end of the time.
    fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(Some(status));
            }
            if start.elapsed() > limit {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Which process leads it.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether its leader has ended by itself.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }

    fn signal(&self, name: &str) -> bool {
        shell::succeeds(
            Command::new("kill")
                .arg(format!("-{name}"))
                .arg("--")
                .arg(format!("-{}", self.0.id())),
        )
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.signal("TERM") {
            let _ = self.wait(Duration::from_secs(10));
            self.signal("KILL");
        }
        let _ = self.0.wait();
    }
}

/// Runs a command to its end within a time, and says how many seconds it took.
pub fn time(command: &mut Command, log: &std::path::Path, limit: Duration) -> Result<f64> {
    let start = Instant::now();
    let mut group = Group::start(command, log)?;
    let ended = group.wait(limit)?;
    let took = start.elapsed().as_secs_f64();
    match ended {
        Some(status) if status.success() => Ok(took),
        Some(status) => bail!("`{}` failed: {status}; {}", shell::shown(command), last_line(log)),
        None => bail!(
            "`{}` did not end within {} s",
            shell::shown(command),
            limit.as_secs()
        ),
    }
}

/// The last thing that a program wrote.
pub fn last_line(log: &std::path::Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("it said nothing")
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temp::Temp;

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let folder = Temp::new("limit").unwrap();
        let log = folder.path().join("log");
        let error = time(Command::new("sleep").arg("60"), &log, Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("did not end"), "{error}");
        let error = time(
            Command::new("sh").args(["-c", "echo why; exit 3"]),
            &log,
            Duration::from_secs(9),
        )
        .unwrap_err();
        assert!(error.to_string().ends_with("why"), "{error}");
    }
}
