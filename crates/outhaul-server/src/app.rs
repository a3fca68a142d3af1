//! What every part of the server shares.

use std::sync::Arc;

use jiff::Timestamp;
use outhaul_artifacts::ArtifactStore;
use outhaul_snapshot::BlobStore;
use outhaul_store::{AppliedRun, Guard, Store, StoreError};
use outhaul_types::{ApiError, ErrorCode, Run, RunEventKind, RunId};
use tokio::sync::watch;

use crate::home::Home;
use crate::hub::Hub;
use crate::janitor::Janitor;
use crate::reserve::Reserve;
use crate::targets::Targets;

/// The shared parts.
pub(crate) struct App {
    pub(crate) home: Home,
    pub(crate) build: String,
    pub(crate) started_at: Timestamp,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) artifacts: Arc<dyn ArtifactStore>,
    pub(crate) blobs: BlobStore,
    pub(crate) targets: Targets,
    pub(crate) hub: Hub,
    pub(crate) reserve: Reserve,
    pub(crate) janitor: Janitor,
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

/// The error for a name that is not known, with the nearest one that is.
pub(crate) fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    list: &str,
) -> ApiError {
    let error = ApiError::not_found(format!("there is no {what} `{name}`"));
    let hint = match outhaul_types::nearest::did_you_mean(name, known) {
        Some(guess) => guess,
        None => format!("`{list}` shows what there is"),
    };
    error.with_hint(hint)
}

/// A store's error as the API gives it.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
pub(crate) fn translate(error: StoreError) -> ApiError {
    let code = match &error {
        StoreError::NotFound { .. } => ErrorCode::NotFound,
        StoreError::Conflict(_) | StoreError::Stale { .. } | StoreError::Forbidden(_) => ErrorCode::Conflict,
        StoreError::Ambiguous { .. } => ErrorCode::BadRequest,
        StoreError::NewerVersion { .. } | StoreError::DiskFull(_) | StoreError::Backend(_) => {
            ErrorCode::Internal
        }
    };
    let hint = match &error {
        StoreError::Ambiguous { .. } => Some("give more characters of the id"),
        StoreError::DiskFull(_) => Some("make room on the disk; runs that go on are not harmed"),
        _ => None,
    };
    let api = ApiError::new(code, error.to_string());
    match hint {
        Some(hint) => api.with_hint(hint),
        None => api,
    }
}
