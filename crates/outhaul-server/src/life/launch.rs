//! The step from "decided to launch" to "the target has it", at most once; and the way back for a run that shall end
//! before.

use jiff::Timestamp;
use outhaul_driver::{DriverError, ErrorKind, Status};
use outhaul_types::{Run, RunEventKind, Waiting};

use super::context::{Context, Trouble};
use super::prepare::failure;
use crate::{failpoint, own_variables};

impl Context {
    pub(super) async fn launch(&mut self, run: Run) -> Result<Run, Trouble> {
        let key = Self::key(&run);
        // An intent from before a restart: the target may have it already.
        if !self.fresh_intent
            && let Some(native) = self.target.driver.find(&key).await?
        {
            return self
                .record(&run, vec![RunEventKind::Launched { native_id: native.0 }])
                .await;
        }
        self.fresh_intent = false;
        let environment = match self.environment.take() {
            Some(environment) => environment,
            None => {
                let request = self.request(&run).await?;
                let ready = self.target.driver.environment_ready(&request).await;
                match ready {
                    Ok(Some(environment)) => environment,
                    // It was there when the intent was written and has been removed since.
                    Ok(None) => match self.target.driver.prepare_environment(&request, &Unheard).await {
                        Ok(environment) => environment,
                        Err(error) if error.kind == ErrorKind::Unreachable => {
                            return Err(self.lost(&run, Vec::new(), error).await);
                        }
                        Err(error) => return self.fail(&run, failure(&error)).await,
                    },
                    Err(error) if error.kind == ErrorKind::Unreachable => {
                        return Err(self.lost(&run, Vec::new(), error).await);
                    }
                    Err(error) => return self.fail(&run, failure(&error)).await,
                }
            }
        };
        let mut request = self.target.driver.plan(&run, run.attempt, &environment);
        request.secrets = own_variables::of(&self.app, &run, &request).await;
        match self.target.driver.submit(&request).await {
            Ok(native) => {
                failpoint::hit("life.after-submit");
                let mut events = vec![RunEventKind::Launched { native_id: native.0 }];
                events.extend(Self::restored(&run));
                let run = self.record(&run, events).await?;
                failpoint::hit("life.after-launched");
                Ok(run)
            }
            // Refused for now (its queue is full): nothing was started, and it is tried again.
            Err(error) if error.kind == ErrorKind::Refused && error.status != Status::Permanent => {
                Err(self.put_off(&run, error).await)
            }
            // Nobody knows whether it was started: only the target can say.
            Err(error) if error.kind == ErrorKind::Unreachable => {
                Err(self.lost(&run, Vec::new(), error).await)
            }
            Err(error) => self.fail(&run, failure(&error)).await,
        }
    }

    /// Says that the target does not take the run now, and why.
    async fn put_off(&self, run: &Run, error: DriverError) -> Trouble {
        let reason = error.with_advice();
        if run
            .waiting
            .as_ref()
            .is_none_or(|waiting| waiting.reason != reason)
        {
            let waiting = Some(Waiting {
                since: Timestamp::now(),
                reason,
                moved_by: format!("target `{}` taking it; it is asked again", run.target),
            });
            if let Err(trouble) = self.record(run, vec![RunEventKind::Waiting { waiting }]).await {
                return trouble;
            }
        }
        error.into()
    }

    /// A run that shall end and of which no launch is known.
    pub(super) async fn withdraw(&mut self, run: Run) -> Result<Run, Trouble> {
        if run.attempt > 0 {
            let key = Self::key(&run);
            let mut found = self.target.driver.find(&key).await?;
            if found.is_none() {
                // A launch from before a restart may still be on its way, or has arrived since we looked.
                self.target.driver.prevent(&key).await?;
                found = self.target.driver.find(&key).await?;
            }
            if let Some(native) = found {
                return self
                    .record(&run, vec![RunEventKind::Launched { native_id: native.0 }])
                    .await;
            }
        }
        self.record(&run, vec![RunEventKind::Canceled]).await
    }
}

/// For a rebuild that no log is kept of.
struct Unheard;

impl outhaul_driver::LogSink for Unheard {
    fn write(&self, _: &[u8]) {}
}
