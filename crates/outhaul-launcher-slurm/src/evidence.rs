//! Where a run is, by what its run directory and the scheduler say. Pure.

use outhaul_driver::{Observation, Phase};
use outhaul_types::{Exit, FailureClass};

use crate::native::Job;
use crate::parse::JobState;
use crate::words::{Where, meaning};

/// Whether the scheduler's word is needed beside the run directory's. An end by the script's own code speaks for itself;
/// one by a signal may be the scheduler's work.
pub(crate) fn needs_scheduler(on_host: Option<&Observation>) -> bool {
    match on_host.map(|seen| &seen.phase) {
        Some(Phase::Ended {
            exit: Exit::Code { code },
            ..
        }) => *code > 128,
        Some(Phase::Ended { .. }) => false,
        _ => true,
    }
}

/// Whether the scheduler says that the job is over.
pub(crate) fn is_over(job: Option<&JobState>) -> bool {
    job.is_none_or(|job| matches!(meaning(job), Where::Ended | Where::Stopped(..)))
}

/// Whether the scheduler has put a job back into the queue whose run was started already.
pub(crate) fn is_requeued(on_host: Option<&Observation>, job: Option<&JobState>) -> bool {
    on_host.is_some() && job.is_some_and(|job| matches!(meaning(job), Where::Waits(_)))
}

/// Puts together what both say. `job` is `None` when the scheduler knows nothing of it any more; `patient` while a
/// record that is missing may still be on its way through the shared file system. `None` for a run of which nobody
/// knows.
pub(crate) fn combine(
    job: &Job,
    on_host: Option<Observation>,
    state: Option<&JobState>,
    patient: bool,
) -> Option<Observation> {
    let claimed = on_host.is_some();
    let seen = Observation {
        id: job.native(),
        ..on_host.unwrap_or_else(|| Observation {
            id: job.native(),
            phase: Phase::Pending { reason: None },
            elapsed: None,
            sizes: Vec::new(),
        })
    };
    let ended = match &seen.phase {
        Phase::Ended {
            exit: Exit::Code { code },
            ..
        } => Some(*code),
        Phase::Ended { .. } => return Some(seen),
        _ => None,
    };
    let phase = match (ended, state.map(meaning)) {
        // The scheduler's reason explains a signal; the script's own code needs no other.
        (Some(code), Some(Where::Stopped(class, reason))) if code > 128 => stopped(class, reason),
        // Its job is being cleaned up, or the queue was looked at before: only then the scheduler says why it was ended.
        (Some(code), Some(Where::Runs)) if code > 128 => Phase::Running,
        (Some(code), Some(Where::Waits(_))) if code > 128 && patient => Phase::Running,
        (Some(code), Some(Where::Waits(_))) if code > 128 => requeued(),
        (Some(_), _) | (None, Some(Where::Runs)) => return Some(seen),
        (None, Some(Where::Waits(_))) if claimed && patient => return Some(seen),
        (None, Some(Where::Waits(_))) if claimed => requeued(),
        (None, Some(Where::Waits(reason))) => Phase::Pending { reason: Some(reason) },
        (None, Some(Where::Ended | Where::Stopped(..)) | None) if patient => return Some(seen),
        (None, Some(Where::Stopped(class, reason))) => stopped(class, reason),
        (None, Some(Where::Ended)) if claimed => stopped(
            FailureClass::Target,
            "its job ended and its supervisor left no record, so the exit code is unknown".to_owned(),
        ),
        (None, Some(Where::Ended)) => stopped(
            FailureClass::Target,
            "its job ended before the run was started; is the target's folder on a file system that all machines share?"
                .to_owned(),
        ),
        (None, None) if claimed => stopped(
            FailureClass::Target,
            "the scheduler does not know its job any more, and it left no record of its end".to_owned(),
        ),
        (None, None) => return None,
    };
    Some(Observation {
        phase,
        elapsed: None,
        ..seen
    })
}

/// What the scheduler wrote into the job's log about a stop. Without control groups it ends a job that uses too much
/// memory by itself, and its state does not say so.
pub(crate) fn with_log(exit: Exit, log: &str) -> Exit {
    let lower = log.to_lowercase();
    if ["memory limit", "oom-kill", "oom_kill", "out of memory"]
        .iter()
        .any(|words| lower.contains(words))
    {
        return Exit::Stopped {
            class: FailureClass::User,
            reason: "it used more memory than it asked for; ask for more with `--memory`".to_owned(),
        };
    }
    let last = log
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| line.contains("error"));
    match (exit, last) {
        (Exit::Stopped { class, reason }, Some(last)) => Exit::Stopped {
            class,
            reason: format!(
                "{reason} (its log says: {})",
                last.chars().take(200).collect::<String>()
            ),
        },
        (exit, _) => exit,
    }
}

