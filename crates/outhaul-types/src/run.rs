//! A run as it stands: the record that its events add up to.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::{RunEvent, RunEventKind};
use crate::failure::{CancelRequest, Exit, Failure};
use crate::id::RunId;
use crate::spec::RunSpec;
use crate::state::RunState;
use crate::workspace::NO_TARGET;

/// Why a run does not move: since when, for what, and what would move it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waiting {
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// What it waits for.
    pub reason: String,
    /// What would move it.
    pub moved_by: String,
}

/// What is needed to record a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRun {
    /// Its id, chosen by the one who submits: submitting the same id twice makes one run.
    pub id: RunId,
    /// Its name.
    pub name: String,
    /// Its workspace.
    pub workspace: String,
    /// Its experiment.
    pub experiment: String,
    /// Its target.
    pub target: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The run that it is a child of.
    pub parent: Option<RunId>,
    /// What it shall do; absent for a run that is played: a child run by its parent's script, a tracked run by a client.
    pub spec: Option<RunSpec>,
}

/// A run as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: RunState,
    /// Its target.
    pub target: String,
    /// Its experiment.
    pub experiment: String,
    /// Its workspace.
    pub workspace: String,
    /// When it was submitted.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Since when it is in its state.
    #[schema(value_type = String, format = DateTime)]
    pub state_since: Timestamp,
    /// When its process was first seen.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// How long the process ran by the target's own clock, in milliseconds, once it has ended.
    pub ran_ms: Option<u64>,
    /// Number of the attempt; 0 before the first launch.
    pub attempt: u32,
    /// Tags, by the person and by the script.
    pub tags: BTreeMap<String, String>,
    /// Facts that are set once and stay.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// Why it does not move, for a state that is not terminal.
    pub waiting: Option<Waiting>,
    /// What went wrong when the target was last asked; its state is then the last known one.
    pub contact_lost: Option<ContactLost>,
    /// The request to end it.
    pub cancel: Option<CancelRequest>,
    /// How its process ended.
    pub exit: Option<Exit>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Content id of its environment.
    pub environment_id: Option<String>,
    /// The target's own name for it.
    pub native_id: Option<String>,
    /// The run that it is a child of.
    pub parent: Option<RunId>,
    /// What it shall do; absent for a child run and a tracked run.
    pub spec: Option<RunSpec>,
    /// The position of its newest event: what a guarded change compares.
    pub version: u64,
}

/// Contact with the target is lost: since when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContactLost {
    /// The target was last heard of about then.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen: Timestamp,
    /// What went wrong.
    pub reason: String,
}

/// An event that the transition table does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("run `{run}` is {from} and cannot become {to}")]
pub struct ForbiddenTransition {
    /// The run.
    pub run: RunId,
    /// Its state.
    pub from: RunState,
    /// The state that was asked for.
    pub to: RunState,
}

impl Run {
    /// The record of a run that was just submitted, with its first event.
    #[must_use]
    pub fn submitted(new: NewRun, at: Timestamp) -> (Self, RunEvent) {
        let run = Self {
            id: new.id,
            name: new.name,
            state: RunState::NotStarted,
            target: new.target,
            experiment: new.experiment,
            workspace: new.workspace,
            created_at: at,
            state_since: at,
            started_at: None,
            ended_at: None,
            ran_ms: None,
            attempt: 0,
            tags: new.tags,
            properties: BTreeMap::new(),
            waiting: None,
            contact_lost: None,
            cancel: None,
            exit: None,
            failure: None,
            environment_id: None,
            native_id: None,
            parent: new.parent,
            spec: new.spec,
            version: 1,
        };
        (
            run,
            RunEvent {
                seq: 1,
                at,
                event: RunEventKind::Submitted,
            },
        )
    }

