//! Experiments: made by their first run, with the number of their runs.

use std::sync::Arc;

use outhaul_types::NewRun;
use outhaul_types::api::Experiment;

use super::fixture::{at, child, new_run, workspace};
use crate::{Store, StoreError};

fn experiment(name: &str, runs: u64, last: i64) -> Experiment {
    Experiment {
        name: name.into(),
        runs,
        last_run_at: Some(at(last)),
    }
}

/// By name, for each workspace apart; the newest run is the one that was submitted last.
pub async fn they_count_their_runs(store: Arc<dyn Store>) {
    workspace(&*store).await;
    store.put_workspace("w", Default::default(), at(0)).await.unwrap();
    for (number, workspace, name) in [
        (5, "default", "b"),
        (1, "default", "a"),
        (4, "default", "b"),
        (2, "w", "b"),
        (3, "default", "b"),
    ] {
        let new = NewRun {
            workspace: workspace.into(),
            experiment: name.into(),
            ..new_run(number)
        };
        store
            .create_run(new, at(i64::try_from(number).unwrap()))
            .await
            .unwrap();
    }
    let here = store.experiments("default").await.unwrap();
    assert_eq!(here, [experiment("a", 1, 1), experiment("b", 3, 3)]);
    assert_eq!(store.experiments("w").await.unwrap(), [experiment("b", 1, 2)]);
}

/// The count is what a list of the experiment's runs shows; a child's experiment is there all the same.
pub async fn children_are_not_counted(store: Arc<dyn Store>) {
    workspace(&*store).await;
    store.create_run(new_run(1), at(1)).await.unwrap();
    store.create_run(child(2, 1), at(2)).await.unwrap();
    store
        .create_run(
            NewRun {
                experiment: "of-child".into(),
                ..child(3, 1)
            },
            at(3),
        )
        .await
        .unwrap();
    let alone = Experiment {
        name: "of-child".into(),
        runs: 0,
        last_run_at: None,
    };
    assert_eq!(
        store.experiments("default").await.unwrap(),
        [experiment("e", 1, 1), alone]
    );
}

/// It is there before its first run, and making it again changes nothing.
pub async fn one_without_runs(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let empty = Experiment {
        name: "e".into(),
        runs: 0,
        last_run_at: None,
    };
    for _ in 0..2 {
        store.create_experiment("default", "e").await.unwrap();
        assert_eq!(
            store.experiments("default").await.unwrap(),
            std::slice::from_ref(&empty)
        );
    }
    store.create_run(new_run(1), at(1)).await.unwrap();
    store.create_experiment("default", "e").await.unwrap();
    assert_eq!(
        store.experiments("default").await.unwrap(),
        [experiment("e", 1, 1)]
    );
    assert!(store.create_experiment("nobody", "e").await.is_err());
}

/// An empty list would hide the mistake.
pub async fn of_an_unknown_workspace(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let error = store.experiments("nobody").await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::NotFound {
                what: "workspace",
                ..
            }
        ),
        "{error}"
    );
}
