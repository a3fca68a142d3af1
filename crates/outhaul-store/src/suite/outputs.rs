//! The list of a run's outputs.

use std::sync::Arc;

use outhaul_types::api::Output;

use super::fixture::{id, runs};
use crate::{Store, StoreError};

fn output(path: &str, size: u64) -> Output {
    Output {
        path: path.into(),
        size,
        hash: format!("hash of {path}"),
    }
}

/// One takes the place of that with its path, the others stay, and each run has its own.
pub async fn they_add_up_and_are_sorted(store: Arc<dyn Store>) {
    runs(&*store, 2).await;
    assert_eq!(store.outputs(&id(1)).await.unwrap(), []);
    let first = vec![
        output("outputs/z", 1),
        output("logs/a", 1 << 40),
        output("outputs/B", 0),
        output("é", 3),
    ];
    store.put_outputs(&id(1), first).await.unwrap();
    store
        .put_outputs(&id(2), vec![output("outputs/z", 7)])
        .await
        .unwrap();
    let found = store.outputs(&id(1)).await.unwrap();
    assert_eq!(
        found,
        [
            output("logs/a", 1 << 40),
            output("outputs/B", 0),
            output("outputs/z", 1),
            output("é", 3)
        ]
    );
    store
        .put_outputs(&id(1), vec![output("outputs/z", 2), output("a", 1)])
        .await
        .unwrap();
    store.put_outputs(&id(1), vec![]).await.unwrap();
    assert_eq!(
        store.outputs(&id(1)).await.unwrap(),
        [
            output("a", 1),
            output("logs/a", 1 << 40),
            output("outputs/B", 0),
            output("outputs/z", 2),
            output("é", 3)
        ]
    );
    assert_eq!(store.outputs(&id(2)).await.unwrap(), [output("outputs/z", 7)]);
}

/// Only those that are named, of that run.
pub async fn they_are_removed_by_path(store: Arc<dyn Store>) {
    runs(&*store, 2).await;
    for number in [1, 2] {
        let list = vec![output("a", 1), output("A", 2), output("a/b", 3)];
        store.put_outputs(&id(number), list).await.unwrap();
    }
    let paths = vec!["a".to_owned(), "none".to_owned()];
    store.remove_outputs(&id(1), paths).await.unwrap();
    let left = store.outputs(&id(1)).await.unwrap();
    assert_eq!(left, [output("A", 2), output("a/b", 3)]);
    assert_eq!(store.outputs(&id(2)).await.unwrap().len(), 3);
}

/// Neither read nor written.
pub async fn of_an_unknown_run(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    for error in [
        store.outputs(&id(9)).await.unwrap_err(),
        store.put_outputs(&id(9), vec![output("a", 1)]).await.unwrap_err(),
        store.remove_outputs(&id(9), vec!["a".into()]).await.unwrap_err(),
    ] {
        assert!(
            matches!(error, StoreError::NotFound { what: "run", .. }),
            "{error}"
        );
    }
}
