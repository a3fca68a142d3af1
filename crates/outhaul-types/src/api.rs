//! Requests and answers of the HTTP API under `/api/v1`, shared by server and client.
//!
//! Lists are arrays of objects. Times are RFC 3339 in UTC. A `{run}` in a route is an id or a unique prefix of
//! one. Errors are [`crate::ApiError`]. Server-sent events: `event: log` carries a [`crate::log::LogFrame`],
//! `event: run` a [`crate::Run`], `event: event` a [`crate::RunEvent`], a comment line is the heartbeat, and
//! `event: end` closes every stream that ended by itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::check::Check;
use crate::environment::{EnvironmentSpec, Lock};
use crate::id::RunId;
use crate::spec::{Command, Resources, SnapshotRef};
use crate::target::{AttachError, HostKey, SshAuthentication, SshEndpoint, TargetConfig};
use crate::workspace::WorkspaceSettings;

/// The path under which all routes lie.
pub const PREFIX: &str = "/api/v1";

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

/// A compute target (`GET /targets`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its provisioning state, as Azure ML users know it.
    pub provisioning_state: String,
    /// Where it is, for targets that are somewhere else: `user@address:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How many runs it takes at once.
    pub slots: u32,
    /// How many run now.
    pub running: u32,
    /// How many wait for a slot.
    pub queued: u32,
    /// Facts about it, by name.
    pub facts: BTreeMap<String, String>,
    /// Why it is not attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<AttachError>,
    /// The checks of the last attach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// What else is worth knowing of the last attach, such as what became of the runs of a target that it replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A handed-over credential (`POST /credentials`): a ticket that attaching a target redeems once, within ten minutes.
/// The request's body is an object of names and texts; it is kept in memory only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ticket {
    /// The ticket.
    pub ticket: String,
}

/// A question for a host's key (`POST /targets/host-key`); nothing is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanHostKey {
    /// The host.
    pub endpoint: SshEndpoint,
    /// Hosts to go through, with their pinned keys.
    #[serde(default)]
    pub jumps: Vec<SshEndpoint>,
    /// How the jumps are logged in to.
    pub authentication: SshAuthentication,
    /// The credential's ticket, which this does not redeem.
    #[serde(default)]
    pub ticket: Option<String>,
    /// The text of the person's `known_hosts` files.
    #[serde(default)]
    pub known_hosts: String,
}

/// What the person's `known_hosts` say about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HostKeyVerdict {
    /// The host is there with this key, or with an authority that signed it.
    Known,
    /// The host is not there.
    Unknown,
    /// The host is there with another key.
    Changed,
    /// The key is revoked.
    Revoked,
}

/// A host's key (`POST /targets/host-key`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScannedHostKey {
    /// The key that it shows.
    pub host_key: HostKey,
    /// What the `known_hosts` say.
    pub verdict: HostKeyVerdict,
    /// The fingerprint that was expected, for a changed key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

/// A target to be attached (`POST /targets`); answered at once, while it is still `Creating`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachTarget {
    /// Its name.
    pub name: String,
    /// How it is reached.
    pub config: TargetConfig,
    /// The credential's ticket.
    #[serde(default)]
    pub ticket: Option<String>,
    /// Take the place of the target that has the name or the machine.
    #[serde(default)]
    pub replace: bool,
}

/// How a target shall be detached (`DELETE /targets/{target}`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DetachTarget {
    /// Forget it without cleaning up: its machine is gone.
    #[serde(default)]
    pub forget: bool,
}

/// What detaching a target did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Detached {
    /// Its name.
    pub name: String,
    /// What was removed from it, in words.
    pub removed: Vec<String>,
    /// What was left on it, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
}

/// Which entry of the address book (`DELETE /resources`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfResource {
    /// The resource id.
    pub resource_id: String,
}

/// The result of checking a target (`POST /targets/{target}/check`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TargetChecks {
    /// The target's name.
    pub target: String,
    /// Its checks.
    pub checks: Vec<Check>,
}

/// An environment to be registered (`POST /environments`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterEnvironment {
    /// Its workspace; the current one when absent.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its spec.
    pub spec: EnvironmentSpec,
}

/// An environment to be built (`POST /environments/build`); answers with server-sent events: `event: log` with
/// frames, then `event: built` with [`BuiltEnvironment`] or `event: error` with an error, then `event: end`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BuildEnvironment {
    /// Which environment.
    pub environment: EnvironmentChoice,
    /// Its workspace; the current one when absent.
    #[serde(default)]
    pub workspace: Option<String>,
    /// On which target; `local` when absent.
    #[serde(default)]
    pub target: Option<String>,
    /// Overrides the workspace's setting for conda packages.
    #[serde(default)]
    pub conda: Option<crate::workspace::CondaMode>,
}

/// An environment that is built on a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BuiltEnvironment {
    /// Content id.
    pub id: String,
    /// The target.
    pub target: String,
    /// Its interpreter on the target.
    pub python: String,
    /// What it was resolved to.
    pub lock: Lock,
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
