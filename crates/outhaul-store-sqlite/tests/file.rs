//! The file: who may read it, which files are refused and stay as they are, what survives closing, and a full disk.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by a panic")]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::{id, new_run};
use jiff::Timestamp;
use outhaul_store::{Guard, Store, StoreError};
use outhaul_store_sqlite::{SCHEMA_VERSION, SqliteStore};
use outhaul_types::{NewRun, RunEventKind};
use rusqlite::Connection;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outhaul.db");
    (folder, path)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn with_runs(store: &SqliteStore, count: u64) {
    store
        .put_workspace("default", Default::default(), NOW)
        .await
        .unwrap();
    for number in 1..=count {
        store.create_run(new_run(number), NOW).await.unwrap();
    }
}

fn integrity(path: &Path) -> String {
    let connection = Connection::open(path).unwrap();
    connection
        .query_row("PRAGMA integrity_check", (), |row| row.get(0))
        .unwrap()
}

#[tokio::test]
async fn only_the_owner_may_read_the_database_and_the_files_beside_it() {
    let (folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    with_runs(&store, 1).await;
    assert_eq!(
        names(folder.path()),
        ["outhaul.db", "outhaul.db-shm", "outhaul.db-wal"]
    );
    for name in names(folder.path()) {
        let mode = std::fs::metadata(folder.path().join(&name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_file_that_others_could_read_is_closed_to_them() {
    let (_folder, path) = folder();
    drop(SqliteStore::open(&path).unwrap());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let _store = SqliteStore::open(&path).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn everything_is_there_when_the_file_is_opened_again_and_nothing_lies_beside_it() {
    let (folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    with_runs(&store, 3).await;
    let applied = store
        .apply(&id(2), Guard::Version(1), vec![RunEventKind::Queued], NOW)
        .await
        .unwrap();
    drop(store);
    assert_eq!(names(folder.path()), ["outhaul.db"]);

    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.run(&id(2)).await.unwrap(), applied.run);
    assert_eq!(store.events(&id(2), 1).await.unwrap(), applied.events);
    assert_eq!(store.active_runs().await.unwrap().len(), 3);
    assert!(store.workspaces().await.unwrap()[0].current);
    // The order of submission goes on where it was.
    store.create_run(new_run(0), NOW).await.unwrap();
    assert_eq!(store.list_runs(&Default::default()).await.unwrap()[0].id, id(0));
}

/// Writes whose callers have gone away are done before the store is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_wait_are_done_before_the_store_is_dropped() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    with_runs(&store, 0).await;
    let mut waiting: Vec<_> = (1..=200)
        .map(|number| Box::pin(store.create_run(new_run(number), NOW)))
        .collect();
    for write in &mut waiting {
        // Asked once, so that it is sent, and then forgotten.
        let _ = std::future::poll_fn(|context| std::task::Poll::Ready(write.as_mut().poll(context))).await;
    }
    drop(waiting);
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.active_runs().await.unwrap().len(), 200);
}

#[test]
fn a_newer_database_is_refused_and_stays_as_it_is() {
    let (folder, path) = folder();
    drop(SqliteStore::open(&path).unwrap());
    let newer = Connection::open(&path).unwrap();
    newer
        .pragma_update(None, "user_version", SCHEMA_VERSION + 1)
        .unwrap();
    newer.execute_batch("CREATE TABLE later (x)").unwrap();
    drop(newer);
    let before = std::fs::read(&path).unwrap();
    let Err(error) = SqliteStore::open(&path) else {
        panic!("it was opened")
    };
    assert!(matches!(error, StoreError::NewerVersion { found, known }
        if (found, known) == (SCHEMA_VERSION + 1, SCHEMA_VERSION)));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(names(folder.path()), ["outhaul.db"]);
}

/// The newer version is only in the write-ahead log, as a killed process leaves it.
#[test]
fn a_newer_database_that_was_not_closed_stays_as_it_is() {
    let (_folder, path) = folder();
    drop(SqliteStore::open(&path).unwrap());
    let (_other, copy) = folder();
    let newer = Connection::open(&path).unwrap();
    newer
        .pragma_update(None, "user_version", SCHEMA_VERSION + 1)
        .unwrap();
    let beside = |path: &Path, end: &str| PathBuf::from(format!("{}{end}", path.display()));
    for end in ["", "-wal"] {
        std::fs::copy(beside(&path, end), beside(&copy, end)).unwrap();
    }
    let read = || ["", "-wal"].map(|end| std::fs::read(beside(&copy, end)).unwrap());
    let before = read();
    let Err(error) = SqliteStore::open(&copy) else {
        panic!("it was opened")
    };
    assert!(matches!(error, StoreError::NewerVersion { .. }), "{error}");
    assert!(read() == before);
}

#[test]
fn a_file_that_is_no_database_is_refused_by_name_and_stays_as_it_is() {
    for content in [&b"x"[..], b"SQLite format 3\0", b"a text that is long enough to look like a header, surely, of a hundred bytes or more: it is not one"] {
        let (folder, path) = folder();
        std::fs::write(&path, content).unwrap();
        let Err(error) = SqliteStore::open(&path) else { panic!("it was opened") };
        let text = error.to_string();
        assert!(matches!(error, StoreError::Backend(_)));
        assert!(text.contains("outhaul.db") && text.contains("not a database"), "{text}");
        assert_eq!(std::fs::read(&path).unwrap(), content);
        assert_eq!(names(folder.path()), ["outhaul.db"]);
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let (folder, _) = folder();
    let Err(error) = SqliteStore::open(&folder.path().join("missing/outhaul.db")) else {
        panic!("it was opened")
    };
    assert!(error.to_string().contains("missing/outhaul.db"), "{error}");
}

#[tokio::test]
async fn the_event_log_cannot_be_rewritten_in_the_database() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    with_runs(&store, 1).await;
    let other = Connection::open(&path).unwrap();
    for sql in ["UPDATE events SET at = 0", "DELETE FROM events"] {
        let error = other.execute(sql, ()).unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    assert_eq!(store.events(&id(1), 0).await.unwrap().len(), 1);
}

/// A record of a format that a later version writes is not misread.
#[tokio::test]
async fn a_record_of_a_newer_format_is_refused() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    with_runs(&store, 2).await;
    let other = Connection::open(&path).unwrap();
    other
        .execute("UPDATE run_records SET format = 99 WHERE run = 1", ())
        .unwrap();
    assert!(matches!(
        store.run(&id(1)).await,
        Err(StoreError::NewerVersion { found: 99, .. })
    ));
    let applied = store
        .apply(&id(1), Guard::Any, vec![RunEventKind::Queued], NOW)
        .await;
    assert!(matches!(applied, Err(StoreError::NewerVersion { found: 99, .. })));
    assert!(store.run(&id(2)).await.is_ok());
}

/// The full disk refuses what needs room, says so, and loses nothing; when there is room again all goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_and_loses_nothing() {
    let (_folder, path) = folder();
    let store = std::sync::Arc::new(SqliteStore::open(&path).unwrap());
    with_runs(&store, 5).await;
    store.limit_pages(1).await.unwrap();

    let mut tasks = tokio::task::JoinSet::new();
    for number in 100..200 {
        let store = std::sync::Arc::clone(&store);
        let large = NewRun {
            name: "x".repeat(20_000),
            ..new_run(number)
        };
        tasks.spawn(async move { (number, store.create_run(large, NOW).await) });
    }
    let mut kept = vec![1, 2, 3, 4, 5];
    for (number, answer) in tasks.join_all().await {
        match answer {
            Ok(_) => kept.push(number),
            Err(StoreError::DiskFull(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert!(kept.len() < 50, "the limit did nothing");
    // Each write that was answered with success is there, and no other.
    for number in (1..=5).chain(100..200) {
        assert_eq!(
            store.run(&id(number)).await.is_ok(),
            kept.contains(&number),
            "{number}"
        );
    }

    store.limit_pages(1_000_000).await.unwrap();
    store.create_run(new_run(300), NOW).await.unwrap();
    store
        .apply(&id(1), Guard::Version(1), vec![RunEventKind::Queued], NOW)
        .await
        .unwrap();
    drop(store);
    assert_eq!(integrity(&path), "ok");
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.active_runs().await.unwrap().len(), kept.len() + 1);
}
