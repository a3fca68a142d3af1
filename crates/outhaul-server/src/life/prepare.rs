//! The step from "recorded" to "decided to launch": the environment.

use std::sync::Mutex;
use std::sync::PoisonError;

use outhaul_driver::{DriverError, EnvironmentRequest, ErrorKind, LogSink, PreparedEnvironment};
use outhaul_types::{Failure, FailureClass, LogStream, Run, RunEventKind, RunId, RunState};

use super::context::{Context, Trouble};
use crate::failpoint;
use crate::hub::Hub;
use crate::logs::LogWriter;

/// Writes what a build prints into the run's log.
struct BuildLog<'a> {
    logs: Mutex<&'a mut LogWriter>,
    hub: &'a Hub,
    id: &'a RunId,
}

impl LogSink for BuildLog<'_> {
    fn write(&self, bytes: &[u8]) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        // A build shall not fail because its log cannot be kept.
        if let Err(error) = logs.append(LogStream::Environment, bytes) {
            tracing::warn!(run = %self.id, %error, "life.prepare: the build's log cannot be kept");
        }
        self.hub.changed(self.id);
    }
}

impl Context {
    pub(super) async fn prepare(&mut self, run: Run) -> Result<Run, Trouble> {
        failpoint::hit("life.before-prepare");
        let request = self.request(&run).await?;
        let mut before = Vec::new();
        if run.state == RunState::NotStarted {
            before.push(RunEventKind::Queued);
        }
        if matches!(run.state, RunState::NotStarted | RunState::Queued) {
            before.push(RunEventKind::Preparing);
        }
        let ready = match self.target.driver.environment_ready(&request).await {
            Ok(ready) => ready,
            Err(error) if error.kind == ErrorKind::Unreachable => {
                return Err(self.lost(&run, before, error).await);
            }
            Err(error) => return self.refuse(&run, before, error).await,
        };
        if let Some(environment) = ready {
            return self.intend(&run, before, environment).await;
        }
        let run = if before.is_empty() {
            run
        } else {
            self.record(&run, before).await?
        };
        match self.build(&run, &request).await? {
            Some(Ok(environment)) => self.intend(&run, Vec::new(), environment).await,
            Some(Err(error)) if error.kind == ErrorKind::Unreachable => {
                Err(self.lost(&run, Vec::new(), error).await)
            }
            Some(Err(error)) => self.refuse(&run, Vec::new(), error).await,
            None => Ok(self.app.store.run(&run.id).await?),
        }
    }

    /// Builds the environment; `None` when the run shall end instead.
    async fn build(
        &mut self,
        run: &Run,
        request: &EnvironmentRequest,
    ) -> Result<Option<Result<PreparedEnvironment, DriverError>>, Trouble> {
        let (app, target, wake) = (self.app.clone(), self.target.clone(), self.wake.clone());
        let logs = self.logs()?;
        let log = BuildLog {
            logs: Mutex::new(logs),
            hub: &app.hub,
            id: &run.id,
        };
        let build = target.driver.prepare_environment(request, &log);
        tokio::pin!(build);
        loop {
            tokio::select! {
                built = &mut build => return Ok(Some(built)),
                () = wake.notified() => {
                    if app.store.run(&run.id).await?.state != RunState::Preparing {
                        // Dropping the build stops it; a half-built environment never counts.
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Records the environment and the decision to launch, in one.
    async fn intend(
        &mut self,
        run: &Run,
        mut events: Vec<RunEventKind>,
        environment: PreparedEnvironment,
    ) -> Result<Run, Trouble> {
        failpoint::hit("life.after-environment");
        if self.app.store.lock(&environment.id).await.is_err() {
            self.app
                .store
                .put_lock(&environment.id, environment.lock.clone())
                .await?;
        }
        let attempt = run.attempt + 1;
        events.extend(Self::restored(run));
        events.push(RunEventKind::EnvironmentReady {
            environment_id: environment.id.clone(),
        });
        events.push(RunEventKind::LaunchIntended {
            attempt,
            run_key: run.id.key(attempt),
        });
        let run = self.record(run, events).await?;
        self.environment = Some(environment);
        self.fresh_intent = true;
        failpoint::hit("life.after-intent");
        Ok(run)
    }

    async fn refuse(
        &self,
        run: &Run,
        mut events: Vec<RunEventKind>,
        error: DriverError,
    ) -> Result<Run, Trouble> {
        events.push(RunEventKind::Failed {
            failure: failure(&error),
        });
        self.record(run, events).await
    }
}

/// A driver's error as a run's failure.
pub(super) fn failure(error: &DriverError) -> Failure {
    let class = error.class();
    let message = if class == FailureClass::Environment {
        error.message.clone()
    } else {
        error.to_string()
    };
    let failure = Failure::new(class, message);
    match &error.hint {
        Some(hint) => failure.with_hint(hint.clone()),
        None => failure,
    }
}
