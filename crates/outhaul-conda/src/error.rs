//! The error of this crate. Building errors from what rattler says is `cause.rs`.

use std::fmt;

/// What an error is about, for deciding whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CondaErrorKind {
    /// The request makes no sense: a spec, a channel or a platform is written wrongly. The user's fault.
    Invalid,
    /// No set of packages fits the request. The user's fault.
    Unsolvable,
    /// A channel, or an archive in it, cannot be reached or is not there.
    Unreachable,
    /// An archive is not what the channel said it is, or cannot be unpacked.
    Damaged,
    /// A package was to be installed that was not fetched.
    NotFetched,
    /// The folder on the target has a longer name than a package leaves room for.
    PrefixTooLong,
    /// The file system of this machine refused something.
    Disk,
    /// Work was cut off, or rattler did something that it should not do.
    Internal,
}

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CondaError {
    /// What it is about.
    pub kind: CondaErrorKind,
    /// What happened, to what.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl CondaError {
    pub(crate) fn new(kind: CondaErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether the request itself has to change.
    pub fn is_users_fault(&self) -> bool {
        matches!(
            self.kind,
            CondaErrorKind::Invalid | CondaErrorKind::Unsolvable | CondaErrorKind::PrefixTooLong
        )
    }
}

impl fmt::Display for CondaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n{hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CondaError {}
