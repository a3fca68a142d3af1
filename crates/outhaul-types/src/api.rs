//! Requests and answers of the HTTP API under `/api/v1`, shared by server and client.
//!
//! Lists are arrays of objects. Times are RFC 3339 in UTC. A `{run}` in a route is an id or a unique prefix of
//! one. Errors are [`crate::ApiError`]. Server-sent events: `event: log` carries a [`crate::log::LogFrame`],
//! `event: run` a [`crate::Run`], `event: event` a [`crate::RunEvent`], a comment line is the heartbeat, and
//! `event: end` closes every stream that ended by itself.

mod collected;
mod environments;
mod jobs;
mod models;
mod runs;
mod server;
mod services;
mod submit;
mod targets;

pub use collected::{EventQuery, LogQuery, Output, SnapshotFile, SnapshotInfo};
pub use environments::{BuildEnvironment, BuiltEnvironment, RegisterEnvironment};
pub use jobs::{AdoptJob, NativeJob};
pub use models::{ModelDetails, ModelFilter, ModelLineage, ModelSource, RegisterModel};
pub use runs::{ArrayRun, CancelAnswer, RunArray, RunFilter, RunSummary};
pub use server::{CreateWorkspace, Experiment, InWorkspace, ServerStatus};
pub use services::{DeployService, ModelChoice, ServiceChange, ServiceFilter, ServiceKeys, WhichKey};
pub use submit::{EnvironmentChoice, Rerun, RunPlan, SubmitRun};
pub use targets::{
    AttachTarget, DetachTarget, Detached, HostKeyVerdict, OfResource, ScanHostKey, ScannedHostKey, Target,
    TargetChecks, Ticket,
};

/// The path under which all routes lie.
pub const PREFIX: &str = "/api/v1";
