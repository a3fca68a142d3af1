//! The one error of this crate, and what an engine's answers mean.

use std::fmt;

use bollard::errors::Error as Bollard;

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The engine could not be reached, or the connection to it broke.
    Unreachable,
    /// The engine is there and refuses this user.
    Denied,
    /// The named thing is not on the engine.
    NotFound,
    /// It is there already, or in a state that forbids the request.
    Conflict,
    /// The request cannot be carried out as it is.
    BadRequest,
    /// The engine's disk is full.
    DiskFull,
    /// The engine failed.
    Engine,
}

/// Why an engine could not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerError {
    /// What kind of thing went wrong.
    pub kind: ErrorKind,
    /// What was being done, as a verb phrase: `start the container`.
    pub operation: &'static str,
    /// What happened, to which named thing.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl fmt::Display for DockerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {}", self.operation, self.message)
    }
}

impl std::error::Error for DockerError {}

impl DockerError {
    /// An error without a hint.
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            operation,
            message: message.into(),
            hint: None,
        }
    }

    /// The same error with what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether trying again may help.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Unreachable | ErrorKind::DiskFull | ErrorKind::Engine
        )
    }

    /// An error of the connection.
    pub(crate) fn io(operation: &'static str, error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::PermissionDenied {
            return Self::new(
                ErrorKind::Denied,
                operation,
                format!("permission denied at the engine's socket: {error}"),
            )
            .with_hint("add the user to the group docker (`usermod -aG docker USER`) and log in again");
        }
        Self::new(
            ErrorKind::Unreachable,
            operation,
            format!("the engine cannot be reached: {error}"),
        )
        .with_hint("start the engine (`systemctl start docker`), or name the socket that it listens on")
    }

    /// An engine that did not answer in time.
    pub(crate) fn timeout(operation: &'static str) -> Self {
        Self::new(
            ErrorKind::Unreachable,
            operation,
            "the engine did not answer in time",
        )
    }

    /// What an error of `bollard` means.
    pub(crate) fn of(operation: &'static str, error: Bollard) -> Self {
        match error {
            Bollard::DockerResponseServerError { status_code, message } => {
                Self::answered(operation, status_code, &message)
            }
            Bollard::DockerStreamError { error } => Self::answered(operation, 500, &error),
            Bollard::IOError { err } => match connection_error(&err) {
                Some(inner) => Self::io(operation, inner),
                None => Self::io(operation, &err),
            },
            Bollard::HyperResponseError { err } => Self::new(
                ErrorKind::Unreachable,
                operation,
                format!("the connection to the engine broke: {}", root(&err)),
            ),
            Bollard::RequestTimeoutError => Self::timeout(operation),
            // An answer that is cut off, or that is no engine's.
            other => Self::new(
                ErrorKind::Unreachable,
                operation,
                format!("the answer is not an engine's: {other}"),
            ),
        }
    }

    /// What an engine's answer means.
    pub(crate) fn answered(operation: &'static str, status: u16, message: &str) -> Self {
        let message = message.trim();
        let told = |kind| Self::new(kind, operation, message);
        if message.contains("no space left on device") || message.contains("disk quota exceeded") {
            return told(ErrorKind::DiskFull)
                .with_hint("free space on the engine's disk (`docker system prune`)");
        }
        if let Some(hint) = fault_of_request(message) {
            return told(ErrorKind::BadRequest).with_hint(hint);
        }
        match status {
            401 | 403 => {
                told(ErrorKind::Denied).with_hint("ask whoever runs the engine for the right to do this")
            }
            404 => told(ErrorKind::NotFound),
            409 => told(ErrorKind::Conflict),
            400..=499 => told(ErrorKind::BadRequest),
            _ => told(ErrorKind::Engine),
        }
    }
}

/// Mistakes of a request that engines answer with all kinds of codes, and what to do about them.
fn fault_of_request(message: &str) -> Option<&'static str> {
    let has = |part: &str| message.contains(part);
    if has("could not select device driver") || has("nvidia-container-cli") {
        return Some(
            "install the NVIDIA container toolkit on the engine's host, or ask for no graphics processors",
        );
    }
    if has("executable file not found") || has("\"sh\": stat") {
        return Some("the image must have a POSIX shell `sh` on its PATH");
    }
    if has("bind source path does not exist") {
        return Some("the folder must be on the engine's host before the container is made");
    }
    if has("error gathering device information") {
        return Some("name a device that is on the engine's host");
    }
    if has("exec format error") || has("no matching manifest") {
        return Some("use an image that is made for the processor of the engine's host");
    }
    if has("No such network") || (has("network ") && has(" not found")) {
        return Some("name a network that `docker network ls` shows");
    }
    None
}

fn connection_error(error: &std::io::Error) -> Option<&std::io::Error> {
    error.get_ref()?.downcast_ref()
}

fn root(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_sorted_by_what_helps() {
        for (status, message, kind, temporary) in [
            (404, "No such container: x", ErrorKind::NotFound, false),
            (
                409,
                "Conflict. The container name is in use",
                ErrorKind::Conflict,
                false,
            ),
            (400, "invalid mount config", ErrorKind::BadRequest, false),
            (403, "authorization denied by plugin", ErrorKind::Denied, false),
            (
                500,
                "write /x: no space left on device",
                ErrorKind::DiskFull,
                true,
            ),
            (
                500,
                "could not select device driver \"\" with capabilities: [[gpu]]",
                ErrorKind::BadRequest,
                false,
            ),
            (503, "shutting down", ErrorKind::Engine, true),
        ] {
            let error = DockerError::answered("start the container", status, message);
            assert_eq!(error.kind, kind, "{message}");
            assert_eq!(error.is_temporary(), temporary, "{message}");
        }
    }

    #[test]
    fn connection_errors_are_told_apart() {
        use std::io::ErrorKind as Io;
        for (io, kind) in [
            (Io::PermissionDenied, ErrorKind::Denied),
            (Io::NotFound, ErrorKind::Unreachable),
            (Io::ConnectionRefused, ErrorKind::Unreachable),
            (Io::BrokenPipe, ErrorKind::Unreachable),
        ] {
            let error = DockerError::of("ask the engine", Bollard::IOError { err: io.into() });
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.hint.is_some());
        }
    }
}
