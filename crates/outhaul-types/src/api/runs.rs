//! Runs as lists show them, arrays, and asking for an end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::id::RunId;

/// Which runs to list (`GET /runs`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunFilter {
    /// Only this workspace; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Only this experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// Only this target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Only this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Only runs with this tag, as `name=value` or `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only children of this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Child runs too, at every depth; without effect together with `parent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<bool>,
    /// Only runs of the array that this run belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<String>,
    /// At most so many, newest first; 0 means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// One line of a list of runs: the run without what is long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunSummary {
    /// Its id.
    pub id: RunId,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: crate::RunState,
    /// Its target.
    pub target: String,
    /// Its experiment.
    pub experiment: String,
    /// When it was submitted.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its process was first seen.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// How long the process ran, in milliseconds, once it has ended.
    pub ran_ms: Option<u64>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Whose fault a failure is.
    pub failure_class: Option<crate::FailureClass>,
    /// The script's exit code.
    pub exit_code: Option<i32>,
}

impl From<&crate::Run> for RunSummary {
    fn from(run: &crate::Run) -> Self {
        Self {
            id: run.id.clone(),
            name: run.name.clone(),
            state: run.state,
            target: run.target.clone(),
            experiment: run.experiment.clone(),
            created_at: run.created_at,
            started_at: run.started_at,
            ended_at: run.ended_at,
            ran_ms: run.ran_ms,
            tags: run.tags.clone(),
            failure_class: run.failure.as_ref().map(|failure| failure.class),
            exit_code: run.exit_code(),
        }
    }
}

/// An array as it stands (`POST /arrays`, `GET /arrays/{array}`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunArray {
    /// Its id: that of its first run.
    pub id: RunId,
    /// Its indexes, as they were asked for.
    pub array: String,
    /// Its runs, by index.
    pub runs: Vec<ArrayRun>,
}

/// A run of an array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArrayRun {
    /// Its index.
    pub index: u32,
    /// The run.
    pub run: RunSummary,
}

/// The result of asking for a run's end (`POST /runs/{run}/cancel`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CancelAnswer {
    /// The run as it stands.
    pub id: RunId,
    /// Its state.
    pub state: crate::RunState,
    /// Whether it had ended already, so that nothing was done.
    pub already_ended: bool,
}
