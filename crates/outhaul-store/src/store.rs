//! The trait that every store implements.

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

use crate::StoreError;

/// Which version of a run a change was decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Only if the run is still at this version; otherwise [`StoreError::Stale`].
    Version(u64),
    /// Whatever its version: for what is true in every state (a request to cancel, a tag).
    Any,
}

/// A run after a change, with the events that were added to its log.
#[derive(Clone, Debug, PartialEq)]
pub struct AppliedRun {
    /// The run as it stands.
    pub run: Run,
    /// The new events.
    pub events: Vec<RunEvent>,
}

/// New metrics of a run, read from one stretch of its metrics file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricBatch {
    /// Where in the metrics file the stretch begins; it is refused with [`StoreError::Conflict`] unless this is
    /// where the last one ended, so no line is ever counted twice.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
    /// The values, each with the run it belongs to (the run itself or a child run).
    pub values: Vec<(RunId, MetricValue)>,
}

/// How far a run's metrics file has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IngestedMetrics {
    /// Bytes of the metrics file that are in the store.
    pub bytes: u64,
}

/// The state of Outhaul.
///
/// Every method is one transaction: it happens wholly or not at all, and once it has returned it survives
/// the end of the process (and, where the backend can, of the machine).
#[async_trait]
pub trait Store: Send + Sync {
    /// Makes a workspace, or changes the settings of the one that has this name. The first one made is current.
    async fn put_workspace(
        &self,
        name: &str,
        settings: WorkspaceSettings,
        at: Timestamp,
    ) -> Result<Workspace, StoreError>;
    /// All workspaces by name.
    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError>;
    /// Makes the named workspace the current one.
    async fn use_workspace(&self, name: &str) -> Result<Workspace, StoreError>;

    /// Records a run with its `Submitted` event, and its experiment if that is new.
    ///
    /// A run that is there with the same id and an equal `NewRun` part is given back as it stands, with no events
    /// (`events` empty): submitting twice makes one run. A different one with the same id is a
    /// [`StoreError::Conflict`]. An unknown workspace or parent is [`StoreError::NotFound`].
    async fn create_run(&self, new: NewRun, at: Timestamp) -> Result<AppliedRun, StoreError> {
        self.begin_run(new, Vec::new(), at).await
    }
    /// As [`create_run`](Self::create_run), with more events at once: for a run that begins as it is recorded. When one of
    /// them is not allowed ([`StoreError::Forbidden`]), nothing is recorded.
    async fn begin_run(
        &self,
        new: NewRun,
        first: Vec<RunEventKind>,
        at: Timestamp,
    ) -> Result<AppliedRun, StoreError>;
    /// Records several runs, all or none, and applies to each the events that are given with it. Those that are there
    /// already with an equal `NewRun` part are given back as they stand, with no events, as by
    /// [`create_run`](Self::create_run).
    async fn create_runs(
        &self,
        new: Vec<(NewRun, Vec<RunEventKind>)>,
        at: Timestamp,
    ) -> Result<Vec<AppliedRun>, StoreError>;
    /// The run with this id.
    async fn run(&self, id: &RunId) -> Result<Run, StoreError>;
    /// The one run whose id begins with `prefix`; a full id always names its run.
    async fn find_run(&self, prefix: &str) -> Result<Run, StoreError>;
    /// Runs, newest first (by order of submission, not by clock), filtered. `limit` 0 or `None` means all. Child
    /// runs are listed only when `parent` is given, which is a full id here, or `children` is true. `filter.workspace` is already filled
    /// in by the caller; all workspaces are meant without it. An unknown workspace or state is
    /// [`StoreError::NotFound`]; a tag is split at its first `=`.
    async fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError>;
    /// The whole runs that [`list_runs`](Self::list_runs) would list, each with its
    /// [`newest_metrics`](Self::newest_metrics).
    async fn runs_with_metrics(&self, filter: &RunFilter)
    -> Result<Vec<(Run, Vec<MetricValue>)>, StoreError>;
    /// These whole runs in this order, each with its [`newest_metrics`](Self::newest_metrics); one that is not there is left
    /// out.
    async fn whole_runs(&self, ids: &[RunId]) -> Result<Vec<(Run, Vec<MetricValue>)>, StoreError>;
    /// The summaries of these runs in this order; one that is not there is left out.
    async fn summaries(&self, ids: &[RunId]) -> Result<Vec<RunSummary>, StoreError>;
    /// Runs with a spec (not child runs) that have not ended, oldest first: what a starting server takes up again.
    async fn active_runs(&self) -> Result<Vec<Run>, StoreError>;
    /// Those of [`active_runs`](Self::active_runs) that were submitted to the target of this name, oldest first; none
    /// for a target that is not there.
    async fn active_runs_of(&self, target: &str) -> Result<Vec<Run>, StoreError>;
    /// Applies events to a run, all or none, through [`Run::apply`].
    async fn apply(
        &self,
        id: &RunId,
        guard: Guard,
        events: Vec<RunEventKind>,
        at: Timestamp,
    ) -> Result<AppliedRun, StoreError>;
    /// Events of a run after position `after`, in order.
    async fn events(&self, id: &RunId, after: u64) -> Result<Vec<RunEvent>, StoreError>;

