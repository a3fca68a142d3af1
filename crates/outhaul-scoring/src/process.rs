//! A worker's process: started with one end of a socket as its standard input, its output passed to the log.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::channel::Channel;
use crate::config::Config;

/// Lines of standard error that are kept to say why a process ended.
const TAIL: usize = 40;
/// A longer line is passed on in pieces, in bytes.
const LONG_LINE: usize = 16 << 10;

/// A worker's process. When it is dropped, it and what it has started are killed.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    group: Option<Pid>,
    tail: Arc<Mutex<VecDeque<String>>>,
    /// Ends when both outputs have ended.
    outputs: tokio::task::JoinSet<()>,
}

impl Process {
    /// Starts a worker. `program` is the file with the worker's own code.
    ///
    /// # Errors
    /// When the interpreter cannot be started.
    pub(crate) fn start(config: &Config, program: &Path, worker: u64) -> std::io::Result<(Self, Channel)> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        let ours = Channel::new(ours)?;
        let mut command = Command::new(&config.python);
        command
            .arg("-u")
            .arg(program)
            .arg(&config.script)
            .current_dir(&config.directory)
            .env_clear()
            .envs(config.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: Ctrl-C in the terminal is for the service, which lets requests end first.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(model) = &config.model {
            command.env("AZUREML_MODEL_DIR", model);
        }
        let mut child = command.spawn()?;
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        let mut outputs = tokio::task::JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            outputs.spawn(pass_on(stdout, worker, "stdout", None));
        }
        if let Some(stderr) = child.stderr.take() {
            outputs.spawn(pass_on(stderr, worker, "stderr", Some(Arc::clone(&tail))));
        }
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(Pid::from_raw);
        let process = Self {
            child,
            group,
            tail,
            outputs,
        };
        Ok((process, ours))
    }

    /// Waits for its end. May be given up and called again.
    pub(crate) async fn ended(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Kills it and everything that it has started.
    pub(crate) fn kill(&self) {
        if let Some(group) = self.group {
            // A group that is empty already is what is wanted.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }

    /// The last lines of its standard error, once that has been read to its end or `patience` is over.
    pub(crate) async fn last_words(&mut self, patience: std::time::Duration) -> String {
        let all = async { while self.outputs.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(patience, all).await;
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.iter().fold(String::new(), |text, line| text + line + "\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How a process ended, in words.
pub(crate) fn ending(status: Option<ExitStatus>) -> String {
    let Some(status) = status else {
        return "ended in a way that is not known".to_owned();
    };
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(9)) => "was killed by signal 9, often a sign that memory ran out".to_owned(),
        (None, signal) => format!("was killed by signal {}", signal.unwrap_or_default()),
    }
}

/// Passes lines on to the log.
async fn pass_on(
    source: impl AsyncRead + Unpin,
    worker: u64,
    stream: &'static str,
    tail: Option<Arc<Mutex<VecDeque<String>>>>,
) {
    let mut source = BufReader::with_capacity(LONG_LINE, source);
    let mut line = Vec::new();
    loop {
        let (used, is_whole) = match source.fill_buf().await {
            Ok(bytes) if !bytes.is_empty() => match bytes.iter().position(|byte| *byte == b'\n') {
                Some(at) => {
                    line.extend_from_slice(&bytes[..at]);
                    (at + 1, true)
                }
                None => {
                    line.extend_from_slice(bytes);
                    (bytes.len(), line.len() >= LONG_LINE)
                }
            },
            _ => break,
        };
        source.consume(used);
        if is_whole {
            say(&mut line, worker, stream, tail.as_deref());
        }
    }
    if !line.is_empty() {
        say(&mut line, worker, stream, tail.as_deref());
    }
}

fn say(line: &mut Vec<u8>, worker: u64, stream: &str, tail: Option<&Mutex<VecDeque<String>>>) {
    let text = String::from_utf8_lossy(line).into_owned();
    line.clear();
    tracing::info!(worker, stream, "{text}");
    if let Some(tail) = tail {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings() {
        assert_eq!(
            ending(Some(ExitStatus::from_raw(3 << 8))),
            "ended with exit code 3"
        );
        assert!(ending(Some(ExitStatus::from_raw(9))).contains("memory"));
        assert_eq!(ending(Some(ExitStatus::from_raw(11))), "was killed by signal 11");
    }
}