    /// Applies what happened and gives the event as it belongs into the log.
    ///
    /// # Errors
    /// [`ForbiddenTransition`] when the transition table does not allow it; the run is then unchanged.
    pub fn apply(&mut self, event: RunEventKind, at: Timestamp) -> Result<RunEvent, ForbiddenTransition> {
        if let Some(to) = event.leads_to() {
            let allowed = match &event {
                // Only what a client plays can go on after its end.
                RunEventKind::Resumed { .. } => self.is_tracked() && self.state.is_terminal(),
                _ => self.state.may_become(to) || self.plays(to),
            };
            if !allowed {
                return Err(ForbiddenTransition {
                    run: self.id.clone(),
                    from: self.state,
                    to,
                });
            }
            self.state = to;
            self.state_since = at;
            self.waiting = None;
            if to.is_terminal() {
                self.ended_at = Some(at);
                self.contact_lost = None;
            }
        }
        match &event {
            RunEventKind::Waiting { waiting } => self.waiting.clone_from(waiting),
            RunEventKind::EnvironmentReady { environment_id } => {
                self.environment_id = Some(environment_id.clone());
            }
            RunEventKind::LaunchIntended { attempt, .. } => self.attempt = *attempt,
            RunEventKind::Launched { native_id } => self.native_id = Some(native_id.clone()),
            RunEventKind::Running => self.started_at = Some(at),
            RunEventKind::ContactLost { reason } => {
                self.contact_lost = Some(ContactLost {
                    last_seen: at,
                    reason: reason.clone(),
                });
            }
            RunEventKind::ContactRestored => self.contact_lost = None,
            RunEventKind::CancelRequested { reason } => {
                self.cancel = Some(CancelRequest { reason: *reason, at });
            }
            RunEventKind::Exited { exit, ran_ms } => {
                self.exit = Some(exit.clone());
                self.ran_ms = *ran_ms;
                self.contact_lost = None;
                if self.started_at.is_none() {
                    self.started_at = Some(at);
                }
            }
            RunEventKind::Failed { failure } => self.failure = Some(failure.clone()),
            RunEventKind::Tagged { tags } => self.tags.extend(tags.clone()),
            RunEventKind::TagsRemoved { names } => self.tags.retain(|name, _| !names.contains(name)),
            RunEventKind::PropertiesAdded { properties } => {
                for (name, value) in properties {
                    self.properties
                        .entry(name.clone())
                        .or_insert_with(|| value.clone());
                }
            }
            RunEventKind::Resumed { attempt } => {
                self.attempt = *attempt;
                (self.ended_at, self.cancel, self.failure) = (None, None, None);
            }
            _ => {}
        }
        self.version += 1;
        Ok(RunEvent {
            seq: self.version,
            at,
            event,
        })
    }

    /// Whether a client plays it: it is on no target, and no driver knows of it.
    #[must_use]
    pub fn is_tracked(&self) -> bool {
        self.spec.is_none() && self.target == NO_TARGET
    }

    /// Whether whoever plays it may say that it is `to` now: of a run without a process only beginning and end are known.
    fn plays(&self, to: RunState) -> bool {
        let begins = self.state == RunState::NotStarted && to == RunState::Running;
        let ends = matches!(self.state, RunState::NotStarted | RunState::Running) && to.is_terminal();
        self.spec.is_none() && (begins || ends)
    }

    /// The script's exit code, once there is one.
    #[must_use]
    pub const fn exit_code(&self) -> Option<i32> {
        match &self.exit {
            Some(Exit::Code { code }) => Some(*code),
            _ => None,
        }
    }