    /// Adds metrics and moves the mark in one transaction (see [`MetricBatch`]).
    async fn add_metrics(&self, id: &RunId, batch: MetricBatch) -> Result<(), StoreError>;
    /// Adds metrics that come from elsewhere than the metrics file, all or none. One that is there already, equal in
    /// everything, is not added again: a client that lost the answer may ask again.
    async fn log_metrics(&self, id: &RunId, values: Vec<MetricValue>) -> Result<(), StoreError>;
    /// How far the run's metrics file has been read.
    async fn ingested_metrics(&self, id: &RunId) -> Result<IngestedMetrics, StoreError>;
    /// All metrics of a run in the order in which they were logged.
    async fn metrics(&self, id: &RunId) -> Result<Vec<MetricValue>, StoreError>;
    /// The newest number of each metric of a run, by name (see [`rules::is_newer`](crate::rules::is_newer)). What is
    /// no number does not count. It takes no longer when there are more values.
    async fn newest_metrics(&self, id: &RunId) -> Result<Vec<MetricValue>, StoreError>;

    /// Adds to the list of a run's outputs; one takes the place of that with its path.
    async fn put_outputs(&self, id: &RunId, outputs: Vec<Output>) -> Result<(), StoreError>;
    /// Takes outputs off the list by their paths; it is no error when one is not on it.
    async fn remove_outputs(&self, id: &RunId, paths: Vec<String>) -> Result<(), StoreError>;
    /// A run's outputs by path.
    async fn outputs(&self, id: &RunId) -> Result<Vec<Output>, StoreError>;

    /// Marks that nothing of the run is left on its target.
    async fn mark_released(&self, id: &RunId) -> Result<(), StoreError>;
    /// Runs with a spec that have ended and are not released, oldest first.
    async fn unreleased_runs(&self) -> Result<Vec<Run>, StoreError>;

    /// Records an experiment that has no run yet; one that is there stays as it is.
    async fn create_experiment(&self, workspace: &str, name: &str) -> Result<(), StoreError>;
    /// Experiments of a workspace by name, with the number of their runs that are no child runs.
    async fn experiments(&self, workspace: &str) -> Result<Vec<Experiment>, StoreError>;

    /// Keeps a document of a tracking protocol under its kind and id, in place of the one that was there. The store does
    /// not look into it.
    async fn put_document(
        &self,
        workspace: &str,
        kind: &str,
        id: &str,
        document: Value,
    ) -> Result<(), StoreError>;
    /// A document.
    async fn document(&self, workspace: &str, kind: &str, id: &str) -> Result<Option<Value>, StoreError>;
    /// All documents of a kind with their ids, by id.
    async fn documents(&self, workspace: &str, kind: &str) -> Result<Vec<(String, Value)>, StoreError>;

