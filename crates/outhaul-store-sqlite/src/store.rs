//! [`SqliteStore`]: every method of the trait as one job for the writer or a reader.

use std::path::Path;

use async_trait::async_trait;
use jiff::Timestamp;
use outhaul_store::rules::RunQuery;
use outhaul_store::rules::models::ModelQuery;
use outhaul_store::{AppliedRun, Guard, IngestedMetrics, MetricBatch, Store, StoreError};
use outhaul_types::api::{Experiment, ModelFilter, Output, RunFilter, RunSummary};
use outhaul_types::environment::RegisteredEnvironment;
use outhaul_types::target::ResourceAddress;
use outhaul_types::{
    ChangeModel, ComputeTarget, EnvironmentSpec, Lock, MetricValue, Model, NewModel, NewRun, Run, RunEvent,
    RunEventKind, RunId, WebService, Workspace, WorkspaceSettings,
};
use serde_json::Value;

use crate::readers::Readers;
use crate::writer::Writer;
use crate::{
    addresses, documents, environments, list, metrics, models, newest, open, runs, services, targets,
    workspaces,
};

/// How many reads can go on at once: a long list must not hold up a short question.
const READERS: usize = 2;

/// The state of Outhaul in one SQLite file.
///
/// Dropping it does the writes that still wait and closes the file. It must be the only one that is open for
/// a file at a time: whoever opens it sees to that (the server locks its data folder).
pub struct SqliteStore {
    // Dropped in this order: the writer is the last to close the file and tidies its write-ahead log away.
    readers: Readers,
    writer: Writer,
}

