//! Web services: each is kept up by runs that serve it, one after the other. A run is started, followed, adopted after a
//! restart and ended as any other; what is here decides which run there shall be.
//!
//! [`deploy`] takes requests in, [`spec`], [`place`] and [`port`] check them, [`step`] says what follows (pure), [`keeper`]
//! does it, [`instance`] says what the run of an instance is, [`forward`] leads callers to those of other machines.

mod deploy;
mod forward;
mod instance;
mod keeper;
mod keys;
mod place;
mod port;
mod spec;
mod step;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use outhaul_types::{ApiError, ComputeTarget, RunId};
use tokio::sync::Notify;

pub(crate) use deploy::{delete, deploy, find, list, update};
pub(crate) use keys::{keys_of, renew, variables};

use crate::app::App;
use crate::errors::translate;

/// What the services of this server share.
#[derive(Default)]
pub(crate) struct Services {
    /// Held by whoever reads a service's record to write it.
    turn: tokio::sync::Mutex<()>,
    /// Wakes the keeper of a service.
    wakes: Mutex<HashMap<RunId, Arc<Notify>>>,
    /// The ways to services of other machines.
    ways: forward::Ways,
}

impl Services {
    /// Wakes the keeper of a service. Where there is none, gives what a new one is to be woken by.
    fn wake(&self, id: &RunId) -> Option<Arc<Notify>> {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wake) = wakes.get(id) {
            wake.notify_one();
            return None;
        }
        let wake = Arc::new(Notify::new());
        wakes.insert(id.clone(), Arc::clone(&wake));
        Some(wake)
    }

    fn forget(&self, id: &RunId) {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        wakes.remove(id);
    }
}

/// The names of the services that run on a target, or on one whose place it took.
pub(crate) async fn on_target(app: &App, target: &ComputeTarget) -> Result<Vec<String>, ApiError> {
    let mut all = app.store.services(None).await.map_err(translate)?;
    all.retain(|service| service.target == target.name || target.aliases.contains(&service.target));
    Ok(all.into_iter().map(|service| service.name).collect())
}

/// Takes up all services where the last server left them.
pub(crate) async fn recover(app: &Arc<App>) -> Result<(), ApiError> {
    for service in app.store.services(None).await.map_err(translate)? {
        keeper::start(app, &service);
    }
    Ok(())
}
