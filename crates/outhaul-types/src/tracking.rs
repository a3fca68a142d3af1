//! Requests for what clients say about runs: runs that a client plays (*tracked* runs), and metrics, tags, properties
//! and files of any run.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::RunId;
use crate::state::RunState;

/// A run that a client plays (`POST /runs/tracked`): no target, no process, `Running` at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackRun {
    /// Chosen by the client, so that a repeated request makes one run.
    pub id: RunId,
    /// Its workspace; that of the parent, or the current one, when absent.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Its experiment; that of the parent when absent.
    #[serde(default)]
    pub experiment: Option<String>,
    /// Its name; made from the experiment and the id when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// The run that it is a child of: an id, or a unique beginning of one.
    #[serde(default)]
    pub parent: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Facts that are set once and stay.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// How a tracked run ends (`POST /runs/{run}/end`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndRun {
    /// `Completed`, `Failed` or `Canceled`.
    pub state: RunState,
    /// Why it failed.
    #[serde(default)]
    pub message: Option<String>,
}

/// A change of a run's tags (`POST /runs/{run}/tags`). Removing comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeTags {
    /// Names of tags that go; one that is not there is no error.
    #[serde(default)]
    pub remove: BTreeSet<String>,
    /// Tags that are set, over those that are there.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
}

/// The door for clients of MLflow's tracking protocol (`GET /mlflow`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrackingDoor {
    /// Whether it is open.
    pub open: bool,
    /// The workspace that was asked for.
    pub workspace: String,
    /// The workspace's tracking URI, while the door is open. It holds no secret.
    pub uri: Option<String>,
}

/// Which workspace, and what is to become of the tokens that were given out (`POST /mlflow/token`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskToken {
    /// The workspace; the current one when absent.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Make all tokens worthless that were given out before.
    #[serde(default)]
    pub renew: bool,
}

/// The token of a workspace at the door for MLflow. The one answer of the API that holds a secret: it is Outhaul's own,
/// good for this door only, and goes through the socket that only the owner of the data folder can reach.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrackingToken {
    /// The token.
    pub token: String,
}

impl std::fmt::Debug for TrackingToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TrackingToken(..)")
    }
}
