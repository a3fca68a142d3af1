//! The server, its workspaces and their experiments.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::workspace::WorkspaceSettings;

/// The server as it stands (`GET /server`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerStatus {
    /// Its process id.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// Which build it is: changes when the program's file was replaced.
    pub build: String,
    /// Its data folder.
    pub home: String,
    /// When it started.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// Runs that have not ended.
    pub active_runs: u64,
}

/// An experiment (`GET /experiments`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Experiment {
    /// Its name.
    pub name: String,
    /// Number of its runs.
    pub runs: u64,
    /// When its newest run was submitted.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_run_at: Option<Timestamp>,
}

/// A workspace to be made or changed (`PUT /workspaces/{workspace}`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWorkspace {
    /// Its settings.
    #[serde(default)]
    pub settings: WorkspaceSettings,
}

/// In which workspace (a query of several routes).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InWorkspace {
    /// The workspace; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The version, where one is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}
