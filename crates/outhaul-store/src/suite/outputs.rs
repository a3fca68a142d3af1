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

/// A new list takes the place of the old one, and each run has its own.
pub async fn they_are_replaced_and_sorted(store: Arc<dyn Store>) {
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
        .put_outputs(&id(1), vec![output("b", 2), output("a", 1)])
        .await
        .unwrap();
    assert_eq!(
        store.outputs(&id(1)).await.unwrap(),
        [output("a", 1), output("b", 2)]
    );
    assert_eq!(store.outputs(&id(2)).await.unwrap(), [output("outputs/z", 7)]);
    store.put_outputs(&id(1), vec![]).await.unwrap();
    assert_eq!(store.outputs(&id(1)).await.unwrap(), []);
}

/// Neither read nor written.
pub async fn of_an_unknown_run(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    for error in [
        store.outputs(&id(9)).await.unwrap_err(),
        store.put_outputs(&id(9), vec![output("a", 1)]).await.unwrap_err(),
    ] {
        assert!(
            matches!(error, StoreError::NotFound { what: "run", .. }),
            "{error}"
        );
    }
}
