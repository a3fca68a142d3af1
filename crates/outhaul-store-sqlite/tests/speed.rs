//! How fast the store is. Run with `cargo test --release -p outhaul-store-sqlite --test speed -- --ignored --nocapture`.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by a panic")]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{id, new_run};
use jiff::Timestamp;
use outhaul_store::{Guard, Store};
use outhaul_store_sqlite::SqliteStore;
use outhaul_types::api::RunFilter;
use outhaul_types::{Exit, RunEventKind};

/// Processor time of this process so far, all threads.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap()
        .to_owned()
}

async fn life(store: &SqliteStore, number: u64) {
    let id = id(number);
    store.create_run(new_run(number), Timestamp::now()).await.unwrap();
    let steps = [
        RunEventKind::Queued,
        RunEventKind::Preparing,
        RunEventKind::EnvironmentReady {
            environment_id: "0123456789abcdef".repeat(4),
        },
        RunEventKind::LaunchIntended {
            attempt: 1,
            run_key: id.key(1),
        },
        RunEventKind::Launched {
            native_id: "4711".into(),
        },
        RunEventKind::Running,
        RunEventKind::Exited {
            exit: Exit::Code { code: 0 },
            ran_ms: Some(1),
        },
        RunEventKind::Completed,
    ];
    for (version, event) in (1..).zip(steps) {
        store
            .apply(&id, Guard::Version(version), vec![event], Timestamp::now())
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; needs a release build and a quiet machine"]
async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("outhaul.db")).unwrap());
    store
        .put_workspace("default", Default::default(), Timestamp::now())
        .await
        .unwrap();

    println!("just opened: {}", memory());

    let (wall, cpu) = (Instant::now(), processor());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..500 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { life(&store, number).await });
    }
    tasks.join_all().await;
    println!(
        "500 lives of 9 writes at once: {:?}, processor {:?}",
        wall.elapsed(),
        processor() - cpu
    );

    println!("after the lives: {}", memory());
    let wall = Instant::now();
    life(&store, 500).await;
    println!("one life of 9 writes alone: {:?}", wall.elapsed());

    let (wall, cpu) = (Instant::now(), processor());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 501..10_000 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.create_run(new_run(number), Timestamp::now()).await.unwrap() });
    }
    tasks.join_all().await;
    println!(
        "9499 creations at once: {:?}, processor {:?}",
        wall.elapsed(),
        processor() - cpu
    );

    let here = RunFilter {
        workspace: Some("default".into()),
        ..RunFilter::default()
    };
    for (what, filter) in [
        (
            "the newest 50 of 10000",
            RunFilter {
                limit: Some(50),
                ..here.clone()
            },
        ),
        ("all 10000", here.clone()),
        (
            "the newest 50 of an experiment",
            RunFilter {
                experiment: Some("diabetes".into()),
                limit: Some(50),
                ..here.clone()
            },
        ),
        (
            "all that run",
            RunFilter {
                state: Some("Running".into()),
                ..here.clone()
            },
        ),
        (
            "all completed",
            RunFilter {
                state: Some("Completed".into()),
                ..here.clone()
            },
        ),
        (
            "all of a tag",
            RunFilter {
                tag: Some("k=v".into()),
                ..here
            },
        ),
    ] {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..11 {
            let start = Instant::now();
            found = store.list_runs(&filter).await.unwrap().len();
            times.push(start.elapsed());
        }
        times.sort();
        println!("{what}: {found} runs in {:?} (median of 11)", times[5]);
    }
    let start = Instant::now();
    for _ in 0..1000 {
        store.run(&id(77)).await.unwrap();
    }
    println!("one run: {:?}", start.elapsed() / 1000);
}
