//! Registered environments with their versions, and locks.

use std::sync::Arc;

use outhaul_types::{EnvironmentSpec, Lock, WorkspaceSettings};

use super::fixture::{at, workspace};
use crate::{Store, StoreError};

fn spec(package: &str) -> EnvironmentSpec {
    EnvironmentSpec {
        pip: vec![package.into()],
        ..EnvironmentSpec::default()
    }
}

/// An equal spec is the version that is there; going back to an older spec is a new version.
pub async fn a_new_spec_is_a_new_version(store: Arc<dyn Store>) {
    workspace(&*store).await;
    for (second, package, version, since) in [
        (1, "numpy", 1, 1),
        (2, "numpy", 1, 1),
        (3, "scipy", 2, 3),
        (4, "scipy", 2, 3),
        (5, "numpy", 3, 5),
    ] {
        let found = store
            .register_environment("default", "e", spec(package), at(second))
            .await
            .unwrap();
        assert_eq!(
            (found.name.as_str(), found.version, found.created_at),
            ("e", version, at(since))
        );
        assert_eq!(found.spec, spec(package));
    }
}

/// By version, the newest without one, and the newest of each in the list.
pub async fn versions_are_found(store: Arc<dyn Store>) {
    workspace(&*store).await;
    assert_eq!(store.environments("default").await.unwrap(), []);
    // More than nine: 10 is newer than 9.
    for version in 1..=11 {
        let registered = store
            .register_environment("default", "e", spec(&format!("p{version}")), at(version))
            .await
            .unwrap();
        assert_eq!(i64::from(registered.version), version);
    }
    let other = store
        .register_environment("default", "d", spec("x"), at(1))
        .await
        .unwrap();
    for (asked, package) in [(Some(1), "p1"), (Some(9), "p9"), (Some(11), "p11"), (None, "p11")] {
        let found = store.environment("default", "e", asked).await.unwrap();
        assert_eq!(found.spec, spec(package), "{asked:?}");
    }
    let newest = store.environment("default", "e", None).await.unwrap();
    assert_eq!(store.environments("default").await.unwrap(), [other, newest]);
    for (name, version, named) in [("e", Some(12), "e:12"), ("e", Some(0), "e:0"), ("f", None, "f")] {
        let error = store.environment("default", name, version).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::NotFound { what: "environment", name } if name == named),
            "{error}"
        );
    }
}

/// The same name in two workspaces names two environments.
pub async fn they_belong_to_their_workspace(store: Arc<dyn Store>) {
    workspace(&*store).await;
    store
        .put_workspace("w", WorkspaceSettings::default(), at(0))
        .await
        .unwrap();
    store
        .register_environment("default", "e", spec("a"), at(1))
        .await
        .unwrap();
    store
        .register_environment("default", "e", spec("b"), at(1))
        .await
        .unwrap();
    assert!(store.environment("w", "e", None).await.is_err());
    let other = store
        .register_environment("w", "e", spec("b"), at(1))
        .await
        .unwrap();
    assert_eq!(other.version, 1);
    assert_eq!(store.environments("w").await.unwrap(), [other]);
}

/// Nothing is registered where there is no workspace.
pub async fn an_unknown_workspace_is_refused(store: Arc<dyn Store>) {
    let register = store
        .register_environment("nobody", "e", spec("a"), at(1))
        .await
        .unwrap_err();
    let list = store.environments("nobody").await.unwrap_err();
    for error in [register, list] {
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
    store
        .put_workspace("nobody", WorkspaceSettings::default(), at(0))
        .await
        .unwrap();
    assert_eq!(store.environments("nobody").await.unwrap(), []);
}

/// A lock never changes: whoever built from it has built from the first.
pub async fn the_first_lock_stays(store: Arc<dyn Store>) {
    // From JSON, so that it is complete whatever optional parts a lock has.
    let lock = |python: &str| -> Lock {
        let value = serde_json::json!({
            "version": 1,
            "spec_id": "spec",
            "python_version": python,
            "platform": "linux-x86_64",
            "tool": "uv",
            "requirements": "numpy==2.0 --hash=sha256:00\n".repeat(1000),
        });
        serde_json::from_value(value).unwrap()
    };
    let error = store.lock("env").await.unwrap_err();
    assert!(
        matches!(&error, StoreError::NotFound { name, .. } if name == "env"),
        "{error}"
    );
    for python in ["3.11.7", "3.11.7", "3.12.0"] {
        store.put_lock("env", lock(python)).await.unwrap();
        assert_eq!(store.lock("env").await.unwrap(), lock("3.11.7"));
    }
    store.put_lock("other", lock("3.12.0")).await.unwrap();
    assert_eq!(store.lock("other").await.unwrap(), lock("3.12.0"));
}
