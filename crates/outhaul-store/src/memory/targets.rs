//! Attached targets in memory, with what is sealed for them and the address book.

use std::collections::BTreeMap;
use std::fmt;

use outhaul_types::ComputeTarget;
use outhaul_types::target::ResourceAddress;

use crate::{StoreError, rules};

/// Targets and what belongs to them.
#[derive(Clone, Default)]
pub(super) struct Targets {
    /// By name.
    pub attached: BTreeMap<String, ComputeTarget>,
    /// By owner.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// By [`rules::address_key`].
    pub addresses: BTreeMap<String, ResourceAddress>,
}

impl Targets {
    pub fn create(&mut self, target: ComputeTarget) -> Result<(), StoreError> {
        if self.attached.contains_key(&target.name) {
            return Err(rules::target_name_taken(&target.name));
        }
        if self.has_id(&target.id) {
            return Err(rules::target_id_taken(&target.id));
        }
        self.attached.insert(target.name.clone(), target);
        Ok(())
    }

    pub fn put(&mut self, target: ComputeTarget) -> Result<(), StoreError> {
        match self.attached.get_mut(&target.name) {
            Some(there) if there.id == target.id => {
                *there = target;
                Ok(())
            }
            _ => Err(rules::no_target(&target.name)),
        }
    }

    pub fn remove(&mut self, name: &str, id: &str) {
        if self.attached.get(name).is_some_and(|target| target.id == id) {
            self.attached.remove(name);
        }
        if !self.has_id(id) {
            self.secrets.remove(id);
        }
    }

    fn has_id(&self, id: &str) -> bool {
        self.attached.values().any(|target| target.id == id)
    }
}

impl fmt::Debug for Targets {
    /// Without the sealed bytes: even those belong into no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Targets")
            .field("attached", &self.attached)
            .field("secrets", &self.secrets.len())
            .field("addresses", &self.addresses)
            .finish()
    }
}
