//! Random histories of several runs, compared step by step with a model that knows nothing but [`Run::apply`].

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use outhaul_types::api::{RunFilter, RunSummary};
use outhaul_types::{
    CancelReason, Exit, Failure, FailureClass, NewRun, Run, RunEvent, RunEventKind, RunState,
};

use super::fixture::{at, child, id, new_run, tags};
use crate::{Guard, Store, StoreError};

const SEEDS: u64 = 10;
const STEPS: u64 = 100;
const RUNS: u64 = 6;

/// Whatever happens in whatever order, the store says what the model says.
pub async fn random_histories_agree_with_the_model(store: Arc<dyn Store>) {
    for seed in 1..=SEEDS {
        let workspace = format!("w{seed}");
        store
            .put_workspace(&workspace, Default::default(), at(0))
            .await
            .unwrap();
        let mut history = History {
            seed,
            workspace,
            dice: Dice(seed),
            order: vec![],
            runs: BTreeMap::new(),
        };
        for step in 0..STEPS {
            history.step(&*store, at(i64::try_from(step).unwrap())).await;
        }
        history.compare(&*store).await;
    }
}

/// A small deterministic generator (splitmix64): a failure is repeated by its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

struct Modelled {
    submitted: NewRun,
    run: Run,
    log: Vec<RunEvent>,
    released: bool,
}

struct History {
    seed: u64,
    workspace: String,
    dice: Dice,
    /// Numbers of the runs in the order of submission.
    order: Vec<u64>,
    runs: BTreeMap<u64, Modelled>,
}

impl History {
    async fn step(&mut self, store: &dyn Store, now: Timestamp) {
        let number = self.seed * 100 + self.dice.below(RUNS);
        match self.dice.below(10) {
            0 | 1 => self.create(store, number, now).await,
            2 => {
                let known = self.runs.get_mut(&number);
                assert_eq!(
                    store.mark_released(&id(number)).await.is_ok(),
                    known.is_some(),
                    "seed {}",
                    self.seed
                );
                if let Some(modelled) = known {
                    modelled.released = true;
                }
            }
            _ => self.apply(store, number, now).await,
        }
    }

    async fn create(&mut self, store: &dyn Store, number: u64, now: Timestamp) {
        let parent = self.order.first().filter(|_| self.dice.below(4) == 0);
        let new = match parent {
            Some(parent) if *parent != number => child(number, *parent),
            _ => new_run(number),
        };
        let new = NewRun {
            workspace: self.workspace.clone(),
            ..new
        };
        let answer = store.create_run(new.clone(), now).await;
        match self.runs.get(&number) {
            Some(known) if known.submitted == new => {
                let answer = answer.unwrap();
                assert_eq!(
                    (&answer.run, answer.events.len()),
                    (&known.run, 0),
                    "seed {}",
                    self.seed
                );
            }
            Some(_) => assert!(
                matches!(answer, Err(StoreError::Conflict(_))),
                "seed {}",
                self.seed
            ),
            None => {
                let (run, event) = Run::submitted(new.clone(), now);
                let answer = answer.unwrap();
                assert_eq!(
                    (&answer.run, &answer.events),
                    (&run, &vec![event.clone()]),
                    "seed {}",
                    self.seed
                );
                self.order.push(number);
                self.runs.insert(
                    number,
                    Modelled {
                        submitted: new,
                        run,
                        log: vec![event],
                        released: false,
                    },
                );
            }
        }
    }

    async fn apply(&mut self, store: &dyn Store, number: u64, now: Timestamp) {
        let count = self.dice.below(3) + 1;
        let events: Vec<_> = (0..count).map(|_| self.event(number)).collect();
        let offset = self.dice.below(8);
        let Some(known) = self.runs.get_mut(&number) else {
            let answer = store.apply(&id(number), Guard::Any, events, now).await;
            assert!(
                matches!(answer, Err(StoreError::NotFound { .. })),
                "seed {}",
                self.seed
            );
            return;
        };
        let guard = match offset {
            0 => Guard::Version(known.run.version + 1),
            1 => Guard::Version(known.run.version - 1),
            2..5 => Guard::Any,
            _ => Guard::Version(known.run.version),
        };
        let answer = store.apply(&id(number), guard, events.clone(), now).await;
        if offset < 2 {
            assert!(
                matches!(answer, Err(StoreError::Stale { .. })),
                "seed {}",
                self.seed
            );
            return;
        }
        let mut run = known.run.clone();
        let entries: Result<Vec<_>, _> = events.into_iter().map(|event| run.apply(event, now)).collect();
        match (answer, entries) {
            (Ok(applied), Ok(entries)) => {
                assert_eq!(
                    (&applied.run, &applied.events),
                    (&run, &entries),
                    "seed {}",
                    self.seed
                );
                known.run = run;
                known.log.extend(entries);
            }
            (Err(StoreError::Forbidden(told)), Err(expected)) => assert_eq!(told, expected),
            (told, expected) => panic!("seed {}: {told:?} instead of {expected:?}", self.seed),
        }
    }

