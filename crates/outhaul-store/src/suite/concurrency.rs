//! Many at once: nothing is lost, nothing counts twice, and nobody's failure is another's.

use std::collections::BTreeSet;
use std::sync::Arc;

use outhaul_types::{RunEventKind, RunState};
use tokio::task::JoinSet;

use super::fixture::{at, here, id, listed, new_run, runs, workspace};
use super::metrics::scalar;
use crate::{Guard, MetricBatch, Store, StoreError};

const MANY: u64 = 64;

/// All try to change the same version: one succeeds, the others are told that they are late.
pub async fn one_of_many_guarded_changes_wins_each_version(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    let mut tasks = JoinSet::new();
    for task in 0..MANY {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut won = Vec::new();
            for version in 1..=8 {
                let event = RunEventKind::Note {
                    message: format!("task {task}"),
                };
                match store
                    .apply(&id(1), Guard::Version(version), vec![event], at(2))
                    .await
                {
                    Ok(applied) => won.push((applied.events[0].seq, task)),
                    Err(StoreError::Stale { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            won
        });
    }
    let mut won: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    won.sort_unstable();
    // A task may come to a version before that one is there; those that were reached have one winner each.
    let reached: Vec<_> = won.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(reached, (2..2 + won.len() as u64).collect::<Vec<_>>());
    assert!(!won.is_empty());
    let log = store.events(&id(1), 1).await.unwrap();
    let log: Vec<_> = log.into_iter().map(|event| (event.seq, event.event)).collect();
    let expected = won.iter().map(|(seq, task)| {
        (
            *seq,
            RunEventKind::Note {
                message: format!("task {task}"),
            },
        )
    });
    assert_eq!(log, expected.collect::<Vec<_>>());
}

/// Every one of them, once.
pub async fn many_creations_at_once_are_all_there(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let mut tasks = JoinSet::new();
    for number in 1..=500 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.create_run(new_run(number), at(1)).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.len(), 500);
    let all: BTreeSet<_> = listed(&*store, here()).await.into_iter().collect();
    assert_eq!(all, (1..=500).collect());
    assert_eq!(store.active_runs().await.unwrap().len(), 500);
    assert_eq!(store.experiments("default").await.unwrap()[0].runs, 500);
}

/// A client that asks again and again gets one run; one of the answers has its event.
pub async fn the_same_submission_from_many_makes_one_run(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let mut tasks = JoinSet::new();
    for second in 0..MANY {
        let store = Arc::clone(&store);
        let second = i64::try_from(second).unwrap();
        tasks.spawn(async move { store.create_run(new_run(1), at(second)).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    assert_eq!(
        answers.iter().filter(|answer| !answer.events.is_empty()).count(),
        1
    );
    let run = store.run(&id(1)).await.unwrap();
    assert!(answers.iter().all(|answer| answer.run == run));
    assert_eq!(store.events(&id(1), 0).await.unwrap().len(), 1);
}

/// Writes that are refused stand among writes that are done, whatever transaction they share.
pub async fn a_refusal_among_many_touches_no_other(store: Arc<dyn Store>) {
    runs(&*store, MANY).await;
    let mut tasks = JoinSet::new();
    for number in 1..=MANY {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let event = if number % 2 == 0 {
                RunEventKind::Queued
            } else {
                RunEventKind::Completed
            };
            // The first event is always allowed and must go away with the forbidden second.
            let first = RunEventKind::Note {
                message: "first".into(),
            };
            let done = store
                .apply(&id(number), Guard::Version(1), vec![first, event], at(2))
                .await;
            assert_eq!(done.is_ok(), number % 2 == 0, "{number}: {done:?}");
        });
    }
    tasks.join_all().await;
    for number in 1..=MANY {
        let run = store.run(&id(number)).await.unwrap();
        let expected = if number % 2 == 0 {
            (RunState::Queued, 3)
        } else {
            (RunState::NotStarted, 1)
        };
        assert_eq!((run.state, run.version), expected, "{number}");
        assert_eq!(
            store.events(&id(number), 0).await.unwrap().len() as u64,
            run.version
        );
    }
}

/// Two readers of one metrics file do not count its lines twice.
pub async fn a_stretch_of_metrics_from_many_counts_once(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    let mut tasks = JoinSet::new();
    for _ in 0..MANY {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let values = vec![(id(1), scalar("a", 1.0)), (id(1), scalar("b", 2.0))];
            store
                .add_metrics(
                    &id(1),
                    MetricBatch {
                        from: 0,
                        to: 60,
                        values,
                    },
                )
                .await
                .is_ok()
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|done| *done).count(), 1);
    assert_eq!(
        store.metrics(&id(1)).await.unwrap(),
        [scalar("a", 1.0), scalar("b", 2.0)]
    );
}

/// A read that is asked after a write was answered sees it, in every list.
pub async fn what_was_answered_can_be_read(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let mut tasks = JoinSet::new();
    for number in 1..=MANY {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let created = store.create_run(new_run(number), at(1)).await.unwrap().run;
            assert_eq!(store.run(&id(number)).await.unwrap(), created);
            let applied = store
                .apply(
                    &id(number),
                    Guard::Version(1),
                    vec![RunEventKind::Canceled],
                    at(2),
                )
                .await;
            assert_eq!(store.run(&id(number)).await.unwrap(), applied.unwrap().run);
            assert!(listed(&*store, here()).await.contains(&number));
            let active = store.active_runs().await.unwrap();
            assert!(active.iter().all(|run| run.id != id(number)));
            let unreleased = store.unreleased_runs().await.unwrap();
            assert!(unreleased.iter().any(|run| run.id == id(number)));
        });
    }
    tasks.join_all().await;
}
