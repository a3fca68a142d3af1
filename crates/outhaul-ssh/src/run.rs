//! Running a short command to its end.

use bytes::Bytes;

use crate::connection::Connection;
use crate::error::{SshError, SshErrorKind};
use crate::exec::{Event, Exit, refused};

/// What a command said and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// How it ended; never [`Exit::Lost`].
    pub exit: Exit,
    /// Whether it said more than was kept.
    pub truncated: bool,
}

impl Output {
    /// Whether it ended with code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.exit == Exit::Code(0)
    }
}

impl Connection {
    /// Runs a command to its end, writing its input and reading what it says at the same time. Of each of its two
    /// outputs the first `limit` bytes are kept. A command that ends without reading all its input is fine.
    ///
    /// # Errors
    ///
    /// If it could not be started, or if it isn't known how it ended (`Lost`).
    pub async fn run(&self, command: &str, stdin: &[u8], limit: usize) -> Result<Output, SshError> {
        let mut exec = self.begin(command).await?;
        let input = exec.take_stdin();
        let bytes = Bytes::copy_from_slice(stdin);
        let write = async move {
            if let Some(mut input) = input {
                // A command that needs no more input is no error; how it ended tells.
                let _ = input.send(bytes).await;
                input.finish().await;
            }
        };
        let mut output = Output {
            stdout: Vec::new(),
            stderr: Vec::new(),
            exit: Exit::Lost,
            truncated: false,
        };
        let read = async {
            while let Some(event) = exec.next().await {
                let (kept, bytes) = match event {
                    Event::Stdout(bytes) => (&mut output.stdout, bytes),
                    Event::Stderr(bytes) => (&mut output.stderr, bytes),
                };
                let room = limit.saturating_sub(kept.len()).min(bytes.len());
                kept.extend_from_slice(&bytes[..room]);
                output.truncated |= room < bytes.len();
            }
        };
        tokio::join!(write, read);
        if exec.was_refused() {
            return Err(refused());
        }
        output.exit = exec.exit().clone();
        if output.exit == Exit::Lost {
            return Err(self.reason().unwrap_or_else(|| {
                SshError::new(
                    SshErrorKind::Lost,
                    format!("`{}` did not say how the command ended", self.name()),
                )
            }));
        }
        Ok(output)
    }
}
