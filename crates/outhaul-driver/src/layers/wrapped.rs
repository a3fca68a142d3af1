//! A driver inside a layer.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use outhaul_types::{Check, Run, RunKey, RunSpec};

use crate::{
    ByteStream, Capabilities, ChangeFeed, Collected, Driver, DriverError, EnvironmentRequest, LogRead,
    LogSink, NativeId, NativeJob, NativeRequest, Observation, OutputSink, PreparedEnvironment, Problem,
    TargetLog,
};

/// A call of the effect half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// [`Driver::check`].
    Check,
    /// [`Driver::environment_ready`].
    EnvironmentReady,
    /// [`Driver::prepare_environment`].
    PrepareEnvironment,
    /// [`Driver::submit`].
    Submit,
    /// [`Driver::find`].
    Find,
    /// [`Driver::prevent`].
    Prevent,
    /// [`Driver::observe`].
    Observe,
    /// [`Driver::read_log`].
    ReadLog,
    /// [`Driver::cancel`].
    Cancel,
    /// [`Driver::collect_outputs`].
    CollectOutputs,
    /// [`Driver::release`].
    Release,
    /// [`Driver::detach`].
    Detach,
    /// [`Driver::job`].
    Job,
    /// [`Driver::adopt`].
    Adopt,
    /// [`Driver::connect`].
    Connect,
}

impl Operation {
    /// The operation's name for logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::EnvironmentReady => "environment_ready",
            Self::PrepareEnvironment => "prepare_environment",
            Self::Submit => "submit",
            Self::Find => "find",
            Self::Prevent => "prevent",
            Self::Observe => "observe",
            Self::ReadLog => "read_log",
            Self::Cancel => "cancel",
            Self::CollectOutputs => "collect_outputs",
            Self::Release => "release",
            Self::Detach => "detach",
            Self::Job => "job",
            Self::Adopt => "adopt",
            Self::Connect => "connect",
        }
    }

    /// What the operation does, as a verb phrase for errors.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Check => "check the target",
            Self::EnvironmentReady => "look for the environment",
            Self::PrepareEnvironment => "prepare the environment",
            Self::Submit => "start the run",
            Self::Find => "look for the run",
            Self::Prevent => "keep the run from starting",
            Self::Observe => "ask how the run is",
            Self::ReadLog => "read the run's log",
            Self::Cancel => "cancel the run",
            Self::CollectOutputs => "collect the run's outputs",
            Self::Release => "clean up after the run",
            Self::Detach => "detach the target",
            Self::Job => "look for the job",
            Self::Adopt => "adopt the job",
            Self::Connect => "reach the service",
        }
    }
}

/// One call in the making; it can be made any number of times.
pub type Call<'a, T> =
    &'a (dyn Fn() -> Pin<Box<dyn Future<Output = Result<T, DriverError>> + Send + 'a>> + Send + Sync + 'a);

/// What is done around each call.
pub trait Layer: Send + Sync + 'static {
    /// Makes the call, or does not, or does so again.
    fn around<T: Send>(
        &self,
        operation: Operation,
        call: Call<'_, T>,
    ) -> impl Future<Output = Result<T, DriverError>> + Send;
}

/// A driver inside a layer.
pub struct Wrapped<L> {
    inner: Arc<dyn Driver>,
    layer: L,
}

impl<L: Layer> Wrapped<L> {
    /// Wraps a driver.
    #[must_use]
    #[expect(
        clippy::new_ret_no_self,
        reason = "a wrapped driver is only ever used as a driver"
    )]
    pub fn new(inner: Arc<dyn Driver>, layer: L) -> Arc<dyn Driver> {
        Arc::new(Self { inner, layer })
    }
}

#[async_trait]
impl<L: Layer> Driver for Wrapped<L> {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn validate(&self, spec: &RunSpec) -> Vec<Problem> {
        self.inner.validate(spec)
    }

    fn plan(&self, run: &Run, attempt: u32, environment: &PreparedEnvironment) -> NativeRequest {
        self.inner.plan(run, attempt, environment)
    }

    async fn check(&self) -> Result<Vec<Check>, DriverError> {
        self.layer.around(Operation::Check, &|| self.inner.check()).await
    }

    async fn environment_ready(
        &self,
        request: &EnvironmentRequest,
    ) -> Result<Option<PreparedEnvironment>, DriverError> {
        self.layer
            .around(Operation::EnvironmentReady, &|| {
                self.inner.environment_ready(request)
            })
            .await
    }

    async fn prepare_environment(
        &self,
        request: &EnvironmentRequest,
        log: &dyn LogSink,
    ) -> Result<PreparedEnvironment, DriverError> {
        self.layer
            .around(Operation::PrepareEnvironment, &|| {
                self.inner.prepare_environment(request, log)
            })
            .await
    }

    async fn submit(&self, request: &NativeRequest) -> Result<NativeId, DriverError> {
        self.layer
            .around(Operation::Submit, &|| self.inner.submit(request))
            .await
    }

    async fn find(&self, run_key: &RunKey) -> Result<Option<NativeId>, DriverError> {
        self.layer
            .around(Operation::Find, &|| self.inner.find(run_key))
            .await
    }

    async fn prevent(&self, run_key: &RunKey) -> Result<(), DriverError> {
        self.layer
            .around(Operation::Prevent, &|| self.inner.prevent(run_key))
            .await
    }

    async fn observe(&self, ids: &[NativeId]) -> Result<Vec<Observation>, DriverError> {
        self.layer
            .around(Operation::Observe, &|| self.inner.observe(ids))
            .await
    }

    async fn read_log(
        &self,
        id: &NativeId,
        log: TargetLog,
        offset: u64,
        max: usize,
    ) -> Result<LogRead, DriverError> {
        self.layer
            .around(Operation::ReadLog, &|| self.inner.read_log(id, log, offset, max))
            .await
    }

    async fn cancel(&self, id: &NativeId, grace: Duration) -> Result<(), DriverError> {
        self.layer
            .around(Operation::Cancel, &|| self.inner.cancel(id, grace))
            .await
    }

    async fn collect_outputs(&self, id: &NativeId, sink: &dyn OutputSink) -> Result<Collected, DriverError> {
        self.layer
            .around(Operation::CollectOutputs, &|| {
                self.inner.collect_outputs(id, sink)
            })
            .await
    }

    async fn release(&self, id: &NativeId) -> Result<(), DriverError> {
        self.layer
            .around(Operation::Release, &|| self.inner.release(id))
            .await
    }

    async fn detach(&self) -> Result<Vec<String>, DriverError> {
        self.layer
            .around(Operation::Detach, &|| self.inner.detach())
            .await
    }

    async fn job(&self, native: &str) -> Result<Option<NativeJob>, DriverError> {
        self.layer
            .around(Operation::Job, &|| self.inner.job(native))
            .await
    }

    async fn adopt(&self, job: &NativeJob) -> Result<(), DriverError> {
        self.layer
            .around(Operation::Adopt, &|| self.inner.adopt(job))
            .await
    }

    async fn connect(&self, address: SocketAddr) -> Result<Box<dyn ByteStream>, DriverError> {
        self.layer
            .around(Operation::Connect, &|| self.inner.connect(address))
            .await
    }

    fn changes(&self) -> Option<ChangeFeed> {
        self.inner.changes()
    }
}
