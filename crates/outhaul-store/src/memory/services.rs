//! Web services in memory.

use std::collections::BTreeMap;

use outhaul_types::{RunId, WebService};

use crate::{StoreError, rules};

/// By workspace and name.
#[derive(Clone, Debug, Default)]
pub(super) struct Services(BTreeMap<(String, String), WebService>);

fn key(workspace: &str, name: &str) -> (String, String) {
    (workspace.to_owned(), name.to_owned())
}

impl Services {
    pub fn create(&mut self, service: WebService) -> Result<(), StoreError> {
        let key = key(&service.workspace, &service.name);
        if self.0.contains_key(&key) {
            return Err(rules::service_name_taken(&service.name));
        }
        if self.0.values().any(|other| other.id == service.id) {
            return Err(rules::service_id_taken(&service.id));
        }
        self.0.insert(key, service);
        Ok(())
    }

    pub fn put(&mut self, service: WebService) -> Result<(), StoreError> {
        match self.0.get_mut(&key(&service.workspace, &service.name)) {
            Some(there) if there.id == service.id => {
                *there = service;
                Ok(())
            }
            _ => Err(rules::no_service(&service.name)),
        }
    }

    pub fn all(&self, workspace: Option<&str>) -> Vec<WebService> {
        let meant = |service: &&WebService| workspace.is_none_or(|name| name == service.workspace);
        self.0.values().filter(meant).cloned().collect()
    }

    pub fn get(&self, workspace: &str, name: &str) -> Result<WebService, StoreError> {
        let found = self.0.get(&key(workspace, name)).cloned();
        found.ok_or_else(|| rules::no_service(name))
    }

    pub fn remove(&mut self, workspace: &str, name: &str, id: &RunId) {
        let key = key(workspace, name);
        if self.0.get(&key).is_some_and(|service| service.id == *id) {
            self.0.remove(&key);
        }
    }
}
