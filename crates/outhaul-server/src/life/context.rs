//! What the steps of one run share.

use std::fmt;
use std::sync::Arc;

use outhaul_driver::{DriverError, EnvironmentRequest, NativeId, PreparedEnvironment, TargetLog};
use outhaul_store::{Guard, StoreError};
use outhaul_types::{Failure, Run, RunEventKind, RunId, RunKey};
use tokio::sync::Notify;

use super::step::Step;
use crate::app::App;
use crate::logs::LogWriter;
use crate::targets::Target;
use crate::{failpoint, ingest};

/// How much of a log is read at once. More than the longest metrics line, so that a line always fits.
const CHUNK: usize = 2 << 20;

/// Why a step could not be done now; it is tried again.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The store refused or failed.
    Store(StoreError),
    /// The target could not be asked, or could not do it now.
    Driver(DriverError),
    /// Our own files failed.
    Io(std::io::Error),
    /// The server is stopping.
    Stopping,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Driver(error) => error.fmt(f),
            Self::Stopping => f.write_str("the server is stopping"),
            Self::Io(error) => write!(f, "the data folder failed: {error}"),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<DriverError> for Trouble {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// What the steps of one run share while this server lives.
pub(super) struct Context {
    pub(super) app: Arc<App>,
    pub(super) target: Arc<Target>,
    pub(super) id: RunId,
    /// Somebody asked for the run's end.
    pub(super) wake: Arc<Notify>,
    pub(super) environment: Option<PreparedEnvironment>,
    /// Whether the intent to launch was written by this server, so that no launch can be under way.
    pub(super) fresh_intent: bool,
    pub(super) logs: Option<LogWriter>,
    /// How far the metrics file has been read; `None` before the store was asked.
    metrics: Option<u64>,
    /// Sizes of the logs of a run whose end was seen, which will not change any more.
    pub(super) final_sizes: Option<Vec<(TargetLog, u64)>>,
    /// How often outputs could not be collected.
    pub(super) collect_failures: u32,
}

impl Context {
    pub(super) fn new(app: Arc<App>, target: Arc<Target>, id: RunId, wake: Arc<Notify>) -> Self {
        Self {
            app,
            target,
            id,
            wake,
            environment: None,
            fresh_intent: false,
            logs: None,
            metrics: None,
            final_sizes: None,
            collect_failures: 0,
        }
    }

    /// Takes one step, and gives the run as it stands after it.
    pub(super) async fn take(&mut self, step: Step, run: Run) -> Result<Run, Trouble> {
        match step {
            Step::Prepare => self.prepare(run).await,
            Step::Launch => self.launch(run).await,
            Step::Withdraw => self.withdraw(run).await,
            Step::Follow => self.follow(run).await,
            Step::Finalize => self.finalize(run).await,
            Step::Over => Ok(run),
        }
    }

    /// After the end: children that their script left open end too, and the target is cleaned up.
    pub(super) async fn over(&mut self, run: &Run) {
        if let Err(error) = ingest::end_children(&self.app, run, run.state).await {
            tracing::warn!(run = %run.id, %error, "life.children: left open");
        }
        if self.collect_failures == 0 {
            self.app.janitor.clean_up(run.clone());
        }
        self.app.hub.changed(&run.id);
    }

    /// Records events on the version of the run that they were decided on. A stopping server records nothing: what
    /// it concludes from calls that are cut off is no evidence.
    pub(super) async fn record(&self, run: &Run, events: Vec<RunEventKind>) -> Result<Run, Trouble> {
        if *self.app.stopping.borrow() {
            return Err(Trouble::Stopping);
        }
        Ok(self
            .app
            .apply(&run.id, Guard::Version(run.version), events)
            .await?
            .run)
    }

    /// What to do about a target that could not be asked: nothing but to say so and to try again. That it does not answer
    /// is no evidence against the run.
    pub(super) async fn lost(&self, run: &Run, mut events: Vec<RunEventKind>, error: DriverError) -> Trouble {
        if run.contact_lost.is_none() {
            events.push(RunEventKind::ContactLost {
                reason: error.with_advice(),
            });
        }
        if !events.is_empty()
            && let Err(trouble) = self.record(run, events).await
        {
            return trouble;
        }
        error.into()
    }

    /// The event for a target that answers again, if it did not.
    pub(super) fn restored(run: &Run) -> Option<RunEventKind> {
        run.contact_lost.as_ref().map(|_| RunEventKind::ContactRestored)
    }

    pub(super) async fn fail(&self, run: &Run, failure: Failure) -> Result<Run, Trouble> {
        self.record(run, vec![RunEventKind::Failed { failure }]).await
    }

    pub(super) fn key(run: &Run) -> RunKey {
        run.id.key(run.attempt.max(1))
    }

    pub(super) fn logs(&mut self) -> Result<&mut LogWriter, Trouble> {
        let folder = self.app.log_folder(&self.id);
        Ok(match &mut self.logs {
            Some(logs) => logs,
            none => none.insert(LogWriter::open(&folder)?),
        })
    }

    /// The environment that a run asks for, with the lock that it must use, if it must.
    pub(super) async fn request(&self, run: &Run) -> Result<EnvironmentRequest, Trouble> {
        let spec = run
            .spec
            .as_ref()
            .map(|spec| (spec.environment.clone(), spec.environment_lock.clone()))
            .unwrap_or_default();
        // Once it was prepared, a run never gets another environment.
        let lock = match run.environment_id.clone().or(spec.1) {
            Some(id) => Some(self.app.store.lock(&id).await?),
            None => None,
        };
        Ok(EnvironmentRequest {
            spec: spec.0,
            lock,
            retry: false,
        })
    }

    /// Brings in what the logs hold beyond what is here. `last` says that they will not grow any more.
    pub(super) async fn pull(
        &mut self,
        run: &Run,
        native: &NativeId,
        sizes: &[(TargetLog, u64)],
        last: bool,
    ) -> Result<(), Trouble> {
        for (log, size) in sizes {
            match log.stream() {
                Some(stream) => {
                    while self.logs()?.size(stream) < *size {
                        let offset = self.logs()?.size(stream);
                        let read = self.target.driver.read_log(native, *log, offset, CHUNK).await?;
                        if read.bytes.is_empty() {
                            break;
                        }
                        failpoint::hit("collect.before-log");
                        self.logs()?.append(stream, &read.bytes)?;
                        self.app.hub.changed(&run.id);
                        failpoint::hit("collect.after-log");
                    }
                }
                None => self.pull_metrics(run, native, *size, last).await?,
            }
        }
        Ok(())
    }

    async fn pull_metrics(
        &mut self,
        run: &Run,
        native: &NativeId,
        size: u64,
        last: bool,
    ) -> Result<(), Trouble> {
        if size == 0 {
            return Ok(());
        }
        let mut position = match self.metrics {
            Some(position) => position,
            None => self.app.store.ingested_metrics(&run.id).await?.bytes,
        };
        // Unless all goes well, the store is asked again.
        self.metrics = None;
        while position < size {
            let read = self
                .target
                .driver
                .read_log(native, TargetLog::Metrics, position, CHUNK)
                .await?;
            if read.bytes.is_empty() {
                break;
            }
            failpoint::hit("collect.before-metrics");
            let at_end = last && position + read.bytes.len() as u64 >= size;
            let taken = ingest::keep(&self.app, run, position, &read.bytes, at_end).await?;
            failpoint::hit("collect.after-metrics");
            if taken == 0 {
                break;
            }
            position += taken as u64;
        }
        self.metrics = Some(position);
        Ok(())
    }
}
