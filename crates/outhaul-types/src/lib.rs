//! The words of Outhaul: ids, run states and their one transition table, events, specs and the types of
//! the API. Pure data and pure functions only: nothing here reads a file, a clock or the environment
//! (ids are the exception: a new id asks the operating system for random bytes).

pub mod api;
pub mod array;
pub mod check;
pub mod duration;
pub mod environment;
pub mod error;
pub mod event;
pub mod exit_code;
pub mod failure;
pub mod id;
pub mod log;
pub mod metric;
pub mod model;
pub mod nearest;
pub mod run;
pub mod secret;
pub mod service;
pub mod size;
pub mod spark;
pub mod spec;
pub mod state;
pub mod target;
pub mod tracking;
pub mod workspace;

pub use array::{ArrayElement, Indexes};
pub use check::{Check, CheckStatus};
pub use environment::{CondaPackage, DockerSpec, EnvironmentSpec, Interpreter, Lock};
pub use error::{ApiError, ErrorCode};
pub use event::{RunEvent, RunEventKind};
pub use failure::{CancelReason, Exit, Failure, FailureClass};
pub use id::{RunId, RunKey};
pub use log::LogStream;
pub use metric::{MetricKind, MetricRecord, MetricValue};
pub use model::{ChangeModel, Model, ModelName, NewModel};
pub use run::{NewRun, Run, Waiting};
pub use secret::Secret;
pub use service::{ServiceSpec, ServiceState, WebService};
pub use spark::SparkSpec;
pub use spec::{Command, GitState, Resources, RunSpec, SnapshotRef};
pub use state::RunState;
pub use target::{ComputeTarget, HostFacts, HostIdentity, ProvisioningState, RemoteConfig, TargetConfig};
pub use workspace::{CondaMode, Workspace, WorkspaceSettings};
