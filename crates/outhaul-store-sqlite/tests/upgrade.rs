//! Data that earlier versions wrote: it opens, all of it is there, and it takes what is new.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by a panic")]

use outhaul_store::{Store, rules};
use outhaul_store_sqlite::{SCHEMA_VERSION, SqliteStore};
use outhaul_types::{ComputeTarget, NewModel, RunState};
use rusqlite::Connection;

#[tokio::test]
async fn data_of_version_1_opens_and_takes_targets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outhaul.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../migrations/0001_initial.sql"))
        .unwrap();
    old.execute_batch(include_str!("version_1.sql")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);

    // Twice: what was migrated opens as well.
    for round in 0..2 {
        let store = SqliteStore::open(&path).unwrap();
        let ids = ["0000000000000001", "0000000000000002"].map(|id| id.parse().unwrap());
        let first = store.run(&ids[0]).await.unwrap();
        assert_eq!((first.state, first.tags["k"].as_str()), (RunState::Queued, "v"));
        assert_eq!(store.run(&ids[1]).await.unwrap().state, RunState::Canceled);
        assert_eq!(store.events(&ids[0], 0).await.unwrap().len(), 3);
        assert_eq!(store.metrics(&ids[0]).await.unwrap().len(), 1);
        assert_eq!(store.outputs(&ids[1]).await.unwrap().len(), 1);
        assert_eq!(store.experiments("default").await.unwrap()[0].runs, 2);
        assert_eq!(store.environments("default").await.unwrap().len(), 1);
        // The new index covers the old runs.
        assert_eq!(store.active_runs_of("local").await.unwrap(), [first]);
        assert_eq!(store.targets().await.unwrap().len(), round);
        if round == 0 {
            store.create_target(target()).await.unwrap();
            store.put_secret("1", vec![7]).await.unwrap();
            store
                .register_model(model(), jiff::Timestamp::UNIX_EPOCH)
                .await
                .unwrap();
        }
        let found = store.model("default", "churn", None).await.unwrap();
        assert_eq!((found.version, found.files), (1, model().files));
        assert_eq!(store.target("gpu").await.unwrap(), target());
        assert_eq!(store.secret("1").await.unwrap(), Some(vec![7]));
    }
    let version = Connection::open(&path)
        .unwrap()
        .query_row("PRAGMA user_version", (), |row| row.get::<_, i64>(0))
        .unwrap();
    assert_eq!(version, SCHEMA_VERSION);
}

/// What was logged before the newest numbers were kept apart has them after the upgrade, by the same rule.
#[tokio::test]
async fn the_newest_numbers_of_version_3_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outhaul.db");
    let old = Connection::open(&path).unwrap();
    for sql in [
        include_str!("../migrations/0001_initial.sql"),
        include_str!("../migrations/0002_targets.sql"),
        include_str!("../migrations/0003_tracking.sql"),
        include_str!("version_1.sql"),
    ] {
        old.execute_batch(sql).unwrap();
    }
    old.execute_batch("BEGIN").unwrap();
    let values = [
        "1",
        "2.5",
        "-1e300",
        "\"NaN\"",
        "\"Infinity\"",
        "\"-Infinity\"",
        "true",
        "false",
        "\"red\"",
        "null",
    ];
    let mut position = 100;
    let mut add = |run: i64, name: &str, kind: &str, value: &str, step: Option<i64>, time: Option<f64>| {
        position += 1;
        let sql =
            "INSERT INTO metrics (run, position, name, kind, value, step, time) VALUES (?, ?, ?, ?, ?, ?, ?)";
        old.execute(
            sql,
            rusqlite::params![run, position, name, kind, value, step, time],
        )
        .unwrap();
    };
    for (number, value) in (0..).zip(values) {
        add(1, &format!("only {number}"), "scalar", value, None, Some(1.0));
        for (other, second) in (0..).zip(values) {
            // The two differ in their value only, or the first has the higher step, the later time, or no time.
            let name = |how: &str| format!("{number} {how} {other}");
            for (how, step, time) in [
                ("value", Some(0), Some(1.0)),
                ("step", Some(1), Some(0.0)),
                ("time", None, Some(2.0)),
                ("no time", None, None),
            ] {
                add(1, &name(how), "scalar", value, step, time);
                add(1, &name(how), "scalar", second, None, Some(1.0));
            }
        }
    }
    add(1, "list", "list", "[1]", None, Some(1.0));
    add(2, "list", "scalar", "3", Some(-7), Some(1.0));
    add(2, "list", "list", "[1]", Some(8), Some(1.0));
    old.execute_batch("COMMIT").unwrap();
    old.pragma_update(None, "user_version", 3).unwrap();
    drop(old);

    let store = SqliteStore::open(&path).unwrap();
    let mut found = 0;
    for id in ["0000000000000001", "0000000000000002"].map(|id| id.parse().unwrap()) {
        let all = store.metrics(&id).await.unwrap();
        let by_rule: Vec<_> = rules::newest(&all).into_values().collect();
        let newest = store.newest_metrics(&id).await.unwrap();
        assert_eq!(format!("{newest:?}"), format!("{by_rule:?}"));
        found += newest.len();
    }
    assert!(found > 350, "{found}");
}

/// A later version may write fields that this one does not know, without a new number.
#[tokio::test]
async fn a_target_with_unknown_fields_is_read_and_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outhaul.db");
    let store = SqliteStore::open(&path).unwrap();
    store.create_target(target()).await.unwrap();
    let later = "UPDATE targets SET target = json_set(target, '$.later', 1, '$.config.later', json('{}'),
                 '$.config.endpoint.later', NULL)";
    assert_eq!(Connection::open(&path).unwrap().execute(later, ()).unwrap(), 1);
    assert_eq!(store.targets().await.unwrap(), [target()]);
    store.put_target(target()).await.unwrap();
    assert_eq!(store.target("gpu").await.unwrap(), target());
}

fn model() -> NewModel {
    let value = serde_json::json!({
        "id": "0000000000000003", "workspace": "default", "name": "churn",
        "files": { "tree": "t", "entry": "model.pkl", "files": 1, "bytes": 7 },
        "origin": { "kind": "run", "run": "0000000000000002", "experiment": "diabetes", "path": "outputs/m" },
    });
    serde_json::from_value(value).unwrap()
}

fn target() -> ComputeTarget {
    let value = serde_json::json!({
        "name": "gpu", "id": "1", "state": "Succeeded", "created_at": "2026-11-25T00:00:00Z",
        "config": {
            "kind": "remote", "endpoint": { "address": "h", "port": 22, "username": "u" },
            "authentication": { "kind": "password" },
        },
    });
    serde_json::from_value(value).unwrap()
}
