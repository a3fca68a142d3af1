//! The driver trait: a pure half (no I/O, no clock) and an effect half.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use outhaul_types::{Check, EnvironmentSpec, Lock, Run, RunKey, RunSpec};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::capabilities::Capabilities;
use crate::change::ChangeFeed;
use crate::error::{DriverError, ErrorKind};
use crate::native::{Collected, LogRead, NativeId, NativeJob, NativeRequest, Observation, TargetLog};

/// Something in a run's spec that this kind of target cannot do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// An environment that is asked for.
#[derive(Clone, Debug)]
pub struct EnvironmentRequest {
    /// What it shall hold.
    pub spec: EnvironmentSpec,
    /// The lock to build from; made anew when absent.
    pub lock: Option<Lock>,
    /// Try again although the same spec has failed before.
    pub retry: bool,
}

/// An environment that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedEnvironment {
    /// Content id.
    pub id: String,
    /// The interpreter on the target.
    pub python: String,
    /// Folder of its programs, put first on the run's `PATH`; `None` for an interpreter that is used as it is.
    pub bin: Option<String>,
    /// What it was resolved to.
    pub lock: Lock,
}

fn cannot_adopt(kind: &str) -> DriverError {
    DriverError::permanent(
        ErrorKind::Invalid,
        "look for the job",
        format!("targets of the kind `{kind}` know no jobs but those that Outhaul submitted"),
    )
}

/// A stream of bytes in both directions.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

/// Takes what building an environment prints.
pub trait LogSink: Send + Sync {
    /// Takes some bytes.
    fn write(&self, bytes: &[u8]);
}

/// Takes the files that a run left.
#[async_trait]
pub trait OutputSink: Send + Sync {
    /// Takes a file that lies on this machine.
    ///
    /// `path` is its name within the run (`outputs/...`, `logs/...`, or the name of an upload). The sink may
    /// share the file's blocks with its own copy, but never its identity: what is written to `file` later
    /// must not change what was kept.
    async fn keep(&self, path: &str, file: &Path) -> Result<(), DriverError>;
}

/// A kind of compute target.
///
/// The effect half is always called through the same layers (trace, timeout, retry), and any of its methods may
/// be called again after its answer was lost.
#[async_trait]
pub trait Driver: Send + Sync {
    // -- pure half ---------------------------------------------------------------------------------------

    /// The kind's name, such as `local`.
    fn kind(&self) -> &'static str;

    /// What this kind can do.
    fn capabilities(&self) -> Capabilities;

    /// All that this kind cannot do of what a run asks for, at once. Empty when all is well.
    fn validate(&self, spec: &RunSpec) -> Vec<Problem>;

    /// Exactly what the target will be asked to do for one attempt of a run.
    fn plan(&self, run: &Run, attempt: u32, environment: &PreparedEnvironment) -> NativeRequest;

    // -- effect half -------------------------------------------------------------------------------------

    /// Named checks of the target, each with its fix.
    async fn check(&self) -> Result<Vec<Check>, DriverError>;

    /// The environment if it is there already. Must be quick: it is on the path of every run.
    async fn environment_ready(
        &self,
        request: &EnvironmentRequest,
    ) -> Result<Option<PreparedEnvironment>, DriverError>;

    /// Makes the environment there, once for all who ask at the same time.
    ///
    /// # Behaviour
    /// Dropping the future stops the work; a half-built environment never counts.
    async fn prepare_environment(
        &self,
        request: &EnvironmentRequest,
        log: &dyn LogSink,
    ) -> Result<PreparedEnvironment, DriverError>;

    /// Stages the code and starts the run.
    ///
    /// # Behaviour
    /// Called at least once. However often it is called with one run key, at whatever moment an earlier call
    /// was cut off, the process is started at most once; a call that succeeds means that it was started.
    async fn submit(&self, request: &NativeRequest) -> Result<NativeId, DriverError>;

    /// The run with this key, if the target has it: after a restart, before anything is started.
    async fn find(&self, run_key: &RunKey) -> Result<Option<NativeId>, DriverError>;

    /// Makes sure that a launch with this key which may still be under way starts no process. Called for a run that
    /// was canceled while nobody knows whether its launch reached the target, and that [`Driver::find`] does not find.
    async fn prevent(&self, run_key: &RunKey) -> Result<(), DriverError>;

    /// What the target says about these runs, in any order; a run that it does not know is left out.
    async fn observe(&self, ids: &[NativeId]) -> Result<Vec<Observation>, DriverError>;

    /// Up to `max` bytes of a log from `offset` on. A log that does not exist yet is empty.
    async fn read_log(
        &self,
        id: &NativeId,
        log: TargetLog,
        offset: u64,
        max: usize,
    ) -> Result<LogRead, DriverError>;

    /// Asks a run to end: politely, then after `grace` by force, with all its children. Returns when the request
    /// is made; [`Driver::observe`] shows the end. A run that has ended already is no error.
    async fn cancel(&self, id: &NativeId, grace: Duration) -> Result<(), DriverError>;

    /// Gives all files that an ended run left to `sink`. May be repeated.
    async fn collect_outputs(&self, id: &NativeId, sink: &dyn OutputSink) -> Result<Collected, DriverError>;

    /// Removes what the run left on the target. May be repeated; an unknown run is no error.
    async fn release(&self, id: &NativeId) -> Result<(), DriverError>;

    /// Removes everything of ours from the target, running processes too, and says in words what that was. May be
    /// repeated.
    async fn detach(&self) -> Result<Vec<String>, DriverError>;

    /// What the target knows of the job with this name of its own, whoever submitted it; `None` when it knows none.
    /// Only where [`Capabilities::adopts`] says so.
    async fn job(&self, native: &str) -> Result<Option<NativeJob>, DriverError> {
        let _ = native;
        Err(cannot_adopt(self.kind()))
    }

    /// Prepares for following a job that somebody else submitted: from now on its native id works as that of any run.
    /// May be repeated. [`Driver::release`] of it leaves everything that is not ours.
    async fn adopt(&self, job: &NativeJob) -> Result<(), DriverError> {
        let _ = job;
        Err(cannot_adopt(self.kind()))
    }

    /// A connection to where something listens on the target, as a process there would open it. Only where
    /// [`Capabilities::services`] says so.
    async fn connect(&self, address: SocketAddr) -> Result<Box<dyn ByteStream>, DriverError> {
        Err(DriverError::permanent(
            ErrorKind::Invalid,
            "reach the service",
            format!(
                "targets of the kind `{}` lead nowhere, not to {address} either",
                self.kind()
            ),
        ))
    }

    /// The feed of changes, if this kind tells them; given out once.
    fn changes(&self) -> Option<ChangeFeed>;
}
