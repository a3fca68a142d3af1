//! The machine that environments are built on, as the few operations that building needs.

mod lines;
mod place;
mod this_machine;

use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;

pub use self::lines::OutputLines;
pub use self::this_machine::ThisMachine;
use crate::plan::Step;

/// Where the output of build steps goes while they run.
pub trait LogSink: Send + Sync {
    /// Takes one line of output as it came, with its line end; the last one may lack it. Must not block for long.
    fn line(&self, bytes: &[u8]);
}

/// Drops all output.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLog;

impl LogSink for NoLog {
    fn line(&self, _bytes: &[u8]) {}
}

impl LogSink for Mutex<Vec<u8>> {
    fn line(&self, bytes: &[u8]) {
        if let Ok(mut all) = self.lock() {
            all.extend_from_slice(bytes);
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Exit status; none when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The last part (1 MiB) of its standard output.
    pub stdout: Vec<u8>,
    /// The last part (1 MiB) of its error output.
    pub stderr: Vec<u8>,
}

impl Finished {
    /// True for exit status 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }
}

/// What a file's metadata tell, links followed. Two equal values mean the same unchanged file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileFacts {
    /// The path with every link followed.
    pub real: String,
    /// Size in bytes.
    pub size: u64,
    /// Time of the last change in nanoseconds since 1970.
    pub modified_ns: i128,
    /// The file's number in its file system.
    pub inode: u64,
    /// A regular file that may be executed.
    pub executable: bool,
}

/// What kind of trouble a host had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostErrorKind {
    /// The file or program is not there.
    NotFound,
    /// Not allowed.
    Denied,
    /// No space left.
    Full,
    /// The machine could not be asked: nobody knows how far it came.
    Unreachable,
    /// Anything else.
    Other,
}

/// An operation that the host could not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not {operation} `{subject}`: {message}")]
pub struct HostError {
    /// What was tried: `read`, `write`, `start`, …
    pub operation: &'static str,
    /// The path or program.
    pub subject: String,
    /// What kind of trouble.
    pub kind: HostErrorKind,
    /// The system's words.
    pub message: String,
}

impl HostError {
    /// Wraps an error of the operating system.
    #[must_use]
    pub fn io(operation: &'static str, subject: &str, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => HostErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => HostErrorKind::Denied,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => HostErrorKind::Full,
            _ => HostErrorKind::Other,
        };
        Self {
            operation,
            subject: subject.to_owned(),
            kind,
            message: error.to_string(),
        }
    }
}

/// Holds a lock until it is dropped.
pub trait Guard: Send + Sync {}

/// A machine with files and processes. Paths are absolute.
#[async_trait]
pub trait BuildHost: Send + Sync {
    /// Runs a step to its end. Every line of its output goes to `log` as it comes. Dropping the future kills the step
    /// with everything it started. Fails only when the step cannot be started or watched.
    async fn run(&self, step: &Step, log: &dyn LogSink) -> Result<Finished, HostError>;
    /// The bytes of a file, or none if it is not there.
    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, HostError>;
    /// Writes a file so that readers see the old or the new bytes, never a part. Missing folders are made.
    async fn write_atomic(&self, path: &str, bytes: &[u8]) -> Result<(), HostError>;
    /// True if the path leads to something, links followed.
    async fn exists(&self, path: &str) -> Result<bool, HostError>;
    /// A file's facts, or none if it is not there.
    async fn facts(&self, path: &str) -> Result<Option<FileFacts>, HostError>;
    /// Names in a folder, sorted; none in a folder that is not there.
    async fn list(&self, path: &str) -> Result<Vec<String>, HostError>;
    /// Removes a file or a folder with all it holds; nothing there is no error.
    async fn remove_tree(&self, path: &str) -> Result<(), HostError>;
    /// Puts the folder `from` of *this process's* machine on the host at `to`, where nothing is yet: with its links and
    /// rights, and whole or not at all. `from` may be gone then.
    async fn place_tree(&self, from: &Path, to: &str) -> Result<(), HostError>;
    /// Paths of all executables with one of the names, in the order of the folders, then of the names.
    async fn find_executables(&self, names: &[String], folders: &[String]) -> Result<Vec<String>, HostError>;
    /// Waits for the exclusive lock at `path`. It is freed when the guard is dropped or its holder dies.
    async fn lock(&self, path: &str) -> Result<Box<dyn Guard>, HostError>;
}
