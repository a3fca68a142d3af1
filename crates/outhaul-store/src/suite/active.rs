//! What a starting server takes up again: runs that have not ended, and runs that left something on their target.

use std::sync::Arc;

use outhaul_types::{NewRun, Run, RunEventKind};

use super::fixture::{at, child, finish, id, new_run, numbers, runs, workspace};
use crate::{Guard, Store};

async fn both(store: &dyn Store) -> (Vec<u64>, Vec<u64>) {
    (
        numbers(&store.active_runs().await.unwrap()),
        numbers(&store.unreleased_runs().await.unwrap()),
    )
}

/// Until the last event of their life.
pub async fn runs_that_have_not_ended_oldest_first(store: Arc<dyn Store>) {
    assert_eq!(both(&*store).await, (vec![], vec![]));
    runs(&*store, 4).await;
    assert_eq!(both(&*store).await.0, [1, 2, 3, 4]);
    finish(&*store, 2, 0).await;
    let asked = RunEventKind::CancelRequested {
        reason: outhaul_types::CancelReason::User,
    };
    store
        .apply(&id(3), Guard::Any, vec![asked], at(200))
        .await
        .unwrap();
    assert_eq!(both(&*store).await.0, [1, 3, 4]);
    // They are whole: with spec and version.
    let active: Vec<Run> = store.active_runs().await.unwrap();
    assert_eq!(active[1], store.run(&id(3)).await.unwrap());
    assert!(active[1].spec.is_some());
}

/// Between the end and the release.
pub async fn runs_that_have_ended_and_are_not_released(store: Arc<dyn Store>) {
    runs(&*store, 4).await;
    for (number, code) in [(3, 0), (1, 1), (2, 0)] {
        finish(&*store, number, code).await;
    }
    assert_eq!(both(&*store).await, (vec![4], vec![1, 2, 3]));
    store.mark_released(&id(2)).await.unwrap();
    assert_eq!(both(&*store).await, (vec![4], vec![1, 3]));
    assert_eq!(
        store.unreleased_runs().await.unwrap()[0],
        store.run(&id(1)).await.unwrap()
    );
}

/// Nobody takes up a child run: its parent's script plays it.
pub async fn children_are_in_neither(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    for number in [2, 3] {
        store.create_run(child(number, 1), at(2)).await.unwrap();
    }
    store
        .apply(&id(3), Guard::Any, vec![RunEventKind::Completed], at(3))
        .await
        .unwrap();
    assert_eq!(both(&*store).await, (vec![1], vec![]));
}

/// A release that is marked twice counts once; one that is marked early counts at the end. It is no event.
pub async fn releasing_twice_or_early_is_harmless(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    store.mark_released(&id(1)).await.unwrap();
    assert_eq!(both(&*store).await, (vec![1], vec![]));
    finish(&*store, 1, 0).await;
    store.mark_released(&id(1)).await.unwrap();
    assert_eq!(both(&*store).await, (vec![], vec![]));
    assert_eq!(store.run(&id(1)).await.unwrap().version, 9);
}

/// What keeps a target from being detached: as the list of all that have not ended, for one name.
pub async fn those_of_one_target(store: Arc<dyn Store>) {
    workspace(&*store).await;
    for (number, target) in [
        (1, "gpu"),
        (2, "local"),
        (3, "gpu"),
        (4, "GPU"),
        (5, "gpu"),
        (6, "gpu"),
    ] {
        let new = NewRun {
            target: target.into(),
            ..new_run(number)
        };
        store.create_run(new, at(1)).await.unwrap();
    }
    let inner = NewRun {
        target: "gpu".into(),
        ..child(7, 1)
    };
    store.create_run(inner, at(2)).await.unwrap();
    finish(&*store, 3, 0).await;
    finish(&*store, 5, 1).await;
    for (target, expected) in [
        ("gpu", &[1, 6][..]),
        ("local", &[2]),
        ("GPU", &[4]),
        ("", &[]),
        ("gp_", &[]),
    ] {
        let found = store.active_runs_of(target).await.unwrap();
        assert_eq!(numbers(&found), expected, "{target}");
    }
    // They are whole: with spec and version.
    assert_eq!(
        store.active_runs_of("gpu").await.unwrap()[0],
        store.run(&id(1)).await.unwrap()
    );
}
