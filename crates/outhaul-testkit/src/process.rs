//! Waiting with a limit, and looking at processes through `/proc`.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long anything may take before a test fails. Generous: machines are noisy.
const PATIENCE: Duration = Duration::from_secs(90);

/// Looks again and again, with growing pauses, until there is something.
///
/// # Panics
/// When it takes too long; `what` says what was waited for.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "waited too long: {what}");
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Waits until something holds; see [`eventually`].
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    eventually(what, || holds().then_some(()));
}

/// Whether a process is there and has not ended. One that nobody has waited for yet still has its number.
#[must_use]
pub fn is_there(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // The name in brackets may hold anything; the state follows the last of them.
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Sends a signal; a process that is gone is no error.
pub fn signal(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// Pids of all processes, with their command line and environment (zero bytes between the words).
fn all() -> impl Iterator<Item = (u32, Vec<u8>, Vec<u8>)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let read = |name| std::fs::read(entry.path().join(name)).unwrap_or_default();
        (pid != std::process::id()).then(|| (pid, read("cmdline"), read("environ")))
    })
}

fn holds(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}

/// Pids of processes whose command line holds all of these.
#[must_use]
pub fn called_with(parts: &[&str]) -> Vec<u32> {
    let called = all().filter(|(_, line, _)| parts.iter().all(|part| holds(line, part)));
    called
        .map(|(pid, _, _)| pid)
        .filter(|pid| is_there(*pid))
        .collect()
}

/// Pids and command lines of processes whose environment holds all of these.
#[must_use]
pub fn with_environment(parts: &[&str]) -> Vec<(u32, String)> {
    let mine = all().filter(|(_, _, environment)| parts.iter().all(|part| holds(environment, part)));
    mine.map(|(pid, line, _)| (pid, String::from_utf8_lossy(&line).into_owned()))
        .collect()
}

/// Pids of processes whose command line or environment holds this.
#[must_use]
pub fn touching(part: &str) -> Vec<u32> {
    let touching = all().filter(|(_, line, environment)| holds(line, part) || holds(environment, part));
    touching
        .map(|(pid, _, _)| pid)
        .filter(|pid| is_there(*pid))
        .collect()
}

/// What a command left.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The command, for messages.
    pub what: String,
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Answer {
    /// Runs a command to its end.
    ///
    /// # Panics
    /// When it cannot be started or does not end in time.
    #[must_use]
    pub fn of(mut command: Command) -> Self {
        let what = format!("{command:?}");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let drain = |pipe: Option<Box<dyn Read + Send>>| {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                if let Some(mut pipe) = pipe {
                    let _ = pipe.read_to_end(&mut bytes);
                }
                bytes
            })
        };
        let stdout = drain(child.stdout.take().map(|pipe| Box::new(pipe) as _));
        let stderr = drain(child.stderr.take().map(|pipe| Box::new(pipe) as _));
        let begin = Instant::now();
        let mut pause = Duration::from_micros(200);
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if begin.elapsed() < PATIENCE => thread::sleep(pause),
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    break None;
                }
            }
            pause = (pause * 2).min(Duration::from_millis(10));
        };
        let (stdout, stderr) = (
            stdout.join().unwrap_or_default(),
            stderr.join().unwrap_or_default(),
        );
        let code = status.and_then(|status| status.code());
        let answer = Self {
            what,
            code,
            stdout,
            stderr,
        };
        assert!(status.is_some(), "does not end: {answer}");
        answer
    }

    /// Whether it ended well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }

    /// This, if it ended well.
    ///
    /// # Panics
    /// With all that it said, if it did not.
    #[must_use]
    pub fn success(self) -> Self {
        assert!(self.is_success(), "{self}");
        self
    }

    /// Its standard output as text, without the last line end.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {self}"))
            .trim_end()
    }

    /// Its standard output as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(4000)]).into_owned();
        write!(
            f,
            "{}\nexit code: {:?}\nstdout: {}\nstderr: {}",
            self.what,
            self.code,
            shown(&self.stdout),
            shown(&self.stderr)
        )
    }
}