/// A run is started once: its job would find it started when its turn comes again.
fn requeued() -> Phase {
    stopped(
        FailureClass::Target,
        "the scheduler took its machines away and put its job back into the queue, and a run is started once only"
            .to_owned(),
    )
}

fn stopped(class: FailureClass, reason: String) -> Phase {
    Phase::Ended {
        exit: Exit::Stopped { class, reason },
        ran: None,
    }
}

#[cfg(test)]
mod tests {
    use outhaul_driver::NativeId;
    use outhaul_types::RunId;

    use super::*;
    use crate::native::JobId;

    fn seen(phase: Phase) -> Option<Observation> {
        Some(Observation {
            id: NativeId("x".into()),
            phase,
            elapsed: None,
            sizes: Vec::new(),
        })
    }

    fn code(code: i32) -> Phase {
        Phase::Ended {
            exit: Exit::Code { code },
            ran: None,
        }
    }

    fn state(state: &str) -> JobState {
        JobState {
            state: state.into(),
            reason: String::new(),
            nodes: "n1".into(),
            ..JobState::default()
        }
    }

    #[test]
    fn both_words_count() {
        let job = Job {
            id: JobId {
                number: 7,
                index: None,
            },
            key: RunId::generate().unwrap().key(1),
        };
        let is_stopped = |phase: &Phase| {
            matches!(
                phase,
                Phase::Ended {
                    exit: Exit::Stopped { .. },
                    ..
                }
            )
        };
        let combined =
            |on_host, state: Option<JobState>, patient| combine(&job, on_host, state.as_ref(), patient);
        let phase =
            |on_host, name: &str, patient| combined(on_host, Some(state(name)), patient).unwrap().phase;
        // The record counts most.
        assert_eq!(phase(seen(code(3)), "COMPLETED", false), code(3));
        assert_eq!(phase(seen(code(0)), "TIMEOUT", false), code(0));
        // An end by signal is explained by the scheduler, if it can.
        assert!(is_stopped(&phase(seen(code(143)), "TIMEOUT", false)));
        assert_eq!(phase(seen(code(143)), "FAILED", false), code(143));
        assert_eq!(phase(seen(code(143)), "COMPLETING", false), Phase::Running);
        // Put back into the queue, unless that was how it stood before.
        assert_eq!(phase(seen(code(143)), "PENDING", true), Phase::Running);
        assert!(is_stopped(&phase(seen(code(143)), "PENDING", false)));
        assert_eq!(phase(seen(Phase::Running), "PENDING", true), Phase::Running);
        assert!(is_stopped(&phase(seen(Phase::Running), "REQUEUED", false)));
        assert_eq!(phase(seen(code(0)), "PENDING", false), code(0));
        assert_eq!(phase(seen(code(1)), "COMPLETING", false), code(1));
        // Without a record.
        assert_eq!(phase(seen(Phase::Running), "RUNNING", false), Phase::Running);
        assert!(matches!(
            phase(None, "PENDING", false),
            Phase::Pending { reason: Some(_) }
        ));
        assert_eq!(phase(seen(Phase::Running), "COMPLETED", true), Phase::Running);
        assert!(is_stopped(&phase(seen(Phase::Running), "COMPLETED", false)));
        assert!(is_stopped(&phase(seen(Phase::Running), "NODE_FAIL", false)));
        assert!(is_stopped(&phase(None, "CANCELLED", false)));
        // Absence is never success.
        assert!(is_stopped(
            &combined(seen(Phase::Running), None, false).unwrap().phase
        ));
        assert_eq!(combined(None, None, false), None);
        assert_eq!(combined(seen(code(0)), None, false).unwrap().phase, code(0));
    }

    #[test]
    fn a_jobs_log_explains_a_stop() {
        let stop = Exit::Stopped {
            class: FailureClass::Target,
            reason: "gone".into(),
        };
        let hungry = with_log(
            stop.clone(),
            "slurmstepd: error: Exceeded job memory limit at some point.\n",
        );
        assert!(matches!(
            hungry,
            Exit::Stopped {
                class: FailureClass::User,
                ..
            }
        ));
        let Exit::Stopped { reason, .. } =
            with_log(stop.clone(), "hello\nslurmstepd: error: no such folder\n")
        else {
            panic!();
        };
        assert!(reason.contains("gone") && reason.contains("no such folder"));
        assert_eq!(with_log(stop.clone(), "hello\n"), stop);
    }

    #[test]
    fn the_scheduler_is_asked_only_where_it_knows_more() {
        assert!(!needs_scheduler(seen(code(0)).as_ref()));
        assert!(!needs_scheduler(seen(code(1)).as_ref()));
        assert!(needs_scheduler(seen(code(137)).as_ref()));
        assert!(needs_scheduler(seen(Phase::Running).as_ref()));
        assert!(needs_scheduler(None));
    }
}
