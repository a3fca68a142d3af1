//! The one error of drivers. Only its status decides whether something is tried again.

use std::fmt;

use outhaul_types::FailureClass;

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request cannot be carried out as it is (the person's fault).
    Invalid,
    /// The environment could not be locked or built.
    Environment,
    /// The named run is not on the target.
    NotFound,
    /// The target could not be reached, or did not answer in time.
    Unreachable,
    /// The target refused.
    Refused,
    /// The target's disk is full.
    DiskFull,
    /// Something on the target is broken.
    Target,
    /// A mistake in Outhaul, or a failure of its own files.
    System,
}

/// Whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Trying again gives the same.
    Permanent,
    /// Trying again may help.
    Temporary,
    /// It was temporary and has been tried again in vain.
    Persistent,
}

/// Why a driver could not do what it was asked to.
#[derive(Debug)]
pub struct DriverError {
    /// What kind of thing went wrong.
    pub kind: ErrorKind,
    /// Whether trying again may help.
    pub status: Status,
    /// What was being done, as a verb phrase: `start the run`.
    pub operation: &'static str,
    /// What happened, to which named thing.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The cause.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl DriverError {
    /// An error that trying again will not mend.
    pub fn permanent(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            status: Status::Permanent,
            operation,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    /// An error that trying again may mend.
    pub fn temporary(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: Status::Temporary,
            ..Self::permanent(kind, operation, message)
        }
    }

    /// The error for a failed file operation on `path`: a full disk is told apart and is temporary.
    #[must_use]
    pub fn io(operation: &'static str, path: impl fmt::Display, error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let (kind, status) = match error.kind() {
            Io::StorageFull | Io::QuotaExceeded => (ErrorKind::DiskFull, Status::Temporary),
            Io::Interrupted | Io::TimedOut => (ErrorKind::Target, Status::Temporary),
            _ => (ErrorKind::Target, Status::Permanent),
        };
        Self {
            kind,
            status,
            operation,
            message: format!("`{path}`: {error}"),
            hint: None,
            source: Some(Box::new(error)),
        }
    }

    /// The same error with what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What happened and what to do next in one line, for where there is room for one text only.
    #[must_use]
    pub fn with_advice(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{self}; {hint}"),
            None => self.to_string(),
        }
    }

    /// Whether trying again may help.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.status == Status::Temporary
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        match self.kind {
            ErrorKind::Invalid => FailureClass::User,
            ErrorKind::Environment => FailureClass::Environment,
            ErrorKind::NotFound
            | ErrorKind::Unreachable
            | ErrorKind::Refused
            | ErrorKind::DiskFull
            | ErrorKind::Target => FailureClass::Target,
            ErrorKind::System => FailureClass::System,
        }
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {}", self.operation, self.message)
    }
}

// The cause is part of `message`, so it is not given as `source` again.
impl std::error::Error for DriverError {}
