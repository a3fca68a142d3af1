//! Fills a store with runs that have ended, as if each had gone its whole way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use jiff::Timestamp;
use outhaul_store::{Guard, Store};
use outhaul_store_sqlite::SqliteStore;
use outhaul_types::{Command, EnvironmentSpec, Exit, NewRun, RunEventKind, RunId, RunSpec, SnapshotRef};

/// So many writes are under way at once, which the store puts into shared transactions.
const AT_ONCE: u64 = 64;

/// Adds `count` runs to the workspace `default`, which must be there.
pub fn fill(database: &Path, count: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()?;
    let store = Arc::new(SqliteStore::open(database)?);
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for first in 0..AT_ONCE {
            let store = Arc::clone(&store);
            tasks.spawn(async move {
                for number in (first..count).step_by(AT_ONCE as usize) {
                    add(&store, number).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(())
    })
}

async fn add(store: &SqliteStore, number: u64) -> Result<()> {
    let run = new_run(number)?;
    let id = run.id.clone();
    let events = vec![
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
    store.create_run(run, Timestamp::now()).await?;
    store
        .apply(&id, Guard::Version(1), events, Timestamp::now())
        .await?;
    // As after its clean-up: nothing is left of it for a starting server to do.
    store.mark_released(&id).await?;
    Ok(())
}

fn new_run(number: u64) -> Result<NewRun> {
    let id: RunId = format!("{number:016}").parse()?;
    let tags = BTreeMap::from([("fold".to_owned(), (number % 10).to_string())]);
    Ok(NewRun {
        id,
        name: format!("train-{number}"),
        workspace: "default".into(),
        experiment: format!("ridge-{}", number % 20),
        target: "local".into(),
        tags,
        parent: None,
        spec: Some(RunSpec {
            command: Command::Script {
                script: "train.py".into(),
                arguments: vec!["--alpha".into(), "0.5".into()],
            },
            snapshot: SnapshotRef {
                tree: "0123456789abcdef".repeat(4),
                files: 20,
                bytes: 34_567,
                source: "/home/someone/project".into(),
                git: None,
            },
            environment: EnvironmentSpec {
                pip: (0..20)
                    .map(|number| format!("package-{number}==1.{number}.0"))
                    .collect(),
                ..EnvironmentSpec::default()
            },
            environment_lock: None,
            environment_name: None,
            variables: BTreeMap::new(),
            max_duration_seconds: None,
            resources: Default::default(),
            array: None,
            adopted: None,
            spark: None,
            rerun_of: None,
            service: None,
        }),
    })
}
