//! Where a run in a container is, by what its run directory and its engine say. Pure.

use std::time::Duration;

use outhaul_docker::ContainerState;
use outhaul_driver::{NativeId, Observation, Phase};
use outhaul_types::Exit;

use crate::native::contained;

/// Whether the directory must be looked at again before the two are put together: the engine says that it is over, and
/// the look at the directory, which came first, does not show an end yet.
pub(crate) fn look_again(on_host: Option<&Observation>, engine: &ContainerState) -> bool {
    let ended = matches!(on_host.map(|seen| &seen.phase), Some(Phase::Ended { .. }));
    let over = matches!(engine, ContainerState::Exited { .. } | ContainerState::Missing);
    over && !ended
}

/// Puts together what both say. A record in the directory counts most: the container may be gone long since. `None` for
/// a run that neither knows. `unclaimed` is why the container ended without taking the run, where that is known.
pub(crate) fn combine(
    run_key: &str,
    on_host: Option<Observation>,
    engine: &ContainerState,
    unclaimed: Option<&str>,
) -> Option<Observation> {
    let id = contained(run_key);
    let claimed = on_host.is_some();
    let seen = on_host.unwrap_or_else(|| Observation {
        id: id.clone(),
        phase: Phase::Pending { reason: None },
        elapsed: None,
        sizes: Vec::new(),
    });
    if matches!(seen.phase, Phase::Ended { .. }) {
        return Some(named(seen, id));
    }
    let phase = match engine {
        ContainerState::Missing if !claimed => return None,
        ContainerState::Missing => vanished("its container was removed, so the exit code is unknown"),
        ContainerState::Created | ContainerState::Running => return Some(named(seen, id)),
        ContainerState::Exited { .. } if !claimed => {
            vanished(unclaimed.unwrap_or("its container ended before the run was started"))
        }
        ContainerState::Exited { oom_killed: true, .. } => {
            vanished("the container's memory limit was reached, and the kernel ended the run")
        }
        ContainerState::Exited { code, .. } => Phase::Ended {
            exit: Exit::Code {
                code: i32::try_from(*code).unwrap_or(-1),
            },
            ran: None::<Duration>,
        },
    };
    Some(Observation {
        phase,
        elapsed: None,
        ..named(seen, id)
    })
}

fn named(seen: Observation, id: NativeId) -> Observation {
    Observation { id, ..seen }
}

fn vanished(reason: &str) -> Phase {
    Phase::Ended {
        exit: Exit::Vanished {
            reason: reason.to_owned(),
        },
        ran: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(phase: Phase) -> Option<Observation> {
        Some(Observation {
            id: NativeId("k-1".into()),
            phase,
            elapsed: Some(Duration::from_secs(1)),
            sizes: Vec::new(),
        })
    }

    fn exited(code: i64, oom_killed: bool) -> ContainerState {
        ContainerState::Exited {
            code,
            oom_killed,
            finished_at: None,
        }
    }

    #[test]
    fn both_words_count() {
        let code = |code| Phase::Ended {
            exit: Exit::Code { code },
            ran: None,
        };
        let pending = Phase::Pending { reason: None };
        let cases = [
            // (what the directory says, what the engine says, what is so)
            (None, ContainerState::Missing, None),
            (None, ContainerState::Created, Some(pending.clone())),
            (None, ContainerState::Running, Some(pending.clone())),
            (None, exited(125, false), Some(vanished("no shell"))),
            (seen(pending.clone()), ContainerState::Running, Some(pending)),
            (
                seen(Phase::Running),
                ContainerState::Running,
                Some(Phase::Running),
            ),
            (seen(Phase::Running), exited(137, false), Some(code(137))),
            (
                seen(Phase::Running),
                exited(137, true),
                Some(vanished(
                    "the container's memory limit was reached, and the kernel ended the run",
                )),
            ),
            (
                seen(Phase::Running),
                ContainerState::Missing,
                Some(vanished("its container was removed, so the exit code is unknown")),
            ),
            (seen(code(3)), ContainerState::Missing, Some(code(3))),
            (seen(code(3)), exited(137, false), Some(code(3))),
        ];
        for (on_host, engine, phase) in cases {
            let combined = combine("k-1", on_host.clone(), &engine, Some("no shell"));
            assert_eq!(
                combined.as_ref().map(|seen| &seen.phase),
                phase.as_ref(),
                "{on_host:?} {engine:?}"
            );
            if let Some(combined) = combined {
                assert_eq!(combined.id.0, "container:k-1");
            }
        }
    }

    #[test]
    fn an_end_that_only_the_engine_knows_is_looked_for_once_more() {
        assert!(look_again(seen(Phase::Running).as_ref(), &exited(0, false)));
        assert!(look_again(None, &ContainerState::Missing));
        assert!(!look_again(
            seen(Phase::Running).as_ref(),
            &ContainerState::Running
        ));
        let ended = seen(Phase::Ended {
            exit: Exit::Code { code: 0 },
            ran: None,
        });
        assert!(!look_again(ended.as_ref(), &exited(0, false)));
    }
}
