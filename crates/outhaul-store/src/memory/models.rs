//! Models in memory.

use jiff::Timestamp;
use outhaul_types::api::ModelFilter;
use outhaul_types::{ChangeModel, Model, NewModel, RunId};

use crate::StoreError;
use crate::rules::models::{self as rules, ModelQuery, ServiceModels};

/// A number that was given, and the model that has it until it is deleted.
#[derive(Clone, Debug)]
struct Given {
    id: RunId,
    workspace: String,
    name: String,
    version: u32,
    model: Option<Model>,
}

/// All models of all workspaces, in the order of registration.
#[derive(Clone, Debug, Default)]
pub(super) struct Models {
    given: Vec<Given>,
}

impl Models {
    /// The flag says whether it is new.
    pub fn register(&mut self, new: NewModel, at: Timestamp) -> Result<(Model, bool), StoreError> {
        if let Some(known) = self.given.iter().find(|given| given.id == new.id) {
            let model = known.model.clone().ok_or_else(|| rules::id_taken(&new.id))?;
            return Ok((rules::registered_before(model, &new)?, false));
        }
        let key = rules::name_key(&new.name);
        let same_name =
            |given: &&Given| given.workspace == new.workspace && rules::name_key(&given.name) == key;
        let living = self
            .given
            .iter()
            .filter(same_name)
            .find(|given| given.model.is_some());
        rules::check_case(&new.name, living.map(|given| given.name.as_str()))?;
        let highest = self
            .given
            .iter()
            .filter(same_name)
            .map(|given| given.version)
            .max();
        let version = rules::next_version(&new.name, highest)?;
        let model = Model::registered(new, version, at);
        self.given.push(Given {
            id: model.id.clone(),
            workspace: model.workspace.clone(),
            name: model.name.clone(),
            version,
            model: Some(model.clone()),
        });
        Ok((model, true))
    }

    pub fn get(&self, workspace: &str, name: &str, version: Option<u32>) -> Result<Model, StoreError> {
        let found = self
            .newest_first(workspace)
            .find(|model| model.name == name && version.is_none_or(|version| version == model.version));
        found.cloned().ok_or_else(|| rules::no_model(name, version))
    }

    pub fn list(&self, workspace: &str, filter: &ModelFilter) -> Vec<Model> {
        ModelQuery::new(filter).choose(self.newest_first(workspace).cloned().collect())
    }

    pub fn change(
        &mut self,
        workspace: &str,
        name: &str,
        version: u32,
        change: ChangeModel,
    ) -> Result<Model, StoreError> {
        let place = self.place(workspace, name, version)?;
        let changed = rules::change(place.clone(), change)?;
        place.clone_from(&changed);
        Ok(changed)
    }

    pub fn delete(
        &mut self,
        workspace: &str,
        name: &str,
        version: u32,
        services: &[ServiceModels],
    ) -> Result<(), StoreError> {
        let model = self.place(workspace, name, version)?.reference();
        rules::check_unused(&model, services)?;
        for given in &mut self.given {
            if given.workspace == workspace && given.name == name && given.version == version {
                given.model = None;
            }
        }
        Ok(())
    }

    fn newest_first(&self, workspace: &str) -> impl Iterator<Item = &Model> {
        let here = self.given.iter().rev().filter_map(|given| given.model.as_ref());
        here.filter(move |model| model.workspace == workspace)
    }

    fn place(&mut self, workspace: &str, name: &str, version: u32) -> Result<&mut Model, StoreError> {
        let mut all = self.given.iter_mut().filter_map(|given| given.model.as_mut());
        all.find(|model| model.workspace == workspace && model.name == name && model.version == version)
            .ok_or_else(|| rules::no_model(name, Some(version)))
    }
}
