//! The store in memory: a mutex around plain maps. For tests, and the model of what a store does.

mod models;
mod services;
mod state;
mod targets;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use outhaul_types::api::{Experiment, ModelFilter, Output, RunFilter, RunSummary};
use outhaul_types::environment::RegisteredEnvironment;
use outhaul_types::target::ResourceAddress;
use outhaul_types::{
    ChangeModel, ComputeTarget, EnvironmentSpec, Lock, MetricValue, Model, NewModel, NewRun, Run, RunEvent,
    RunEventKind, RunId, WebService, Workspace, WorkspaceSettings,
};
use serde_json::Value;

use self::state::State;
use crate::rules::{self, RunQuery};
use crate::{AppliedRun, Guard, IngestedMetrics, MetricBatch, Store, StoreError};

/// A store that forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn put_workspace(
        &self,
        name: &str,
        settings: WorkspaceSettings,
        at: Timestamp,
    ) -> Result<Workspace, StoreError> {
        Ok(self.state().put_workspace(name, settings, at))
    }

    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        Ok(self.state().workspaces.values().cloned().collect())
    }

    async fn use_workspace(&self, name: &str) -> Result<Workspace, StoreError> {
        self.state().use_workspace(name)
    }

    async fn begin_run(
        &self,
        new: NewRun,
        first: Vec<RunEventKind>,
        at: Timestamp,
    ) -> Result<AppliedRun, StoreError> {
        self.state().begin_run(new, first, at)
    }

    async fn create_runs(
        &self,
        new: Vec<(NewRun, Vec<RunEventKind>)>,
        at: Timestamp,
    ) -> Result<Vec<AppliedRun>, StoreError> {
        let mut state = self.state();
        let mut changed = state.clone();
        let created = new
            .into_iter()
            .map(|(new, events)| changed.begin_run(new, events, at))
            .collect::<Result<Vec<_>, _>>()?;
        *state = changed;
        Ok(created)
    }

    async fn run(&self, id: &RunId) -> Result<Run, StoreError> {
        Ok(self.state().stored(id)?.run.clone())
    }

    async fn find_run(&self, prefix: &str) -> Result<Run, StoreError> {
        self.state().find_run(prefix)
    }

    async fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        self.state().list_runs(&RunQuery::new(filter)?)
    }

    async fn runs_with_metrics(
        &self,
        filter: &RunFilter,
    ) -> Result<Vec<(Run, Vec<MetricValue>)>, StoreError> {
        self.state().runs_with_metrics(&RunQuery::new(filter)?)
    }

    async fn whole_runs(&self, ids: &[RunId]) -> Result<Vec<(Run, Vec<MetricValue>)>, StoreError> {
        let state = self.state();
        let known = ids.iter().filter_map(|id| state.stored(id).ok());
        Ok(known
            .map(|stored| (stored.run.clone(), stored.newest_metrics()))
            .collect())
    }

    async fn summaries(&self, ids: &[RunId]) -> Result<Vec<RunSummary>, StoreError> {
        let state = self.state();
        let known = ids.iter().filter_map(|id| state.stored(id).ok());
        Ok(known.map(|stored| RunSummary::from(&stored.run)).collect())
    }

    async fn active_runs(&self) -> Result<Vec<Run>, StoreError> {
        Ok(self.state().runs_where(|stored| !stored.run.state.is_terminal()))
    }

    async fn active_runs_of(&self, target: &str) -> Result<Vec<Run>, StoreError> {
        Ok(self
            .state()
            .runs_where(|stored| !stored.run.state.is_terminal() && stored.run.target == target))
    }

    async fn apply(
        &self,
        id: &RunId,
        guard: Guard,
        events: Vec<RunEventKind>,
        at: Timestamp,
    ) -> Result<AppliedRun, StoreError> {
        self.state().apply(id, guard, events, at)
    }

    async fn events(&self, id: &RunId, after: u64) -> Result<Vec<RunEvent>, StoreError> {
        let state = self.state();
        Ok(state
            .stored(id)?
            .events
            .iter()
            .filter(|event| event.seq > after)
            .cloned()
            .collect())
    }

    async fn add_metrics(&self, id: &RunId, batch: MetricBatch) -> Result<(), StoreError> {
        self.state().add_metrics(id, batch)
    }

    async fn log_metrics(&self, id: &RunId, values: Vec<MetricValue>) -> Result<(), StoreError> {
        let mut state = self.state();
        let metrics = &mut state.stored_mut(id)?.metrics;
        for value in values {
            if !metrics.contains(&value) {
                metrics.push(value);
            }
        }
        Ok(())
    }

    async fn ingested_metrics(&self, id: &RunId) -> Result<IngestedMetrics, StoreError> {
        Ok(IngestedMetrics {
            bytes: self.state().stored(id)?.ingested,
        })
    }

    async fn metrics(&self, id: &RunId) -> Result<Vec<MetricValue>, StoreError> {
        Ok(self.state().stored(id)?.metrics.clone())
    }

    async fn newest_metrics(&self, id: &RunId) -> Result<Vec<MetricValue>, StoreError> {
        Ok(self.state().stored(id)?.newest_metrics())
    }

    async fn put_outputs(&self, id: &RunId, outputs: Vec<Output>) -> Result<(), StoreError> {
        let outputs = outputs.into_iter().map(|output| (output.path.clone(), output));
        self.state().stored_mut(id)?.outputs.extend(outputs);
        Ok(())
    }

    async fn remove_outputs(&self, id: &RunId, paths: Vec<String>) -> Result<(), StoreError> {
        let mut state = self.state();
        let outputs = &mut state.stored_mut(id)?.outputs;
        for path in paths {
            outputs.remove(&path);
        }
        Ok(())
    }

    async fn outputs(&self, id: &RunId) -> Result<Vec<Output>, StoreError> {
        Ok(self.state().stored(id)?.outputs.values().cloned().collect())
    }

    async fn mark_released(&self, id: &RunId) -> Result<(), StoreError> {
        self.state().stored_mut(id)?.released = true;
        Ok(())
    }

    async fn unreleased_runs(&self) -> Result<Vec<Run>, StoreError> {
        Ok(self
            .state()
            .runs_where(|stored| stored.run.state.is_terminal() && !stored.released))
    }

    async fn experiments(&self, workspace: &str) -> Result<Vec<Experiment>, StoreError> {
        let state = self.state();
        state.workspace(workspace)?;
        Ok(state
            .experiments
            .iter()
            .filter(|(key, _)| key.0 == workspace)
            .map(|(_, found)| found.clone())
            .collect())
    }

    async fn create_experiment(&self, workspace: &str, name: &str) -> Result<(), StoreError> {
        let mut state = self.state();
        state.workspace(workspace)?;
        state.experiment(workspace, name);
        Ok(())
    }

    async fn put_document(
        &self,
        workspace: &str,
        kind: &str,
        id: &str,
        document: Value,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        state.workspace(workspace)?;
        let key = (workspace.to_owned(), kind.to_owned());
        let documents = state.documents.entry(key).or_default();
        documents.insert(id.to_owned(), document);
        Ok(())
    }

    async fn document(&self, workspace: &str, kind: &str, id: &str) -> Result<Option<Value>, StoreError> {
        let key = (workspace.to_owned(), kind.to_owned());
        let state = self.state();
        Ok(state.documents.get(&key).and_then(|kind| kind.get(id)).cloned())
    }

    async fn documents(&self, workspace: &str, kind: &str) -> Result<Vec<(String, Value)>, StoreError> {
        let key = (workspace.to_owned(), kind.to_owned());
        let state = self.state();
        Ok(state
            .documents
            .get(&key)
            .into_iter()
            .flatten()
            .map(|(id, document)| (id.clone(), document.clone()))
            .collect())
    }

    async fn register_environment(
        &self,
        workspace: &str,
        name: &str,
        spec: EnvironmentSpec,
        at: Timestamp,
    ) -> Result<RegisteredEnvironment, StoreError> {
        self.state().register_environment(workspace, name, spec, at)
    }

    async fn environment(
        &self,
        workspace: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<RegisteredEnvironment, StoreError> {
        self.state().environment(workspace, name, version)
    }

    async fn environments(&self, workspace: &str) -> Result<Vec<RegisteredEnvironment>, StoreError> {
        let state = self.state();
        state.workspace(workspace)?;
        let here = state.environments.iter().filter(|(key, _)| key.0 == workspace);
        Ok(here
            .filter_map(|(_, versions)| versions.last().cloned())
            .collect())
    }

    async fn put_lock(&self, environment_id: &str, lock: Lock) -> Result<(), StoreError> {
        self.state()
            .locks
            .entry(environment_id.to_owned())
            .or_insert(lock);
        Ok(())
    }

    async fn lock(&self, environment_id: &str) -> Result<Lock, StoreError> {
        let found = self.state().locks.get(environment_id).cloned();
        found.ok_or_else(|| StoreError::NotFound {
            what: "lock of environment",
            name: environment_id.to_owned(),
        })
    }

    async fn register_model(&self, new: NewModel, at: Timestamp) -> Result<(Model, bool), StoreError> {
        let mut state = self.state();
        state.workspace(&new.workspace)?;
        state.models.register(new, at)
    }

    async fn model(&self, workspace: &str, name: &str, version: Option<u32>) -> Result<Model, StoreError> {
        self.state().models.get(workspace, name, version)
    }

    async fn models(&self, workspace: &str, filter: &ModelFilter) -> Result<Vec<Model>, StoreError> {
        let state = self.state();
        state.workspace(workspace)?;
        Ok(state.models.list(workspace, filter))
    }

    async fn change_model(
        &self,
        workspace: &str,
        name: &str,
        version: u32,
        change: ChangeModel,
    ) -> Result<Model, StoreError> {
        self.state().models.change(workspace, name, version, change)
    }

    async fn delete_model(&self, workspace: &str, name: &str, version: u32) -> Result<(), StoreError> {
        let mut state = self.state();
        let services = state.services_with_models(workspace);
        state.models.delete(workspace, name, version, &services)
    }

    async fn create_target(&self, target: ComputeTarget) -> Result<(), StoreError> {
        self.state().targets.create(target)
    }

    async fn put_target(&self, target: ComputeTarget) -> Result<(), StoreError> {
        self.state().targets.put(target)
    }

    async fn targets(&self) -> Result<Vec<ComputeTarget>, StoreError> {
        Ok(self.state().targets.attached.values().cloned().collect())
    }

    async fn target(&self, name: &str) -> Result<ComputeTarget, StoreError> {
        let found = self.state().targets.attached.get(name).cloned();
        found.ok_or_else(|| rules::no_target(name))
    }

    async fn remove_target(&self, name: &str, id: &str) -> Result<(), StoreError> {
        self.state().targets.remove(name, id);
        Ok(())
    }

    async fn create_service(&self, service: WebService) -> Result<(), StoreError> {
        let mut state = self.state();
        state.workspace(&service.workspace)?;
        state.services.create(service)
    }

    async fn put_service(&self, service: WebService) -> Result<(), StoreError> {
        self.state().services.put(service)
    }

    async fn services(&self, workspace: Option<&str>) -> Result<Vec<WebService>, StoreError> {
        Ok(self.state().services.all(workspace))
    }

    async fn service(&self, workspace: &str, name: &str) -> Result<WebService, StoreError> {
        self.state().services.get(workspace, name)
    }

    async fn remove_service(&self, workspace: &str, name: &str, id: &RunId) -> Result<(), StoreError> {
        self.state().services.remove(workspace, name, id);
        Ok(())
    }

    async fn put_secret(&self, owner: &str, sealed: Vec<u8>) -> Result<(), StoreError> {
        self.state().targets.secrets.insert(owner.to_owned(), sealed);
        Ok(())
    }

    async fn secret(&self, owner: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.state().targets.secrets.get(owner).cloned())
    }

    async fn remove_secret(&self, owner: &str) -> Result<(), StoreError> {
        self.state().targets.secrets.remove(owner);
        Ok(())
    }

    async fn put_address(&self, address: ResourceAddress) -> Result<(), StoreError> {
        let key = rules::address_key(&address.resource_id);
        self.state().targets.addresses.insert(key, address);
        Ok(())
    }

    async fn addresses(&self) -> Result<Vec<ResourceAddress>, StoreError> {
        Ok(self.state().targets.addresses.values().cloned().collect())
    }

    async fn address(&self, resource_id: &str) -> Result<Option<ResourceAddress>, StoreError> {
        let key = rules::address_key(resource_id);
        Ok(self.state().targets.addresses.get(&key).cloned())
    }

    async fn remove_address(&self, resource_id: &str) -> Result<bool, StoreError> {
        let key = rules::address_key(resource_id);
        Ok(self.state().targets.addresses.remove(&key).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Fresh;

    fn fresh() -> Fresh {
        Fresh::new(MemoryStore::new())
    }

    crate::store_suite!(fresh);
}
