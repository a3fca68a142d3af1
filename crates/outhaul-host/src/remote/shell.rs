//! What carries commands to a machine: the one trait that a connection has to implement.

use std::fmt;
use std::net::SocketAddr;

use async_trait::async_trait;
use outhaul_driver::{ByteStream, DriverError, ErrorKind};
use tokio::io::AsyncRead;

/// Which of its two streams a command wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What a command reads.
pub enum Input<'a> {
    /// These bytes, then the end.
    Bytes(&'a [u8]),
    /// What a reader gives, then the end.
    Reader(&'a mut (dyn AsyncRead + Send + Unpin)),
    /// These bytes; the end comes only when the call is given up. For commands that stop when nobody is there.
    Open(&'a [u8]),
}

/// What kind of trouble a connection had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShellErrorKind {
    /// The machine could not be reached, or the connection broke: nobody knows how far the command came.
    Lost,
    /// The machine refused us: another host key, no login, no shell.
    Refused,
}

/// Why a command's end is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellError {
    /// What kind of trouble.
    pub kind: ShellErrorKind,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl ShellError {
    /// A broken connection.
    pub fn lost(message: impl Into<String>) -> Self {
        Self {
            kind: ShellErrorKind::Lost,
            message: message.into(),
            hint: None,
        }
    }

    /// The error as drivers give it. Also a refusal is temporary: the person may mend it, and the run is not harmed.
    #[must_use]
    pub fn during(self, operation: &'static str) -> DriverError {
        let error = DriverError::temporary(ErrorKind::Unreachable, operation, self.message);
        match self.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

impl fmt::Display for ShellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ShellError {}

/// Takes a command's output as it comes.
pub type Output<'a> = &'a mut (dyn FnMut(Stream, &[u8]) + Send);

/// A connection to a machine.
#[async_trait]
pub trait Shell: Send + Sync {
    /// Runs a command line by the person's login shell and gives its exit status, 128 + n for an end by signal n.
    /// Dropping the future gives the command up: its input ends and its output goes nowhere.
    async fn run(&self, line: &str, input: Input<'_>, output: Output<'_>) -> Result<i32, ShellError>;

    /// Opens a stream to where something listens on the machine.
    async fn connect(&self, address: SocketAddr) -> Result<Box<dyn ByteStream>, ShellError>;
}
