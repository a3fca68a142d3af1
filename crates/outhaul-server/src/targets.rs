//! The targets of this server: each a driver in its layers, with its queue and its observer.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outhaul_driver::Driver;
use outhaul_types::{ApiError, RunId};
use tokio::sync::Notify;

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

/// All targets by name.
pub(crate) struct Targets(BTreeMap<String, Arc<Target>>);

impl Targets {
    pub(crate) fn new(targets: impl IntoIterator<Item = Arc<Target>>) -> Self {
        Self(
            targets
                .into_iter()
                .map(|target| (target.name.clone(), target))
                .collect(),
        )
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Arc<Target>, ApiError> {
        self.0.get(name).ok_or_else(|| {
            unknown(
                "compute target",
                name,
                self.0.keys().map(String::as_str),
                "outhaul target list",
            )
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.0.values()
    }
}