    /// How long the process ran (by the target's clock), or has been known to run until `now`.
    #[must_use]
    pub fn duration(&self, now: Timestamp) -> Option<Duration> {
        if let Some(ms) = self.ran_ms {
            return Some(Duration::from_millis(ms));
        }
        // A clock that was set back gives no negative duration.
        let until = self.ended_at.unwrap_or(now);
        self.started_at
            .map(|start| Duration::try_from(until.duration_since(start)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::failure::{CancelReason, FailureClass};
    use crate::spec::{Command, SnapshotRef};

    fn new_run() -> NewRun {
        NewRun {
            id: "k3v9x2m4q7t0b8wz".parse().unwrap(),
            name: "train".into(),
            workspace: "default".into(),
            experiment: "e".into(),
            target: "local".into(),
            tags: BTreeMap::new(),
            parent: None,
            spec: Some(RunSpec {
                command: Command::Program {
                    argv: vec!["true".into()],
                },
                snapshot: SnapshotRef {
                    tree: String::new(),
                    files: 0,
                    bytes: 0,
                    source: String::new(),
                    git: None,
                },
                environment: Default::default(),
                environment_lock: None,
                environment_name: None,
                variables: BTreeMap::new(),
                max_duration_seconds: None,
                resources: Default::default(),
                array: None,
                adopted: None,
                spark: None,
                rerun_of: None,
                service: None,
            }),
        }
    }

    fn any_event() -> impl Strategy<Value = RunEventKind> {
        let id: RunId = "k3v9x2m4q7t0b8wz".parse().unwrap();
        prop_oneof![
            Just(RunEventKind::Queued),
            Just(RunEventKind::Waiting { waiting: None }),
            Just(RunEventKind::Preparing),
            Just(RunEventKind::LaunchIntended {
                attempt: 1,
                run_key: id.key(1)
            }),
            Just(RunEventKind::Launched {
                native_id: "n".into()
            }),
            Just(RunEventKind::Running),
            Just(RunEventKind::ContactLost {
                reason: "timeout".into()
            }),
            Just(RunEventKind::CancelRequested {
                reason: CancelReason::User
            }),
            Just(RunEventKind::Exited {
                exit: Exit::Code { code: 0 },
                ran_ms: Some(5)
            }),
            Just(RunEventKind::Completed),
            Just(RunEventKind::Failed {
                failure: Failure::new(FailureClass::User, "exit code 1")
            }),
            Just(RunEventKind::Canceled),
        ]
    }

    proptest! {
        /// Whatever happens in whatever order: only allowed transitions are taken, a refused event changes
        /// nothing, a terminal state is final, and replaying the log gives the same run.
        #[test]
        fn any_history_is_forward_only_and_can_be_replayed(events in proptest::collection::vec(any_event(), 0..40)) {
            let at = Timestamp::UNIX_EPOCH;
            let (mut run, first) = Run::submitted(new_run(), at);
            let mut log = vec![first];
            for event in events {
                let before = run.clone();
                match run.apply(event.clone(), at) {
                    Ok(entry) => {
                        prop_assert_eq!(entry.seq, before.version + 1);
                        prop_assert!(run.state == before.state || before.state.may_become(run.state));
                        prop_assert!(!before.state.is_terminal() || run.state == before.state);
                        log.push(entry);
                    }
                    Err(_) => {
                        prop_assert_eq!(&run, &before);
                        prop_assert!(!before.state.may_become(event.leads_to().unwrap()));
                    }
                }
            }
            let (mut again, _) = Run::submitted(new_run(), at);
            for entry in log.into_iter().skip(1) {
                again.apply(entry.event, entry.at).unwrap();
            }
            prop_assert_eq!(again, run);
        }
    }

    /// A tracked run, after the events; each must be allowed exactly where it is said.
    #[test]
    fn a_tracked_run_begins_ends_and_goes_on_as_its_client_says() {
        let at = Timestamp::UNIX_EPOCH;
        let resumed = || RunEventKind::Resumed { attempt: 2 };
        let failed = || RunEventKind::Failed {
            failure: Failure::new(FailureClass::User, "no data"),
        };
        let cancel = || RunEventKind::CancelRequested {
            reason: CancelReason::User,
        };
        for (events, allowed) in [
            (vec![RunEventKind::Running, RunEventKind::Completed], true),
            (
                vec![
                    RunEventKind::Running,
                    failed(),
                    resumed(),
                    RunEventKind::Completed,
                ],
                true,
            ),
            (
                vec![RunEventKind::Running, cancel(), RunEventKind::Canceled, resumed()],
                true,
            ),
            (vec![RunEventKind::Running, resumed()], false),
            (
                vec![
                    RunEventKind::Running,
                    RunEventKind::Completed,
                    RunEventKind::Running,
                ],
                false,
            ),
            (
                vec![RunEventKind::Running, RunEventKind::Completed, failed()],
                false,
            ),
        ] {
            let (mut run, _) = Run::submitted(
                NewRun {
                    target: NO_TARGET.into(),
                    spec: None,
                    ..new_run()
                },
                at,
            );
            assert!(run.is_tracked());
            let mut outcome = Ok(());
            for event in &events {
                outcome = run.apply(event.clone(), at).map(drop);
            }
            assert_eq!(outcome.is_ok(), allowed, "{events:?}");
            assert_eq!(run.ended_at.is_some(), run.state.is_terminal(), "{events:?}");
            if run.attempt == 2 && run.state == RunState::Running {
                assert_eq!((&run.failure, &run.cancel), (&None, &None));
            }
        }
        // A run with a process, and a child that a script plays, never go on.
        for (spec, target) in [(new_run().spec, NO_TARGET), (None, "local")] {
            let (mut run, _) = Run::submitted(
                NewRun {
                    target: target.into(),
                    spec,
                    ..new_run()
                },
                at,
            );
            run.apply(failed(), at).unwrap();
            assert!(run.apply(resumed(), at).is_err(), "{target}");
        }
    }

    #[test]
    fn tags_change_and_properties_stay() {
        let at = Timestamp::UNIX_EPOCH;
        let (mut run, _) = Run::submitted(new_run(), at);
        let pair = |value: &str| BTreeMap::from([("k".to_owned(), value.to_owned())]);
        for value in ["1", "2"] {
            run.apply(RunEventKind::Tagged { tags: pair(value) }, at).unwrap();
            run.apply(
                RunEventKind::PropertiesAdded {
                    properties: pair(value),
                },
                at,
            )
            .unwrap();
        }
        assert_eq!((&run.tags, &run.properties), (&pair("2"), &pair("1")));
        let names = ["k".to_owned(), "none".to_owned()].into();
        run.apply(RunEventKind::TagsRemoved { names }, at).unwrap();
        assert_eq!((run.tags.len(), run.properties.len()), (0, 1));
    }

    #[test]
    fn a_clock_that_was_set_back_gives_no_negative_duration() {
        let later = Timestamp::from_second(1_000).unwrap();
        let (mut run, _) = Run::submitted(new_run(), later);
        for event in [
            RunEventKind::Queued,
            RunEventKind::Preparing,
            RunEventKind::LaunchIntended {
                attempt: 1,
                run_key: run.id.key(1),
            },
            RunEventKind::Running,
        ] {
            run.apply(event, later).unwrap();
        }
        assert_eq!(run.duration(Timestamp::UNIX_EPOCH), Some(Duration::ZERO));
    }
}
