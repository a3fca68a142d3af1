//! Documents of tracking protocols: kept as they are, apart by workspace, kind and id.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fixture::{at, workspace};
use crate::{Store, StoreError};

/// The last one that was put, whatever it holds.
pub async fn the_last_one_is_given_back(store: Arc<dyn Store>) {
    workspace(&*store).await;
    store.put_workspace("w", Default::default(), at(0)).await.unwrap();
    let get = |workspace: &'static str, kind: &'static str, id: &'static str| {
        let store = Arc::clone(&store);
        async move { store.document(workspace, kind, id).await.unwrap() }
    };
    let whole = json!({"name": "\u{1F680}", "list": [1, 0.1, null], "big": i64::MIN});
    for (workspace, kind, id, document) in [
        ("default", "model", "b", json!(1)),
        ("default", "model", "b", whole.clone()),
        ("default", "model", "a", Value::Null),
        ("default", "inputs", "b", json!([])),
        ("w", "model", "b", json!("w")),
    ] {
        store.put_document(workspace, kind, id, document).await.unwrap();
    }
    assert_eq!(get("default", "model", "b").await, Some(whole.clone()));
    assert_eq!(get("default", "inputs", "b").await, Some(json!([])));
    assert_eq!(get("w", "model", "b").await, Some(json!("w")));
    assert_eq!(get("default", "model", "c").await, None);
    let all = store.documents("default", "model").await.unwrap();
    assert_eq!(all, [("a".to_owned(), Value::Null), ("b".to_owned(), whole)]);
    assert_eq!(store.documents("w", "inputs").await.unwrap(), []);
}

/// A document needs its workspace.
pub async fn of_an_unknown_workspace(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let error = store
        .put_document("nobody", "k", "i", json!({}))
        .await
        .unwrap_err();
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
