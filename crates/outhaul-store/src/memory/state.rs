//! What the store in memory holds, and the changes that touch more than one of its maps.

use std::collections::BTreeMap;

use jiff::Timestamp;
use outhaul_types::api::{Experiment, Output, RunSummary};
use outhaul_types::environment::RegisteredEnvironment;
use outhaul_types::{
    EnvironmentSpec, Lock, MetricValue, NewRun, Run, RunEvent, RunEventKind, RunId, Workspace,
    WorkspaceSettings,
};

use super::models::Models;
use super::services::Services;
use super::targets::Targets;
use crate::rules::models::ServiceModels;
use crate::rules::{self, RunQuery};
use crate::{AppliedRun, Guard, MetricBatch, StoreError};

/// A run with all that belongs to it.
#[derive(Clone, Debug)]
pub(super) struct StoredRun {
    submitted: NewRun,
    pub run: Run,
    pub events: Vec<RunEvent>,
    pub metrics: Vec<MetricValue>,
    pub ingested: u64,
    pub outputs: BTreeMap<String, Output>,
    pub released: bool,
}

impl StoredRun {
    pub fn newest_metrics(&self) -> Vec<MetricValue> {
        rules::newest(&self.metrics).into_values().cloned().collect()
    }
}

/// Everything. Maps of names within a workspace have the workspace's name first in their key.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub workspaces: BTreeMap<String, Workspace>,
    pub experiments: BTreeMap<(String, String), Experiment>,
    pub environments: BTreeMap<(String, String), Vec<RegisteredEnvironment>>,
    pub locks: BTreeMap<String, Lock>,
    /// By workspace and kind, then by id.
    pub documents: BTreeMap<(String, String), BTreeMap<String, serde_json::Value>>,
    pub models: Models,
    pub targets: Targets,
    pub services: Services,
    /// In the order of submission.
    runs: Vec<StoredRun>,
    /// Where a run is in `runs`.
    places: BTreeMap<RunId, usize>,
}

impl State {
    pub fn workspace(&self, name: &str) -> Result<&Workspace, StoreError> {
        self.workspaces.get(name).ok_or_else(|| StoreError::NotFound {
            what: "workspace",
            name: name.to_owned(),
        })
    }

    pub fn put_workspace(&mut self, name: &str, settings: WorkspaceSettings, at: Timestamp) -> Workspace {
        let current = self.workspaces.is_empty();
        let entry = self.workspaces.entry(name.to_owned());
        let workspace = entry.or_insert_with(|| Workspace {
            name: name.to_owned(),
            settings: WorkspaceSettings::default(),
            created_at: at,
            current,
        });
        workspace.settings = settings;
        workspace.clone()
    }

    pub fn use_workspace(&mut self, name: &str) -> Result<Workspace, StoreError> {
        self.workspace(name)?;
        for workspace in self.workspaces.values_mut() {
            workspace.current = workspace.name == name;
        }
        self.workspace(name).cloned()
    }

    pub fn stored(&self, id: &RunId) -> Result<&StoredRun, StoreError> {
        let place = self.place(id)?;
        Ok(&self.runs[place])
    }

    pub fn stored_mut(&mut self, id: &RunId) -> Result<&mut StoredRun, StoreError> {
        let place = self.place(id)?;
        Ok(&mut self.runs[place])
    }

    fn place(&self, id: &RunId) -> Result<usize, StoreError> {
        let place = self.places.get(id).copied();
        place.ok_or_else(|| StoreError::NotFound {
            what: "run",
            name: id.to_string(),
        })
    }

    pub fn begin_run(
        &mut self,
        new: NewRun,
        first: Vec<RunEventKind>,
        at: Timestamp,
    ) -> Result<AppliedRun, StoreError> {
        if let Ok(stored) = self.stored(&new.id) {
            return if stored.submitted == new {
                Ok(AppliedRun {
                    run: stored.run.clone(),
                    events: Vec::new(),
                })
            } else {
                Err(rules::other_submission(&new.id))
            };
        }
        self.workspace(&new.workspace)?;
        if let Some(parent) = &new.parent {
            self.place(parent)?;
        }
        let begun = rules::begin(new.clone(), first, at)?;
        let experiment = self.experiment(&new.workspace, &new.experiment);
        if new.parent.is_none() {
            experiment.runs += 1;
            experiment.last_run_at = Some(at);
        }
        self.places.insert(new.id.clone(), self.runs.len());
        self.runs.push(StoredRun {
            submitted: new,
            run: begun.run.clone(),
            events: begun.events.clone(),
            metrics: Vec::new(),
            ingested: 0,
            outputs: BTreeMap::new(),
            released: false,
        });
        Ok(begun)
    }