impl SqliteStore {
    /// Opens the file, makes it when it is not there (readable by its owner only), and brings its schema to the
    /// newest version. It blocks for a few milliseconds.
    ///
    /// # Errors
    /// [`StoreError::NewerVersion`] for a file of a newer Outhaul and [`StoreError::Backend`] for one that is not a
    /// database; both leave it as it is. [`StoreError::Backend`] or [`StoreError::DiskFull`] when it cannot be
    /// opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = open::writer(path)?;
        let readers = (0..READERS)
            .map(|_| open::reader(path))
            .collect::<Result<Vec<_>, _>>()?;
        let threads =
            |error: std::io::Error| StoreError::Backend(format!("a thread could not be started: {error}"));
        let writer = Writer::start(connection).map_err(threads)?;
        Ok(Self {
            readers: Readers::start(readers).map_err(threads)?,
            writer,
        })
    }

    /// Limits the file to so many pages of 4096 bytes (0: no more than it has) until it is opened again: a full
    /// disk for tests.
    ///
    /// # Errors
    /// When the database fails.
    #[doc(hidden)]
    pub async fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        let limit = move |connection: &rusqlite::Connection| {
            Ok(connection.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |_| Ok(()))?)
        };
        self.writer.write(limit).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn put_workspace(
        &self,
        name: &str,
        settings: WorkspaceSettings,
        at: Timestamp,
    ) -> Result<Workspace, StoreError> {
        let name = name.to_owned();
        self.writer
            .write(move |connection| workspaces::put(connection, &name, &settings, at))
            .await
    }

    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        self.readers.read(workspaces::all).await
    }

    async fn use_workspace(&self, name: &str) -> Result<Workspace, StoreError> {
        let name = name.to_owned();
        self.writer
            .write(move |connection| workspaces::make_current(connection, &name))
            .await
    }

    async fn begin_run(
        &self,
        new: NewRun,
        first: Vec<RunEventKind>,
        at: Timestamp,
    ) -> Result<AppliedRun, StoreError> {
        self.writer
            .write(move |connection| runs::begin(connection, new, first, at))
            .await
    }

    async fn create_runs(
        &self,
        new: Vec<(NewRun, Vec<RunEventKind>)>,
        at: Timestamp,
    ) -> Result<Vec<AppliedRun>, StoreError> {
        let create = move |connection: &rusqlite::Connection| {
            new.into_iter()
                .map(|(new, events)| runs::begin(connection, new, events, at))
                .collect()
        };
        self.writer.write(create).await
    }

    async fn run(&self, id: &RunId) -> Result<Run, StoreError> {
        let id = id.clone();
        self.readers
            .read(move |connection| runs::get(connection, &id))
            .await
    }

    async fn find_run(&self, prefix: &str) -> Result<Run, StoreError> {
        let prefix = prefix.to_owned();
        self.readers
            .read(move |connection| runs::find(connection, &prefix))
            .await
    }

    async fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        let filter = filter.clone();
        self.readers
            .read(move |connection| list::summaries(connection, &RunQuery::new(&filter)?))
            .await
    }

    async fn runs_with_metrics(
        &self,
        filter: &RunFilter,
    ) -> Result<Vec<(Run, Vec<MetricValue>)>, StoreError> {
        let filter = filter.clone();
        self.readers
            .read(move |connection| newest::with_runs(connection, &RunQuery::new(&filter)?))
            .await
    }

    async fn whole_runs(&self, ids: &[RunId]) -> Result<Vec<(Run, Vec<MetricValue>)>, StoreError> {
        let ids = ids.to_vec();
        self.readers
            .read(move |connection| newest::with_ids(connection, &ids))
            .await
    }

    async fn summaries(&self, ids: &[RunId]) -> Result<Vec<RunSummary>, StoreError> {
        let ids = ids.to_vec();
        self.readers
            .read(move |connection| list::of_ids(connection, &ids))
            .await
    }

    async fn active_runs(&self) -> Result<Vec<Run>, StoreError> {
        self.readers.read(list::active).await
    }

    async fn active_runs_of(&self, target: &str) -> Result<Vec<Run>, StoreError> {
        let target = target.to_owned();
        self.readers
            .read(move |connection| list::active_of(connection, &target))
            .await
    }

    async fn apply(
        &self,
        id: &RunId,
        guard: Guard,
        events: Vec<RunEventKind>,
        at: Timestamp,
    ) -> Result<AppliedRun, StoreError> {
        let id = id.clone();
        self.writer
            .write(move |connection| runs::apply(connection, &id, guard, events, at))
            .await
    }

    async fn events(&self, id: &RunId, after: u64) -> Result<Vec<RunEvent>, StoreError> {
        let id = id.clone();
        self.readers
            .read(move |connection| runs::events(connection, &id, after))
            .await
    }

    async fn add_metrics(&self, id: &RunId, batch: MetricBatch) -> Result<(), StoreError> {
        let id = id.clone();
        self.writer
            .write(move |connection| metrics::add(connection, &id, &batch))
            .await
    }

    async fn log_metrics(&self, id: &RunId, values: Vec<MetricValue>) -> Result<(), StoreError> {
        let id = id.clone();
        self.writer
            .write(move |connection| metrics::log(connection, &id, &values))
            .await
    }

    async fn ingested_metrics(&self, id: &RunId) -> Result<IngestedMetrics, StoreError> {
        let id = id.clone();
        self.readers
            .read(move |connection| metrics::ingested(connection, &id))
            .await
    }

    async fn metrics(&self, id: &RunId) -> Result<Vec<MetricValue>, StoreError> {
        let id = id.clone();
        self.readers
            .read(move |connection| metrics::all(connection, &id))
            .await
    }

    async fn newest_metrics(&self, id: &RunId) -> Result<Vec<MetricValue>, StoreError> {
        let id = id.clone();
        self.readers
            .read(move |connection| newest::of_run(connection, &id))
            .await
    }

    async fn put_outputs(&self, id: &RunId, outputs: Vec<Output>) -> Result<(), StoreError> {
        let id = id.clone();
        self.writer
            .write(move |connection| metrics::put_outputs(connection, &id, &outputs))
            .await
    }

    async fn remove_outputs(&self, id: &RunId, paths: Vec<String>) -> Result<(), StoreError> {
        let id = id.clone();
        self.writer
            .write(move |connection| metrics::remove_outputs(connection, &id, &paths))
            .await
    }

    async fn outputs(&self, id: &RunId) -> Result<Vec<Output>, StoreError> {
        let id = id.clone();
        self.readers
            .read(move |connection| metrics::outputs(connection, &id))
            .await
    }

    async fn mark_released(&self, id: &RunId) -> Result<(), StoreError> {
        let id = id.clone();
        self.writer
            .write(move |connection| runs::mark_released(connection, &id))
            .await
    }

    async fn unreleased_runs(&self) -> Result<Vec<Run>, StoreError> {
        self.readers.read(list::unreleased).await
    }

    async fn experiments(&self, workspace: &str) -> Result<Vec<Experiment>, StoreError> {
        let workspace = workspace.to_owned();
        self.readers
            .read(move |connection| workspaces::experiments(connection, &workspace))
            .await
    }

    async fn create_experiment(&self, workspace: &str, name: &str) -> Result<(), StoreError> {
        let (workspace, name) = (workspace.to_owned(), name.to_owned());
        self.writer
            .write(move |connection| {
                workspaces::check(connection, &workspace)?;
                workspaces::count_run(connection, &workspace, &name, None)
            })
            .await
    }

    async fn put_document(
        &self,
        workspace: &str,
        kind: &str,
        id: &str,
        document: Value,
    ) -> Result<(), StoreError> {
        let key = [workspace, kind, id].map(str::to_owned);
        self.writer
            .write(move |connection| documents::put(connection, &key, &document))
            .await
    }

    async fn document(&self, workspace: &str, kind: &str, id: &str) -> Result<Option<Value>, StoreError> {
        let key = [workspace, kind, id].map(str::to_owned);
        self.readers
            .read(move |connection| documents::get(connection, &key))
            .await
    }

    async fn documents(&self, workspace: &str, kind: &str) -> Result<Vec<(String, Value)>, StoreError> {
        let (workspace, kind) = (workspace.to_owned(), kind.to_owned());
        self.readers
            .read(move |connection| documents::all(connection, &workspace, &kind))
            .await
    }

    async fn register_environment(
        &self,
        workspace: &str,
        name: &str,
        spec: EnvironmentSpec,
        at: Timestamp,
    ) -> Result<RegisteredEnvironment, StoreError> {
        let (workspace, name) = (workspace.to_owned(), name.to_owned());
        self.writer
            .write(move |connection| environments::register(connection, &workspace, &name, spec, at))
            .await
    }

    async fn environment(
        &self,
        workspace: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<RegisteredEnvironment, StoreError> {
        let (workspace, name) = (workspace.to_owned(), name.to_owned());
        self.readers
            .read(move |connection| environments::get(connection, &workspace, &name, version))
            .await
    }

    async fn environments(&self, workspace: &str) -> Result<Vec<RegisteredEnvironment>, StoreError> {
        let workspace = workspace.to_owned();
        self.readers
            .read(move |connection| environments::newest(connection, &workspace))
            .await
    }

    async fn put_lock(&self, environment_id: &str, lock: Lock) -> Result<(), StoreError> {
        let id = environment_id.to_owned();
        self.writer
            .write(move |connection| environments::put_lock(connection, &id, &lock))
            .await
    }

    async fn lock(&self, environment_id: &str) -> Result<Lock, StoreError> {
        let id = environment_id.to_owned();
        self.readers
            .read(move |connection| environments::lock(connection, &id))
            .await
    }

    async fn register_model(&self, new: NewModel, at: Timestamp) -> Result<(Model, bool), StoreError> {
        self.writer
            .write(move |connection| models::register(connection, new, at))
            .await
    }

    async fn model(&self, workspace: &str, name: &str, version: Option<u32>) -> Result<Model, StoreError> {
        let (workspace, name) = (workspace.to_owned(), name.to_owned());
        self.readers
            .read(move |connection| models::get(connection, &workspace, &name, version))
            .await
    }

    async fn models(&self, workspace: &str, filter: &ModelFilter) -> Result<Vec<Model>, StoreError> {
        let (workspace, filter) = (workspace.to_owned(), filter.clone());
        self.readers
            .read(move |connection| models::list(connection, &workspace, &ModelQuery::new(&filter)))
            .await
    }

    async fn change_model(
        &self,
        workspace: &str,
        name: &str,
        version: u32,
        change: ChangeModel,
    ) -> Result<Model, StoreError> {
        let (workspace, name) = (workspace.to_owned(), name.to_owned());
        self.writer
            .write(move |connection| models::change(connection, &workspace, &name, version, change))
            .await
    }

    async fn delete_model(&self, workspace: &str, name: &str, version: u32) -> Result<(), StoreError> {
        let (workspace, name) = (workspace.to_owned(), name.to_owned());
        self.writer
            .write(move |connection| models::delete(connection, &workspace, &name, version))
            .await
    }

    async fn create_target(&self, target: ComputeTarget) -> Result<(), StoreError> {
        self.writer
            .write(move |connection| targets::create(connection, &target))
            .await
    }

    async fn put_target(&self, target: ComputeTarget) -> Result<(), StoreError> {
        self.writer
            .write(move |connection| targets::put(connection, &target))
            .await
    }

    async fn targets(&self) -> Result<Vec<ComputeTarget>, StoreError> {
        self.readers.read(targets::all).await
    }

    async fn target(&self, name: &str) -> Result<ComputeTarget, StoreError> {
        let name = name.to_owned();
        self.readers
            .read(move |connection| targets::get(connection, &name))
            .await
    }

    async fn remove_target(&self, name: &str, id: &str) -> Result<(), StoreError> {
        let (name, id) = (name.to_owned(), id.to_owned());
        self.writer
            .write(move |connection| targets::remove(connection, &name, &id))
            .await
    }

    async fn create_service(&self, service: WebService) -> Result<(), StoreError> {
        self.writer
            .write(move |connection| services::create(connection, &service))
            .await
    }

    async fn put_service(&self, service: WebService) -> Result<(), StoreError> {
        self.writer
            .write(move |connection| services::put(connection, &service))
            .await
    }

    async fn services(&self, workspace: Option<&str>) -> Result<Vec<WebService>, StoreError> {
        let workspace = workspace.map(str::to_owned);
        self.readers
            .read(move |connection| services::all(connection, workspace.as_deref()))
            .await
    }

    async fn service(&self, workspace: &str, name: &str) -> Result<WebService, StoreError> {
        let (workspace, name) = (workspace.to_owned(), name.to_owned());
        self.readers
            .read(move |connection| services::get(connection, &workspace, &name))
            .await
    }

    async fn remove_service(&self, workspace: &str, name: &str, id: &RunId) -> Result<(), StoreError> {
        let (workspace, name, id) = (workspace.to_owned(), name.to_owned(), id.clone());
        self.writer
            .write(move |connection| services::remove(connection, &workspace, &name, &id))
            .await
    }

    async fn put_secret(&self, owner: &str, sealed: Vec<u8>) -> Result<(), StoreError> {
        let owner = owner.to_owned();
        self.writer
            .write(move |connection| targets::put_secret(connection, &owner, &sealed))
            .await
    }

    async fn secret(&self, owner: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let owner = owner.to_owned();
        self.readers
            .read(move |connection| targets::secret(connection, &owner))
            .await
    }

    async fn remove_secret(&self, owner: &str) -> Result<(), StoreError> {
        let owner = owner.to_owned();
        self.writer
            .write(move |connection| targets::remove_secret(connection, &owner))
            .await
    }

    async fn put_address(&self, address: ResourceAddress) -> Result<(), StoreError> {
        self.writer
            .write(move |connection| addresses::put(connection, &address))
            .await
    }

    async fn addresses(&self) -> Result<Vec<ResourceAddress>, StoreError> {
        self.readers.read(addresses::all).await
    }

    async fn address(&self, resource_id: &str) -> Result<Option<ResourceAddress>, StoreError> {
        let id = resource_id.to_owned();
        self.readers
            .read(move |connection| addresses::get(connection, &id))
            .await
    }

    async fn remove_address(&self, resource_id: &str) -> Result<bool, StoreError> {
        let id = resource_id.to_owned();
        self.writer
            .write(move |connection| addresses::remove(connection, &id))
            .await
    }
}
