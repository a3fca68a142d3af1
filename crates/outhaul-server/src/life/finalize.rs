//! The last step: bring in what the run left, and end it with the outcome that the evidence shows.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use outhaul_artifacts::{ArtifactError, ArtifactStore};
use outhaul_driver::{DriverError, ErrorKind, NativeId, OutputSink};
use outhaul_store::StoreError;
use outhaul_types::api::Output;
use outhaul_types::{Failure, FailureClass, Run, RunEventKind, RunId};

use super::context::{Context, Trouble};
use super::outcome::outcome;
use crate::{failpoint, models};

/// How often collecting is tried before the run ends as failed; what it left stays on the target then.
const COLLECT_TRIES: u32 = 6;
/// How many files that could not be kept are named in the run's events.
const NAMED: usize = 20;

/// Keeps outputs among the artifacts.
struct Keep<'a> {
    artifacts: &'a dyn ArtifactStore,
    kept: Mutex<Vec<Output>>,
}

#[async_trait]
impl OutputSink for Keep<'_> {
    async fn keep(&self, path: &str, file: &Path) -> Result<(), DriverError> {
        const OPERATION: &str = "keep the run's outputs";
        let kept = self.artifacts.keep(file).await.map_err(|error| match error {
            ArtifactError::Unreadable { cause, .. } => {
                DriverError::permanent(ErrorKind::Target, OPERATION, cause.to_string())
            }
            other => DriverError::temporary(ErrorKind::System, OPERATION, other.to_string()),
        })?;
        let output = Output {
            path: path.to_owned(),
            size: kept.size,
            hash: kept.hash,
        };
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(output);
        Ok(())
    }
}

/// Uploads of child runs lie under `.children/<child>/` (see `python/outhaul/_files.py`); each child gets its own.
fn by_owner(run: &Run, outputs: Vec<Output>) -> BTreeMap<RunId, Vec<Output>> {
    let mut owners: BTreeMap<RunId, Vec<Output>> = BTreeMap::new();
    for mut output in outputs {
        let child = output
            .path
            .strip_prefix(".children/")
            .and_then(|rest| rest.split_once('/'));
        let (owner, path) = match child {
            Some((child, path)) => (RunId::of_child(&run.id, child), path.to_owned()),
            None => (run.id.clone(), output.path.clone()),
        };
        output.path = path;
        owners.entry(owner).or_default().push(output);
    }
    owners
}

impl Context {
    pub(super) async fn finalize(&mut self, run: Run) -> Result<Run, Trouble> {
        match self.collect(&run).await {
            Ok(mut events) => {
                events.extend(Self::restored(&run));
                events.push(outcome(&run));
                failpoint::hit("life.before-end");
                let run = self.record(&run, events).await?;
                self.collect_failures = 0;
                failpoint::hit("life.after-end");
                Ok(run)
            }
            // The run changed meanwhile: no fault of the collecting.
            Err(Trouble::Store(error)) => Err(error.into()),
            // What cannot be reached is not lost: it stays where it is until it can be brought in.
            Err(Trouble::Driver(error)) if error.kind == ErrorKind::Unreachable => {
                Err(self.lost(&run, Vec::new(), error).await)
            }
            Err(trouble) if self.collect_failures + 1 < COLLECT_TRIES => {
                self.collect_failures += 1;
                Err(trouble)
            }
            Err(trouble) => {
                // What could not be collected stays on the target for its owner: no later server shall clean it up.
                self.app.store.mark_released(&run.id).await?;
                let failure = Failure::new(
                    FailureClass::System,
                    format!("what the run left could not be collected: {trouble}"),
                )
                .with_hint(format!(
                    "it is kept on target `{}` in the run folder `{}`: make room, copy what you need and remove the folder",
                    run.target,
                    run.native_id.as_deref().unwrap_or_default()
                ));
                self.fail(&run, failure).await
            }
        }
    }

    /// Brings in logs, metrics and outputs.
    async fn collect(&mut self, run: &Run) -> Result<Vec<RunEventKind>, Trouble> {
        let native = NativeId(run.native_id.clone().unwrap_or_default());
        // The process has ended, so these sizes are final.
        let sizes = match self.final_sizes.clone() {
            Some(sizes) => sizes,
            None => {
                let observed = self.target.driver.observe(std::slice::from_ref(&native)).await?;
                observed
                    .into_iter()
                    .flat_map(|observation| observation.sizes)
                    .collect()
            }
        };
        self.pull(run, &native, &sizes, true).await?;
        let keep = Keep {
            artifacts: &*self.app.artifacts,
            kept: Mutex::default(),
        };
        let collected = self.target.driver.collect_outputs(&native, &keep).await?;
        let outputs = keep.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut events = Vec::new();
        for (path, why) in collected.skipped.iter().take(NAMED) {
            events.push(RunEventKind::Note {
                message: format!("`{path}` was not kept: {why}"),
            });
        }
        if collected.skipped.len() > NAMED {
            let message = format!("{} more files were not kept", collected.skipped.len() - NAMED);
            events.push(RunEventKind::Note { message });
        }
        let (files, bytes) = (
            outputs.len() as u64,
            outputs.iter().map(|output| output.size).sum(),
        );
        if files > 0 {
            for (owner, outputs) in by_owner(run, outputs) {
                match self.app.store.put_outputs(&owner, outputs).await {
                    // Files of a child run that its script never announced.
                    Err(StoreError::NotFound { .. }) if owner != run.id => {}
                    other => other?,
                }
            }
            events.push(RunEventKind::OutputsCollected { files, bytes });
        }
        // What the script wished for has come with the metrics.
        let now = self.app.store.run(&run.id).await?;
        let told = models::register_wishes(&self.app, &now).await;
        events.extend(told.into_iter().map(|message| RunEventKind::Note { message }));
        failpoint::hit("life.after-outputs");
        Ok(events)
    }
}
