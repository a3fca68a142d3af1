//! What follows for a service, from its record and from what became of its runs. Pure.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use outhaul_types::service::{ServiceError, ServiceInstance};
use outhaul_types::{RunId, ServiceState, WebService};

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// An instance that answered for this long ended for a new reason: pauses begin anew.
const STEADY: Duration = Duration::from_secs(600);

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is not recorded: the server died between the intent and the run.
    Absent,
    /// It goes on.
    Going {
        /// It has initialised and answers.
        ready: bool,
        /// It was asked to end.
        ending: bool,
    },
    /// It has ended.
    Ended {
        /// How, in a sentence.
        message: String,
        /// The last lines that it wrote.
        log: String,
    },
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Record this, then look again.
    Record(Box<WebService>),
    /// An instance is needed: record it as the next one, under a run id of its own, then look again.
    Intend,
    /// Record the run of this instance, which is not there yet.
    Submit(ServiceInstance),
    /// Ask these runs to end.
    End(Vec<RunId>),
    /// Nothing of it is left: remove the record.
    Remove,
    /// Nothing, until a run changes or this time has come.
    Wait(Option<Timestamp>),
}

/// What follows.
pub(super) fn next(service: &WebService, fates: &HashMap<RunId, Fate>, now: Timestamp) -> Step {
    let fate = |run: &RunId| fates.get(run).unwrap_or(&Fate::Absent);
    let to_end = |runs: &mut dyn Iterator<Item = &RunId>| {
        let going = runs.filter(|run| matches!(fate(run), Fate::Going { ending: false, .. }));
        going.cloned().collect::<Vec<_>>()
    };
    if service.state == ServiceState::Deleting {
        let going = to_end(&mut service.runs());
        if !going.is_empty() {
            return Step::End(going);
        }
        let over = service.runs().all(|run| !matches!(fate(run), Fate::Going { .. }));
        return if over { Step::Remove } else { Step::Wait(None) };
    }
    let going = to_end(&mut service.leaving.iter());
    if !going.is_empty() {
        return Step::End(going);
    }
    let mut changed = service.clone();
    changed
        .leaving
        .retain(|run| matches!(fate(run), Fate::Going { .. }));
    if changed.leaving.len() < service.leaving.len() {
        return Step::Record(Box::new(changed));
    }
    if let Some(instance) = &service.next {
        let outdated = instance.generation < service.generation;
        match fate(&instance.run) {
            Fate::Absent if outdated => {
                changed.next = None;
                return Step::Record(Box::new(changed));
            }
            Fate::Absent => return Step::Submit(instance.clone()),
            Fate::Going { .. } if outdated => {
                changed.leaving.extend(changed.next.take().map(|next| next.run));
                return Step::Record(Box::new(changed));
            }
            Fate::Going { ready: true, .. } => return Step::Record(Box::new(promoted(changed, now))),
            Fate::Going { .. } => {}
            Fate::Ended { message, log } => {
                let error = ServiceError {
                    message: message.clone(),
                    log: log.clone(),
                    run: Some(instance.run.clone()),
                    at: now,
                };
                return Step::Record(Box::new(broken(changed, error, now)));
            }
        }
    }
    if let Some(instance) = &service.current {
        match fate(&instance.run) {
            Fate::Going { .. } => {}
            Fate::Absent => return Step::Record(Box::new(lost(changed, "its run is gone", "", now))),
            Fate::Ended { message, log } => return Step::Record(Box::new(lost(changed, message, log, now))),
        }
    }
    let served = service.current.as_ref().map(|current| current.generation);
    if service.next.is_some() || served == Some(service.generation) || service.state == ServiceState::Failed {
        return Step::Wait(None);
    }
    match service.retry_at.filter(|at| *at > now) {
        Some(at) => Step::Wait(Some(at)),
        None => Step::Intend,
    }
}

/// The next instance answers: it takes over, and the one before it may go.
fn promoted(mut service: WebService, now: Timestamp) -> WebService {
    let before = std::mem::replace(&mut service.current, service.next.take());
    service.leaving.extend(before.map(|before| before.run));
    service.previous = None;
    service.error = None;
    service.retry_at = None;
    moved(service, ServiceState::Healthy, now)
}

/// The next instance cannot be started at all.
pub(super) fn refused(service: &WebService, message: &str, now: Timestamp) -> WebService {
    let error = ServiceError {
        message: message.to_owned(),
        log: String::new(),
        run: None,
        at: now,
    };
    broken(service.clone(), error, now)
}

/// The next instance did not come up.
fn broken(mut service: WebService, error: ServiceError, now: Timestamp) -> WebService {
    let failed = service.next.take();
    service.error = Some(error);
    if failed.is_some_and(|failed| failed.generation < service.generation) {
        // Another generation is wanted by now; this one's failure is only told.
        return service;
    }
    if let Some(previous) = service.previous.take() {
        // An update that does not come up changes nothing.
        service.spec = *previous;
        if let Some(current) = &mut service.current {
            current.generation = service.generation;
        }
        return service;
    }
    if let Some(current) = &mut service.current {
        // A reload of the same: what answers goes on.
        current.generation = service.generation;
        return service;
    }
    if service.state == ServiceState::Unhealthy {
        return again(service, now);
    }
    moved(service, ServiceState::Failed, now)
}

/// The instance that answered ended by itself.
fn lost(mut service: WebService, message: &str, log: &str, now: Timestamp) -> WebService {
    let run = service.current.take().map(|current| current.run);
    let answered = now.duration_since(service.state_since);
    if service.state == ServiceState::Healthy && answered.unsigned_abs() > STEADY {
        service.restarts = 0;
    }
    service.error = Some(ServiceError {
        message: message.to_owned(),
        log: log.to_owned(),
        run,
        at: now,
    });
    again(moved(service, ServiceState::Unhealthy, now), now)
}

/// Another try after a pause: none for the first end, then one that doubles.
fn again(mut service: WebService, now: Timestamp) -> WebService {
    let pause = match service.restarts {
        0 => Duration::ZERO,
        times => Duration::from_secs(1 << (times - 1).min(6)).min(LONGEST_PAUSE),
    };
    service.restarts = service.restarts.saturating_add(1);
    service.retry_at = now.checked_add(pause).ok();
    service
}

fn moved(mut service: WebService, state: ServiceState, now: Timestamp) -> WebService {
    if service.state != state {
        service.state = state;
        service.state_since = now;
    }
    service
}

#[cfg(test)]
mod tests;