    /// The experiment, made where it is not there.
    pub fn experiment(&mut self, workspace: &str, name: &str) -> &mut Experiment {
        let key = (workspace.to_owned(), name.to_owned());
        self.experiments.entry(key).or_insert_with(|| Experiment {
            name: name.to_owned(),
            runs: 0,
            last_run_at: None,
        })
    }

    pub fn find_run(&self, prefix: &str) -> Result<Run, StoreError> {
        let not_found = || StoreError::NotFound {
            what: "run",
            name: prefix.to_owned(),
        };
        if !RunId::is_prefix(prefix) {
            return Err(not_found());
        }
        let all = self
            .places
            .iter()
            .filter(|(id, _)| id.as_str().starts_with(prefix));
        match all.take(rules::AMBIGUOUS_SHOWN).collect::<Vec<_>>().as_slice() {
            [] => Err(not_found()),
            [(_, place)] => Ok(self.runs[**place].run.clone()),
            several => Err(StoreError::Ambiguous {
                prefix: prefix.to_owned(),
                matches: several.iter().map(|(id, _)| id.to_string()).collect(),
            }),
        }
    }

    pub fn list_runs(&self, query: &RunQuery<'_>) -> Result<Vec<RunSummary>, StoreError> {
        let listed = self.listed(query)?;
        Ok(listed.map(|stored| RunSummary::from(&stored.run)).collect())
    }

    pub fn runs_with_metrics(
        &self,
        query: &RunQuery<'_>,
    ) -> Result<Vec<(Run, Vec<MetricValue>)>, StoreError> {
        let listed = self.listed(query)?;
        Ok(listed
            .map(|stored| (stored.run.clone(), stored.newest_metrics()))
            .collect())
    }

    /// What a query means, newest first.
    fn listed<'a>(
        &'a self,
        query: &'a RunQuery<'_>,
    ) -> Result<impl Iterator<Item = &'a StoredRun>, StoreError> {
        if let Some(name) = query.workspace {
            self.workspace(name)?;
        }
        let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
        let newest_first = self.runs.iter().rev();
        Ok(newest_first
            .filter(|stored| query.matches(&stored.run))
            .take(limit))
    }

    /// Runs with a spec that satisfy `wanted`, oldest first.
    pub fn runs_where(&self, wanted: impl Fn(&StoredRun) -> bool) -> Vec<Run> {
        let with_spec = self.runs.iter().filter(|stored| stored.run.spec.is_some());
        with_spec
            .filter(|stored| wanted(stored))
            .map(|stored| stored.run.clone())
            .collect()
    }

    pub fn apply(
        &mut self,
        id: &RunId,
        guard: Guard,
        events: Vec<RunEventKind>,
        at: Timestamp,
    ) -> Result<AppliedRun, StoreError> {
        let stored = self.stored_mut(id)?;
        let applied = rules::apply_events(stored.run.clone(), guard, events, at)?;
        stored.run.clone_from(&applied.run);
        stored.events.extend_from_slice(&applied.events);
        Ok(applied)
    }

    pub fn add_metrics(&mut self, id: &RunId, batch: MetricBatch) -> Result<(), StoreError> {
        rules::check_metrics(id, self.stored(id)?.ingested, &batch)?;
        for (owner, _) in &batch.values {
            self.place(owner)?;
        }
        for (owner, value) in batch.values {
            self.stored_mut(&owner)?.metrics.push(value);
        }
        self.stored_mut(id)?.ingested = batch.to;
        Ok(())
    }

    pub fn register_environment(
        &mut self,
        workspace: &str,
        name: &str,
        spec: EnvironmentSpec,
        at: Timestamp,
    ) -> Result<RegisteredEnvironment, StoreError> {
        self.workspace(workspace)?;
        let versions = self
            .environments
            .entry((workspace.to_owned(), name.to_owned()))
            .or_default();
        if let Some(newest) = versions.last()
            && newest.spec == spec
        {
            return Ok(newest.clone());
        }
        let version = versions.last().map_or(1, |newest| newest.version + 1);
        let registered = RegisteredEnvironment {
            name: name.to_owned(),
            version,
            spec,
            created_at: at,
        };
        versions.push(registered.clone());
        Ok(registered)
    }

    pub fn environment(
        &self,
        workspace: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<RegisteredEnvironment, StoreError> {
        let versions = self.environments.get(&(workspace.to_owned(), name.to_owned()));
        let found = versions.and_then(|versions| match version {
            None => versions.last(),
            Some(version) => versions.iter().find(|one| one.version == version),
        });
        found.cloned().ok_or_else(|| rules::no_environment(name, version))
    }

    /// The services of a workspace with their models: what keeps a model from being deleted.
    pub fn services_with_models(&self, workspace: &str) -> Vec<ServiceModels> {
        let services = self.services.all(Some(workspace));
        services.iter().map(ServiceModels::of).collect()
    }
}
