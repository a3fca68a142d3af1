//! "Why is it waiting?": for every state that is not terminal, since when, for what, and what would move it.

use outhaul_types::{CancelReason, Run, RunState, Waiting, duration};

use crate::life::grace;
use crate::targets::Target;

/// What a run waits for, if it does.
pub(crate) fn waiting(run: &Run, target: Option<&Target>) -> Option<Waiting> {
    if let Some(lost) = &run.contact_lost
        && !run.state.is_terminal()
    {
        return Some(Waiting {
            since: lost.last_seen,
            reason: format!(
                "target `{}` does not answer; the run's state is the last known one: {}",
                run.target, lost.reason
            ),
            moved_by: "the target answering again; the run itself is not harmed".to_owned(),
        });
    }
    let (reason, moved_by) = match run.state {
        RunState::NotStarted | RunState::Queued => queued(run, target),
        RunState::Provisioning => (
            format!("target `{}` is being made ready", run.target),
            "the target being ready".to_owned(),
        ),
        RunState::Preparing => {
            let log = format!(
                "`outhaul runs logs {} --stream environment` shows how far it is",
                run.id.short()
            );
            ("its environment is being prepared".to_owned(), log)
        }
        RunState::Starting => (
            format!("target `{}` has been asked to start it", run.target),
            "the first sign of its process".to_owned(),
        ),
        RunState::CancelRequested => {
            let who = match run.cancel.as_ref().map(|cancel| cancel.reason) {
                Some(CancelReason::MaxDuration) => "its time is over",
                _ => "its end was asked for",
            };
            (
                format!("{who}; its process was sent SIGTERM"),
                format!(
                    "the process ending, or SIGKILL {} after the request",
                    duration::show(grace(run))
                ),
            )
        }
        RunState::Finalizing => (
            "its process has ended; logs, metrics and outputs are being collected".to_owned(),
            "nothing has to be done".to_owned(),
        ),
        RunState::Running | RunState::Completed | RunState::Failed | RunState::Canceled => {
            return run.waiting.clone();
        }
    };
    Some(run.waiting.clone().unwrap_or(Waiting {
        since: run.state_since,
        reason,
        moved_by,
    }))
}

fn queued(run: &Run, target: Option<&Target>) -> (String, String) {
    let Some(target) = target else {
        return (
            format!("target `{}` is not attached", run.target),
            "attaching it again".to_owned(),
        );
    };
    let scheduler = target.scheduler();
    let before = match scheduler.position(&run.id).unwrap_or(0) {
        0 => "it is the next".to_owned(),
        1 => "1 run is before it".to_owned(),
        before => format!("{before} runs are before it"),
    };
    if let Some(limit) = scheduler.held_by(&run.id) {
        return (
            format!("{limit} runs of its array are running, and not more of them go at once"),
            "one of them ending".to_owned(),
        );
    }
    let reason = match scheduler.slots() {
        Some(slots) => format!(
            "{} of {slots} slots of target `{}` are in use; {before}",
            scheduler.running(),
            target.name
        ),
        None => format!("target `{}` queues it", target.name),
    };
    (reason, format!("a run on `{}` ending", target.name))
}
