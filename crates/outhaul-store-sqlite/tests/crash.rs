//! A process that writes and is killed at any moment: what it was answered is there when the file is opened again.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests fail by a panic, and results are printed"
)]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use common::{id, new_run};
use jiff::Timestamp;
use outhaul_store::{Guard, MetricBatch, Store};
use outhaul_store_sqlite::SqliteStore;
use outhaul_types::{MetricKind, MetricValue, RunEventKind};

const FILE: &str = "OUTHAUL_TEST_STORE";
const FIRST: &str = "OUTHAUL_TEST_FIRST";
const WRITERS: u64 = 4;

/// Writes without end and tells each write that was answered, one line each. It is started, and killed, by the
/// test below.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the test that kills it"]
async fn write_until_killed() {
    let path = PathBuf::from(std::env::var_os(FILE).unwrap());
    let first: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    store
        .put_workspace("default", Default::default(), Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for number in (first + writer..).step_by(WRITERS as usize) {
                write(&store, number).await;
            }
        });
    }
    tasks.join_all().await;
}

async fn write(store: &SqliteStore, number: u64) {
    let at = Timestamp::UNIX_EPOCH;
    store.create_run(new_run(number), at).await.unwrap();
    println!("\nack run {number} 1");
    for version in 1..5 {
        let event = RunEventKind::Note {
            message: "x".repeat(number as usize % 5 * 1000),
        };
        store
            .apply(&id(number), Guard::Version(version), vec![event], at)
            .await
            .unwrap();
        println!("\nack run {number} {}", version + 1);
        let value = MetricValue {
            name: "a".into(),
            kind: MetricKind::Scalar,
            value: version.into(),
            step: None,
            time: 0.0,
        };
        let batch = MetricBatch {
            from: version - 1,
            to: version,
            values: vec![(id(number), value)],
        };
        store.add_metrics(&id(number), batch).await.unwrap();
        println!("\nack metrics {number} {version}");
    }
}

/// Starts the writer, kills it after that many answers, and adds what it was answered: version and metrics by run.
fn write_and_kill(path: &Path, first: u64, answers: usize, told: &mut BTreeMap<u64, (u64, u64)>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "write_until_killed", "--ignored", "--nocapture"])
        .env(FILE, path)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        let words: Vec<_> = line.split(' ').collect();
        let ["ack", kind, number, count] = words[..] else {
            continue;
        };
        // The line that the kill cut short may lack digits of its number, which only makes it smaller.
        let (Ok(number), Ok(count)) = (number.parse(), count.parse::<u64>()) else {
            continue;
        };
        let entry: &mut (u64, u64) = told.entry(number).or_default();
        let part = if kind == "run" { &mut entry.0 } else { &mut entry.1 };
        *part = count.max(*part);
        seen += 1;
        if seen == answers {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(seen >= answers, "the writer ended by itself after {seen} answers");
}

#[tokio::test]
async fn what_was_answered_survives_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outhaul.db");
    let mut told = BTreeMap::new();
    for (round, answers) in [1, 2, 7, 40, 133, 290, 3, 611].into_iter().enumerate() {
        write_and_kill(&path, 1_000_000 * (round as u64 + 1), answers, &mut told);

        let store = SqliteStore::open(&path).unwrap();
        for (number, (version, metrics)) in &told {
            let run = store.run(&id(*number)).await.unwrap();
            assert!(run.version >= *version, "{number}: {} < {version}", run.version);
            assert_eq!(
                store.events(&id(*number), 0).await.unwrap().len() as u64,
                run.version
            );
            let kept = store.metrics(&id(*number)).await.unwrap().len() as u64;
            assert!(kept >= *metrics, "{number}: {kept} < {metrics}");
            assert_eq!(store.ingested_metrics(&id(*number)).await.unwrap().bytes, kept);
        }
        drop(store);
        let connection = rusqlite::Connection::open(&path).unwrap();
        let integrity: String = connection
            .query_row("PRAGMA integrity_check", (), |row| row.get(0))
            .unwrap();
        assert_eq!(integrity, "ok");
        let broken = connection
            .prepare("PRAGMA foreign_key_check")
            .unwrap()
            .exists(())
            .unwrap();
        assert!(!broken);
    }
}
