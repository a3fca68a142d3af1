//! Fills a store with tracked runs that have ended, each with a parameter and metrics, as MLflow's client leaves them.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use jiff::Timestamp;
use outhaul_store::Store as _;
use outhaul_store_sqlite::SqliteStore;
use outhaul_types::workspace::NO_TARGET;
use outhaul_types::{MetricKind, MetricValue, NewRun, RunEventKind};

/// So many runs are recorded in one transaction.
const AT_ONCE: u64 = 500;

/// Adds `count` runs to an experiment of the workspace `default`: parameter `fold` (0 to 99), metrics `loss` (the number of
/// the run) and `accuracy`.
pub fn fill(database: &Path, experiment: &str, count: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let store = Arc::new(SqliteStore::open(database)?);
    runtime.block_on(async {
        for first in (0..count).step_by(AT_ONCE as usize) {
            let numbers = first..count.min(first + AT_ONCE);
            let runs = numbers.clone().map(|number| new_run(experiment, number));
            let runs = runs.collect::<Result<Vec<_>>>()?;
            let ids: Vec<_> = runs.iter().map(|(run, _)| run.id.clone()).collect();
            store.create_runs(runs, Timestamp::now()).await?;
            // At once, so that the store puts them into shared transactions.
            let mut logging = tokio::task::JoinSet::new();
            for (number, id) in numbers.zip(ids) {
                let store = Arc::clone(&store);
                logging.spawn(async move {
                    let values = vec![metric("loss", number as f64), metric("accuracy", 0.5)];
                    store.log_metrics(&id, values).await
                });
            }
            while let Some(logged) = logging.join_next().await {
                logged??;
            }
        }
        Ok(())
    })
}

fn new_run(experiment: &str, number: u64) -> Result<(NewRun, Vec<RunEventKind>)> {
    let new = NewRun {
        id: format!("{number:016}").parse()?,
        name: format!("run-{number}"),
        workspace: "default".into(),
        experiment: experiment.into(),
        target: NO_TARGET.into(),
        tags: [
            ("mlflow.runName".to_owned(), format!("run-{number}")),
            ("mlflow.user".to_owned(), "someone".to_owned()),
            ("mlflow.source.name".to_owned(), "train.py".to_owned()),
        ]
        .into(),
        parent: None,
        spec: None,
    };
    let properties = [("fold".to_owned(), (number % 100).to_string())].into();
    let events = vec![
        RunEventKind::Running,
        RunEventKind::PropertiesAdded { properties },
        RunEventKind::Completed,
    ];
    Ok((new, events))
}

fn metric(name: &str, value: f64) -> MetricValue {
    MetricValue {
        name: name.to_owned(),
        kind: MetricKind::Scalar,
        value: value.into(),
        step: Some(0),
        time: 1_700_000_000.0,
    }
}
