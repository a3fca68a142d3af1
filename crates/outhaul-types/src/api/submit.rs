//! What is submitted, what that would do, and how a run is repeated.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::environment::EnvironmentSpec;
use crate::id::RunId;
use crate::spec::{Command, Resources, SnapshotRef};

/// A run to be recorded and started (`POST /runs`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitRun {
    /// Chosen by the client, so that a repeated submission makes one run.
    pub id: RunId,
    /// Its workspace; the current one when absent.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Its experiment; the script's folder's name is what the CLI gives.
    pub experiment: String,
    /// Its name; made from the command and the id when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Its target; `local` when absent.
    #[serde(default)]
    pub target: Option<String>,
    /// What is started.
    pub command: Command,
    /// The code.
    pub snapshot: SnapshotRef,
    /// The environment.
    pub environment: EnvironmentChoice,
    /// Environment variables.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The longest time that the process may run, in seconds.
    #[serde(default)]
    pub max_duration_seconds: Option<u64>,
    /// What it asks of a cluster.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
    /// What it asks of Spark; with this it is started by `spark-submit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spark: Option<crate::SparkSpec>,
    /// The indexes of an array (`POST /arrays`), such as `0-99%10`: a run for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<String>,
    /// Overrides the workspace's setting for conda packages.
    #[serde(default)]
    pub conda: Option<crate::workspace::CondaMode>,
}

/// Which environment a run asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EnvironmentChoice {
    /// A registered one; its newest version when none is given.
    Named {
        /// Its name.
        name: String,
        /// Its version.
        #[serde(default)]
        version: Option<u32>,
    },
    /// One that is spelled out.
    Spec {
        /// The spec.
        spec: EnvironmentSpec,
    },
}

/// What a submission would do (`POST /runs/plan`); nothing is changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunPlan {
    /// The target.
    pub target: String,
    /// The target's kind.
    pub driver: String,
    /// Content id of the environment, when it is known already.
    pub environment_id: Option<String>,
    /// Id of the environment's spec.
    pub environment_spec_id: String,
    /// Whether the environment is built on the target already.
    pub environment_ready: bool,
    /// The exact native command.
    pub command: Vec<String>,
    /// The script that starts it, where the target uses one.
    pub script: Option<String>,
    /// The container that it is started in: the body of the engine's call, as it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<serde_json::Value>,
    /// The script that the cluster's scheduler is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// What would be done, step by step.
    pub steps: Vec<String>,
}

/// A run to be repeated (`POST /runs/{run}/rerun`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    /// Id of the new run, chosen by the client.
    pub id: RunId,
    /// Its target; the same when absent.
    #[serde(default)]
    pub target: Option<String>,
}
