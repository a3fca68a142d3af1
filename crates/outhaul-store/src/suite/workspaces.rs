//! Workspaces: which there are, which is current, and their settings.

use std::sync::Arc;

use outhaul_types::{CondaMode, WorkspaceSettings};

use super::fixture::at;
use crate::{Store, StoreError};

/// A fresh store has no workspace.
pub async fn there_are_none_at_first(store: Arc<dyn Store>) {
    assert_eq!(store.workspaces().await.unwrap(), []);
}

/// The first workspace that is made is the current one; later ones are not. They are listed by name.
pub async fn the_first_is_current(store: Arc<dyn Store>) {
    for (name, current) in [("m", true), ("z", false), ("a", false)] {
        let made = store
            .put_workspace(name, WorkspaceSettings::default(), at(1))
            .await
            .unwrap();
        assert_eq!(
            (made.name.as_str(), made.current, made.created_at),
            (name, current, at(1))
        );
    }
    let all = store.workspaces().await.unwrap();
    let all: Vec<_> = all
        .iter()
        .map(|workspace| (workspace.name.as_str(), workspace.current))
        .collect();
    assert_eq!(all, [("a", false), ("m", true), ("z", false)]);
}

/// Using a workspace makes it, and no other, the current one; using it again is harmless.
pub async fn use_changes_the_current_one(store: Arc<dyn Store>) {
    for name in ["a", "b", "c"] {
        store
            .put_workspace(name, WorkspaceSettings::default(), at(1))
            .await
            .unwrap();
    }
    for name in ["b", "b", "c"] {
        assert!(store.use_workspace(name).await.unwrap().current);
        let all = store.workspaces().await.unwrap();
        let current: Vec<_> = all.iter().filter(|workspace| workspace.current).collect();
        assert_eq!(current.len(), 1);
        assert_eq!(current[0].name, name);
    }
}

/// Making a workspace again changes its settings and nothing else.
pub async fn settings_change_and_the_rest_stays(store: Arc<dyn Store>) {
    let settings = |conda| WorkspaceSettings { conda };
    store
        .put_workspace("a", settings(CondaMode::Refuse), at(1))
        .await
        .unwrap();
    store
        .put_workspace("b", settings(CondaMode::Refuse), at(2))
        .await
        .unwrap();
    let changed = store
        .put_workspace("b", settings(CondaMode::Pypi), at(3))
        .await
        .unwrap();
    assert_eq!(
        (changed.settings.conda, changed.created_at, changed.current),
        (CondaMode::Pypi, at(2), false)
    );
    let all = store.workspaces().await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].settings.conda, all[0].current), (CondaMode::Refuse, true));
    assert_eq!(all[1], changed);
}

/// A workspace that is not there cannot be used, and the current one stays.
pub async fn an_unknown_one_is_not_used(store: Arc<dyn Store>) {
    store
        .put_workspace("a", WorkspaceSettings::default(), at(1))
        .await
        .unwrap();
    let error = store.use_workspace("b").await.unwrap_err();
    assert!(
        matches!(&error, StoreError::NotFound { what: "workspace", name } if name == "b"),
        "{error}"
    );
    assert!(store.workspaces().await.unwrap()[0].current);
}
