//! What is read of a run: logs, events, outputs, code.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::spec::SnapshotRef;

/// Which part of a log to give (`GET /runs/{run}/logs`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// One stream; all in order of arrival when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<crate::LogStream>,
    /// From this byte on, counted in what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Go on until the run has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow: Option<bool>,
    /// Tell changes of the run too, as `event: run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<bool>,
}

/// From which event on to give a run's events (`GET /runs/{run}/events`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Only events after this position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Go on until the run has ended (server-sent events); otherwise a JSON array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow: Option<bool>,
}

/// A file that a run left (`GET /runs/{run}/outputs`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Output {
    /// Its path: `outputs/...`, `logs/...` or the name it was uploaded under.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its content hash (blake3, hexadecimal).
    pub hash: String,
}

/// A file of a run's code (`GET /runs/{run}/snapshot`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotFile {
    /// Its path.
    pub path: String,
    /// Its size in bytes (0 for a link).
    pub size: u64,
    /// Its content hash; absent for a link.
    pub hash: Option<String>,
    /// Whether it is executable.
    pub executable: bool,
    /// Where a symbolic link points to.
    pub link: Option<String>,
}

/// The code of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotInfo {
    /// Which tree and where it came from.
    pub snapshot: SnapshotRef,
    /// Its files.
    pub files: Vec<SnapshotFile>,
}
