//! The step from "the target has it" to "its process has ended": observations, logs as they come, the request to end,
//! the time limit.

use std::time::Duration;

use jiff::Timestamp;
use outhaul_driver::{NativeId, Observation, Phase};
use outhaul_types::{CancelReason, Exit, Run, RunEventKind, RunState, Waiting};
use tokio::time::Instant;

use super::context::{Context, Trouble};
use super::grace;
use crate::failpoint;
use crate::observer::Seen;

/// How often in a row a target must say that it does not know a run that it had.
const UNKNOWN_LIMIT: u32 = 3;

impl Context {
    pub(super) async fn follow(&mut self, mut run: Run) -> Result<Run, Trouble> {
        let native = NativeId(run.native_id.clone().unwrap_or_default());
        let mut seen = self.target.observer.follow(&native);
        let mut unknown = 0;
        let mut deadline: Option<Instant> = None;
        if run.state == RunState::CancelRequested {
            self.end(&run, &native).await?;
        }
        loop {
            let time_is_over = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = seen.changed() => {
                    if changed.is_err() {
                        // The observer has another follower of this run, or is gone: begin anew.
                        return Ok(run);
                    }
                    let now = seen.borrow_and_update().clone();
                    match now {
                        Seen::Nothing => {}
                        Seen::Observed(observation) => {
                            unknown = 0;
                            deadline = limit(&run, &observation, deadline);
                            run = self.observed(run, &native, observation).await?;
                            if run.state == RunState::Finalizing {
                                return Ok(run);
                            }
                        }
                        Seen::NoContact(reason) => {
                            if run.contact_lost.is_none() {
                                run = self.record(&run, vec![RunEventKind::ContactLost { reason }]).await?;
                            }
                        }
                        Seen::Unknown => {
                            unknown += 1;
                            if unknown >= UNKNOWN_LIMIT {
                                let reason = "the target does not know the run any more: its folder is gone".to_owned();
                                let exit = Exit::Vanished { reason };
                                return self.record(&run, vec![RunEventKind::Exited { exit, ran_ms: None }]).await;
                            }
                        }
                    }
                }
                () = self.wake.notified() => {
                    run = self.app.store.run(&run.id).await?;
                    if run.state == RunState::CancelRequested {
                        self.end(&run, &native).await?;
                    }
                }
                () = time_is_over => {
                    deadline = None;
                    let reason = CancelReason::MaxDuration;
                    run = self.record(&run, vec![RunEventKind::CancelRequested { reason }]).await?;
                    self.end(&run, &native).await?;
                }
            }
        }
    }

    async fn end(&self, run: &Run, native: &NativeId) -> Result<(), Trouble> {
        failpoint::hit("cancel.after-request");
        self.target.driver.cancel(native, grace(run)).await?;
        failpoint::hit("cancel.after-signal");
        Ok(())
    }

    async fn observed(
        &mut self,
        run: Run,
        native: &NativeId,
        observation: Observation,
    ) -> Result<Run, Trouble> {
        let mut events = Vec::new();
        if run.contact_lost.is_some() {
            events.push(RunEventKind::ContactRestored);
        }
        if run.state == RunState::Starting && observation.phase == Phase::Running {
            events.push(RunEventKind::Running);
        }
        events.extend(waits(&run, &observation.phase));
        let run = if events.is_empty() {
            run
        } else {
            self.record(&run, events).await?
        };
        if run.state == RunState::Running {
            failpoint::hit("life.after-running");
        }
        let Phase::Ended { exit, ran } = observation.phase else {
            self.pull(&run, native, &observation.sizes, false).await?;
            return Ok(run);
        };
        self.final_sizes = Some(observation.sizes);
        failpoint::hit("life.before-exited");
        let ran_ms = ran.map(|ran| u64::try_from(ran.as_millis()).unwrap_or(u64::MAX));
        let run = self
            .record(&run, vec![RunEventKind::Exited { exit, ran_ms }])
            .await?;
        failpoint::hit("life.after-exited");
        Ok(run)
    }
}

/// The event for another reason to wait than the one that is known, or for none any more.
fn waits(run: &Run, phase: &Phase) -> Option<RunEventKind> {
    if !matches!(run.state, RunState::Starting | RunState::Running) {
        return None;
    }
    let reason = match phase {
        Phase::Pending { reason } => reason.as_ref(),
        _ => None,
    };
    if run.waiting.as_ref().map(|waiting| &waiting.reason) == reason {
        return None;
    }
    let waiting = reason.map(|reason| Waiting {
        since: Timestamp::now(),
        reason: reason.clone(),
        moved_by: format!("target `{}` starting it", run.target),
    });
    // Running takes the reason away by itself.
    let is_told = run.state == RunState::Starting && *phase == Phase::Running;
    (!is_told).then_some(RunEventKind::Waiting { waiting })
}

/// When the run's time is over, by the target's own clock; `known` where it was worked out before.
fn limit(run: &Run, observation: &Observation, known: Option<Instant>) -> Option<Instant> {
    let limit = Duration::from_secs(run.spec.as_ref()?.max_duration_seconds?);
    if run.state == RunState::CancelRequested || observation.phase != Phase::Running {
        return None;
    }
    match observation.elapsed {
        Some(elapsed) => Some(Instant::now() + limit.saturating_sub(elapsed)),
        None => known.or_else(|| Some(Instant::now() + limit)),
    }
}
