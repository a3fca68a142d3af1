//! Jobs of targets by the targets' own names.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::runs::RunSummary;

/// A job of a target that the target's own name names, whoever submitted it (`GET /targets/{target}/jobs/{job}`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NativeJob {
    /// The target.
    pub target: String,
    /// The target's own name for it.
    pub id: String,
    /// The target's own word for its state.
    pub state: String,
    /// The target's own word for why it waits or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub user: String,
    /// What it runs, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_dir: Option<String>,
    /// The file of its standard output on the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// The file of its standard error on the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
    /// The run that it is: one that Outhaul submitted, or one that it was adopted as.
    pub run: Option<RunSummary>,
}

/// How a job of a target shall become a run (`POST /targets/{target}/jobs/{job}/adopt`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdoptJob {
    /// The run's workspace; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Its experiment; `adopted` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// Its name; made from the job's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
