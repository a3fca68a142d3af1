//! The targets of this server: each a driver in its layers, with its queue and its observer.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use outhaul_driver::Driver;
use outhaul_types::{ApiError, ComputeTarget, ProvisioningState, RunId};
use tokio::sync::{Notify, watch};

use crate::errors::unknown;
use crate::observer::Observer;
use crate::scheduler::Scheduler;

/// One target.
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) observer: Observer,
    scheduler: Mutex<Scheduler>,
    /// Wakes the reconciler of a run: somebody asked for its end.
    wakes: Mutex<HashMap<RunId, Arc<Notify>>>,
    /// Becomes true when another attachment takes over: whoever works for this one stops and concludes nothing.
    pub(crate) retired: watch::Sender<bool>,
}

impl Target {
    pub(crate) fn new(name: &str, driver: Arc<dyn Driver>) -> Arc<Self> {
        let slots = driver.capabilities().default_slots;
        Arc::new(Self {
            name: name.to_owned(),
            observer: Observer::start(Arc::clone(&driver)),
            driver,
            scheduler: Mutex::new(Scheduler::new(slots)),
            wakes: Mutex::default(),
            retired: watch::channel(false).0,
        })
    }

    pub(crate) fn scheduler(&self) -> MutexGuard<'_, Scheduler> {
        self.scheduler.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The wake-up of a run's reconciler, made with the reconciler.
    pub(crate) fn register_wake(&self, id: &RunId) -> Arc<Notify> {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(wakes.entry(id.clone()).or_default())
    }

    /// Wakes a run's reconciler, if it has one.
    pub(crate) fn wake(&self, id: &RunId) {
        let wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wake) = wakes.get(id) {
            wake.notify_one();
        }
    }

    /// Forgets a run that has ended.
    pub(crate) fn forget(&self, id: &RunId) {
        self.wakes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
        self.scheduler().ended(id);
    }
}

/// A target as it is known: this machine, or one that was attached.
#[derive(Clone)]
pub(crate) struct Entry {
    /// What is stored of it; `None` for this machine.
    pub(crate) record: Option<ComputeTarget>,
    /// What runs on it; `None` while it is not attached.
    pub(crate) live: Option<Arc<Target>>,
}

/// All targets by name.
#[derive(Default)]
pub(crate) struct Targets(RwLock<BTreeMap<String, Entry>>);

impl Targets {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Entry>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a target in place of the one that has its name.
    pub(crate) fn put(&self, name: &str, entry: Entry) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(name.to_owned(), entry);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
    }

    /// What is known under a name.
    pub(crate) fn entry(&self, name: &str) -> Result<Entry, ApiError> {
        let all = self.read();
        all.get(name).cloned().ok_or_else(|| {
            unknown(
                "compute target",
                name,
                all.keys().map(String::as_str),
                "outhaul target list",
            )
        })
    }

    /// The target of this name, or the one that took its place.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<Target>, ApiError> {
        let successor = || {
            let all = self.read();
            let mut entries = all.values();
            let is_alias = |record: &ComputeTarget| record.aliases.iter().any(|alias| alias == name);
            entries
                .find(|entry| entry.record.as_ref().is_some_and(is_alias))
                .cloned()
        };
        let entry = match self.entry(name) {
            Ok(entry) => entry,
            Err(error) => successor().ok_or(error)?,
        };
        if let Some(live) = entry.live {
            return Ok(live);
        }
        let record = entry.record.as_ref();
        Err(match record.map(|record| record.state) {
            Some(ProvisioningState::Failed) => {
                let why = record
                    .and_then(|record| record.error.as_ref())
                    .map(|error| error.message.clone());
                ApiError::conflict(format!(
                    "compute target `{name}` could not be attached: {}",
                    why.unwrap_or_default()
                ))
                .with_hint("attach it again")
            }
            Some(ProvisioningState::Deleting) => {
                ApiError::conflict(format!("compute target `{name}` is being detached"))
            }
            _ => ApiError::conflict(format!("compute target `{name}` is still being attached"))
                .with_hint(format!("`outhaul target show {name}` shows how far it is")),
        })
    }

    /// All targets that take runs.
    pub(crate) fn live(&self) -> Vec<Arc<Target>> {
        self.read()
            .values()
            .filter_map(|entry| entry.live.clone())
            .collect()
    }

    /// All that is known.
    pub(crate) fn entries(&self) -> Vec<(String, Entry)> {
        self.read()
            .iter()
            .map(|(name, entry)| (name.clone(), entry.clone()))
            .collect()
    }
}
