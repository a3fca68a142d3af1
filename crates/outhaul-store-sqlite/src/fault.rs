//! What goes wrong inside this crate, and what a [`StoreError`] says about it.

use outhaul_store::StoreError;
use rusqlite::ErrorCode;

/// A failed step of a read or a write.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// SQLite refused or failed.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// The answer that the caller is due.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A value that was read cannot be understood.
    #[error("{what} is damaged: {why}")]
    Damaged { what: String, why: String },
}

pub(crate) type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    pub fn damaged(what: impl Into<String>, why: &(impl ToString + ?Sized)) -> Self {
        Self::Damaged {
            what: what.into(),
            why: why.to_string(),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => error,
            Fault::Sql(error) => Failed::from(&error).into(),
            damaged @ Fault::Damaged { .. } => Self::Backend(damaged.to_string()),
        }
    }
}

/// A failure of SQLite in a form that can be told to several callers.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failed {
    disk_full: bool,
    message: String,
}

impl Failed {
    pub fn other(message: &str) -> Self {
        Self {
            disk_full: false,
            message: message.to_owned(),
        }
    }
}

impl From<&StoreError> for Failed {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::DiskFull(message) => Self {
                disk_full: true,
                message: message.clone(),
            },
            StoreError::Backend(message) => Self::other(message),
            other => Self::other(&other.to_string()),
        }
    }
}

impl From<&rusqlite::Error> for Failed {
    fn from(error: &rusqlite::Error) -> Self {
        Self {
            disk_full: error.sqlite_error_code() == Some(ErrorCode::DiskFull),
            message: error.to_string(),
        }
    }
}

impl From<Failed> for StoreError {
    fn from(failed: Failed) -> Self {
        if failed.disk_full {
            Self::DiskFull(failed.message)
        } else {
            Self::Backend(failed.message)
        }
    }
}
