//! What every part of the server shares.

use std::sync::Arc;

use jiff::Timestamp;
use outhaul_artifacts::ArtifactStore;
use outhaul_snapshot::BlobStore;
use outhaul_store::{AppliedRun, Guard, Store, StoreError};
use outhaul_types::{ApiError, Run, RunEventKind, RunId};
use tokio::sync::watch;

use crate::attach::Attaching;
use crate::errors::{translate, unknown};
use crate::home::Home;
use crate::hub::Hub;
use crate::janitor::Janitor;
use crate::mlflow::Mlflow;
use crate::reserve::Reserve;
use crate::services::Services;
use crate::targets::Targets;

/// The shared parts.
pub(crate) struct App {
    pub(crate) home: Home,
    pub(crate) build: String,
    /// The program itself.
    pub(crate) program: std::path::PathBuf,
    pub(crate) started_at: Timestamp,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) artifacts: Arc<dyn ArtifactStore>,
    pub(crate) blobs: BlobStore,
    pub(crate) targets: Targets,
    pub(crate) hub: Hub,
    pub(crate) reserve: Reserve,
    pub(crate) janitor: Janitor,
    pub(crate) attaching: Attaching,
    pub(crate) mlflow: Mlflow,
    pub(crate) services: Services,
    /// Becomes true when the server is asked to stop.
    pub(crate) stopping: watch::Sender<bool>,
}

impl App {
    /// Adds events to a run's log and wakes whoever follows it.
    pub(crate) async fn apply(
        &self,
        id: &RunId,
        guard: Guard,
        events: Vec<RunEventKind>,
    ) -> Result<AppliedRun, StoreError> {
        let applied = self.store.apply(id, guard, events, Timestamp::now()).await?;
        self.hub.changed(id);
        if applied.run.state.is_terminal() {
            tracing::info!(run = %applied.run.id, state = %applied.run.state, "run.ended");
        }
        Ok(applied)
    }

    /// The folder of a run's collected logs.
    pub(crate) fn log_folder(&self, id: &RunId) -> std::path::PathBuf {
        self.home.runs().join(id.as_str())
    }

    /// The run that an id or a unique prefix of one names.
    pub(crate) async fn find_run(&self, prefix: &str) -> Result<Run, ApiError> {
        self.store.find_run(prefix).await.map_err(|error| match error {
            StoreError::NotFound { .. } => ApiError::not_found(format!("there is no run `{prefix}`"))
                .with_hint("`outhaul runs list` shows the runs"),
            other => translate(other),
        })
    }

    /// The workspace that a request means: the one it names, or the current one.
    pub(crate) async fn workspace(&self, name: Option<&str>) -> Result<outhaul_types::Workspace, ApiError> {
        let all = self.store.workspaces().await.map_err(translate)?;
        let names: Vec<String> = all.iter().map(|workspace| workspace.name.clone()).collect();
        let found = match name {
            Some(name) => all.into_iter().find(|workspace| workspace.name == name),
            None => all.into_iter().find(|workspace| workspace.current),
        };
        found.ok_or_else(|| {
            unknown(
                "workspace",
                name.unwrap_or("default"),
                names.iter().map(String::as_str),
                "outhaul workspace list",
            )
        })
    }
}