    /// An event; half of the time one that leads on from where the run is.
    fn event(&mut self, number: u64) -> RunEventKind {
        let state = self.runs.get(&number).map(|known| known.run.state);
        let next = state.map_or(&[][..], RunState::next);
        if !next.is_empty() && self.dice.below(2) == 0 {
            let to = next[self.dice.below(next.len() as u64) as usize];
            if let Some(event) = (0..EVENTS)
                .map(|kind| event(kind, number))
                .find(|event| event.leads_to() == Some(to))
            {
                return event;
            }
        }
        event(self.dice.below(EVENTS), number)
    }

    async fn compare(&self, store: &dyn Store) {
        let seed = self.seed;
        for (number, known) in &self.runs {
            assert_eq!(store.run(&id(*number)).await.unwrap(), known.run, "seed {seed}");
            assert_eq!(
                store.events(&id(*number), 0).await.unwrap(),
                known.log,
                "seed {seed}"
            );
        }
        let here = RunFilter {
            workspace: Some(self.workspace.clone()),
            ..RunFilter::default()
        };
        let inside = |wanted: &dyn Fn(&Modelled) -> bool| -> Vec<Run> {
            let all = self.order.iter().map(|number| &self.runs[number]);
            all.filter(|known| wanted(known))
                .map(|known| known.run.clone())
                .collect()
        };
        let summaries = |runs: Vec<Run>| runs.iter().rev().map(RunSummary::from).collect::<Vec<_>>();
        for state in [None].into_iter().chain(RunState::ALL.map(Some)) {
            let filter = RunFilter {
                state: state.map(|state| state.to_string()),
                ..here.clone()
            };
            let expected = inside(&|known| {
                known.run.parent.is_none() && state.is_none_or(|state| state == known.run.state)
            });
            assert_eq!(
                store.list_runs(&filter).await.unwrap(),
                summaries(expected),
                "seed {seed} {state:?}"
            );
        }
        for value in ["0", "1"] {
            let filter = RunFilter {
                tag: Some(format!("k={value}")),
                ..here.clone()
            };
            let expected = inside(&|known| {
                known.run.parent.is_none() && known.run.tags.get("k").is_some_and(|held| held == value)
            });
            assert_eq!(
                store.list_runs(&filter).await.unwrap(),
                summaries(expected),
                "seed {seed}"
            );
        }
        let mine = |runs: Vec<Run>| {
            runs.into_iter()
                .filter(|run| run.workspace == self.workspace)
                .collect::<Vec<_>>()
        };
        let active = inside(&|known| known.run.spec.is_some() && !known.run.state.is_terminal());
        assert_eq!(mine(store.active_runs().await.unwrap()), active, "seed {seed}");
        let unreleased =
            inside(&|known| known.run.spec.is_some() && known.run.state.is_terminal() && !known.released);
        assert_eq!(
            mine(store.unreleased_runs().await.unwrap()),
            unreleased,
            "seed {seed}"
        );
    }
}

const EVENTS: u64 = 17;

fn event(kind: u64, number: u64) -> RunEventKind {
    match kind {
        0 => RunEventKind::Queued,
        1 => RunEventKind::Waiting { waiting: None },
        2 => RunEventKind::Preparing,
        3 => RunEventKind::EnvironmentReady {
            environment_id: "env".into(),
        },
        4 => RunEventKind::LaunchIntended {
            attempt: 1,
            run_key: id(number).key(1),
        },
        5 => RunEventKind::Launched {
            native_id: "n".into(),
        },
        6 => RunEventKind::Running,
        7 => RunEventKind::ContactLost {
            reason: "timeout".into(),
        },
        8 => RunEventKind::ContactRestored,
        9 => RunEventKind::CancelRequested {
            reason: CancelReason::MaxDuration,
        },
        10 => RunEventKind::Exited {
            exit: Exit::Code { code: -1 },
            ran_ms: Some(5),
        },
        11 => RunEventKind::OutputsCollected { files: 1, bytes: 2 },
        12 => RunEventKind::Completed,
        13 => RunEventKind::Failed {
            failure: Failure::new(FailureClass::Target, "it vanished").with_hint("ask"),
        },
        14 => RunEventKind::Canceled,
        15 => RunEventKind::Tagged {
            tags: tags(&[("k", if number.is_multiple_of(2) { "0" } else { "1" })]),
        },
        _ => RunEventKind::Note { message: "n".into() },
    }
}
