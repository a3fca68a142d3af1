//! What can go wrong in a store.

use outhaul_types::RunId;
use outhaul_types::run::ForbiddenTransition;

/// Why a store did not do what it was asked to. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The named thing is not there.
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// It is there already, or differs from what is there.
    #[error("{0}")]
    Conflict(String),
    /// A prefix that names several runs.
    #[error("`{prefix}` names more than one run: {}", .matches.join(", "))]
    Ambiguous {
        /// The prefix.
        prefix: String,
        /// Some of the ids that begin with it.
        matches: Vec<String>,
    },
    /// Somebody else changed the run since it was read: read it again.
    #[error("run `{run}` has changed in the meantime")]
    Stale {
        /// The run.
        run: RunId,
    },
    /// The transition table forbids it.
    #[error(transparent)]
    Forbidden(#[from] ForbiddenTransition),
    /// The stored data is of a newer version of Outhaul.
    #[error(
        "the data is of version {found} and this program knows versions up to {known}: use a newer outhaul"
    )]
    NewerVersion {
        /// Version of the data.
        found: i64,
        /// Newest version that this program knows.
        known: i64,
    },
    /// The disk is full.
    #[error("the disk that holds the data folder is full: {0}")]
    DiskFull(String),
    /// The database failed.
    #[error("the store failed: {0}")]
    Backend(String),
}