    /// Registers an environment: the newest version if its spec is equal to it, else a new version.
    async fn register_environment(
        &self,
        workspace: &str,
        name: &str,
        spec: EnvironmentSpec,
        at: Timestamp,
    ) -> Result<RegisteredEnvironment, StoreError>;
    /// One registered environment; the newest version when none is given.
    async fn environment(
        &self,
        workspace: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<RegisteredEnvironment, StoreError>;
    /// The newest version of each registered environment by name.
    async fn environments(&self, workspace: &str) -> Result<Vec<RegisteredEnvironment>, StoreError>;

    /// Keeps a lock under its environment's content id. The first one stays: putting another changes nothing.
    async fn put_lock(&self, environment_id: &str, lock: Lock) -> Result<(), StoreError>;
    /// The lock of an environment.
    async fn lock(&self, environment_id: &str) -> Result<Lock, StoreError>;

    /// Registers a model as the next version of its name. Numbers begin at 1 and are given once, also after a version was
    /// deleted. The flag says whether it is new: one that is there under the same id, of the same name and from the same
    /// files, is given back as it stands. [`StoreError::Conflict`] when the id belongs to another registration or to a
    /// deleted model, and when the name is there in another case.
    async fn register_model(&self, new: NewModel, at: Timestamp) -> Result<(Model, bool), StoreError>;
    /// One model; the newest version when none is given. Names compare exactly.
    async fn model(&self, workspace: &str, name: &str, version: Option<u32>) -> Result<Model, StoreError>;
    /// Models, newest first (by order of registration), filtered. `filter.run` is a full id here.
    async fn models(&self, workspace: &str, filter: &ModelFilter) -> Result<Vec<Model>, StoreError>;
    /// Changes a model, all or none. [`StoreError::Conflict`] for a property that is there with another value.
    async fn change_model(
        &self,
        workspace: &str,
        name: &str,
        version: u32,
        change: ChangeModel,
    ) -> Result<Model, StoreError>;
    /// Deletes a version of a model; its files stay where they are kept. [`StoreError::Conflict`] while a service uses it.
    async fn delete_model(&self, workspace: &str, name: &str, version: u32) -> Result<(), StoreError>;

    /// Records a target that is being attached. Names compare exactly; [`StoreError::Conflict`] when the name or the id
    /// is taken, also by an equal target.
    async fn create_target(&self, target: ComputeTarget) -> Result<(), StoreError>;
    /// Replaces the target that has this name and this id. [`StoreError::NotFound`] when there is none, also when the
    /// name is another attachment's by now: a late answer about a detached target changes nothing.
    async fn put_target(&self, target: ComputeTarget) -> Result<(), StoreError>;
    /// All targets by name.
    async fn targets(&self) -> Result<Vec<ComputeTarget>, StoreError>;
    /// The target of this name.
    async fn target(&self, name: &str) -> Result<ComputeTarget, StoreError>;
    /// Removes the target that has this name and this id, and what is sealed for it. It is no error when it is not
    /// there; secrets that were sealed for an id which no target has are removed then. Another target's stay.
    async fn remove_target(&self, name: &str, id: &str) -> Result<(), StoreError>;

    /// Records a web service. Names compare exactly, within their workspace, which must be there;
    /// [`StoreError::Conflict`] when the name or the id is taken, also by an equal service.
    async fn create_service(&self, service: WebService) -> Result<(), StoreError>;
    /// Replaces the service that has this workspace, name and id. [`StoreError::NotFound`] when there is none, also when
    /// the name is another service's by now.
    async fn put_service(&self, service: WebService) -> Result<(), StoreError>;
    /// All services, of one workspace or of all, by workspace and name.
    async fn services(&self, workspace: Option<&str>) -> Result<Vec<WebService>, StoreError>;
    /// The service of this name.
    async fn service(&self, workspace: &str, name: &str) -> Result<WebService, StoreError>;
    /// Removes the service that has this workspace, name and id; it is no error when it is not there.
    async fn remove_service(&self, workspace: &str, name: &str, id: &RunId) -> Result<(), StoreError>;

    /// Keeps what is sealed for an owner (a target's id, which need not be there yet) in place of what was there. To
    /// the store these are bytes without a meaning: it never sees a secret.
    async fn put_secret(&self, owner: &str, sealed: Vec<u8>) -> Result<(), StoreError>;
    /// What is sealed for an owner.
    async fn secret(&self, owner: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Removes what is sealed for an owner; it is no error when nothing is.
    async fn remove_secret(&self, owner: &str) -> Result<(), StoreError>;

    /// Keeps an address in place of the one that was there for its resource id. Resource ids are compared without
    /// regard to ASCII case, and given back in the case in which they were given last.
    async fn put_address(&self, address: ResourceAddress) -> Result<(), StoreError>;
    /// The address book by resource id.
    async fn addresses(&self) -> Result<Vec<ResourceAddress>, StoreError>;
    /// The address of a resource.
    async fn address(&self, resource_id: &str) -> Result<Option<ResourceAddress>, StoreError>;
    /// Removes the address of a resource; tells whether there was one.
    async fn remove_address(&self, resource_id: &str) -> Result<bool, StoreError>;
}
