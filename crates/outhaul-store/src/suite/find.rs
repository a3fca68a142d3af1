//! Naming a run by the beginning of its id.

use std::sync::Arc;

use outhaul_types::NewRun;

use super::fixture::{at, child, id, new_run, runs, workspace};
use crate::{Store, StoreError};

async fn with_ids(store: &dyn Store, ids: &[&str]) {
    workspace(store).await;
    for id in ids {
        store
            .create_run(
                NewRun {
                    id: id.parse().unwrap(),
                    ..new_run(1)
                },
                at(1),
            )
            .await
            .unwrap();
    }
}

/// From the first character that no other id shares.
pub async fn a_full_id_and_any_unique_prefix_name_a_run(store: Arc<dyn Store>) {
    let ids = [
        "k3v9x2m4q7t0b8wz",
        "k3v0000000000000",
        "zzzzzzzzzzzzzzzz",
        "z000000000000000",
    ];
    with_ids(&*store, &ids).await;
    for (prefix, found) in [
        ("k3v9", 0),
        ("k3v9x2m4", 0),
        ("k3v9x2m4q7t0b8wz", 0),
        ("k3v0", 1),
        ("zz", 2),
        ("zzzzzzzzzzzzzzzz", 2),
        ("z0", 3),
    ] {
        assert_eq!(
            store.find_run(prefix).await.unwrap().id.as_str(),
            ids[found],
            "{prefix}"
        );
    }
}

/// A prefix of several names them instead of choosing one.
pub async fn a_prefix_of_several_is_ambiguous(store: Arc<dyn Store>) {
    with_ids(
        &*store,
        &["k3v9x2m4q7t0b8wz", "k3v0000000000000", "zzzzzzzzzzzzzzzz"],
    )
    .await;
    for text in ["k", "k3", "k3v"] {
        let error = store.find_run(text).await.unwrap_err();
        let StoreError::Ambiguous { prefix, matches } = error else {
            panic!("{error}")
        };
        assert_eq!(prefix, text);
        assert_eq!(matches, ["k3v0000000000000", "k3v9x2m4q7t0b8wz"]);
    }
}

/// A list of hundreds of ids helps nobody.
pub async fn an_ambiguous_prefix_names_only_some(store: Arc<dyn Store>) {
    runs(&*store, 30).await;
    let error = store.find_run("0").await.unwrap_err();
    let StoreError::Ambiguous { matches, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(matches.len(), crate::rules::AMBIGUOUS_SHOWN);
}

/// Patterns, paths and whatever else people type find nothing rather than anything.
pub async fn texts_that_are_no_prefix_are_not_found(store: Arc<dyn Store>) {
    with_ids(&*store, &["k3v9x2m4q7t0b8wz"]).await;
    let texts = [
        "",
        "%",
        "_",
        "k%",
        "k_v",
        "k*",
        "?",
        "K3V9",
        "k3v9x2m4q7t0b8wz0",
        "'",
        "../k",
        "k3v9 ",
        "\0",
        "é",
        "b",
        "{",
        "z",
    ];
    for text in texts {
        let error = store.find_run(text).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::NotFound { what: "run", name } if name == text),
            "{text:?}: {error}"
        );
    }
}

/// A child run has an id like any other.
pub async fn children_are_found_too(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    store.create_run(child(2, 1), at(2)).await.unwrap();
    let found = store.find_run(id(2).as_str()).await.unwrap();
    assert_eq!((found.id, found.parent, found.spec), (id(2), Some(id(1)), None));
}
