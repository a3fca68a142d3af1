//! Wakes whoever follows a run: a bare "something changed" for each run, with no content of its own.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use outhaul_types::RunId;
use tokio::sync::watch;

/// The hub.
#[derive(Default)]
pub(crate) struct Hub {
    runs: Mutex<HashMap<RunId, watch::Sender<u64>>>,
}

impl Hub {
    /// Tells that a run's log or state changed.
    pub(crate) fn changed(&self, id: &RunId) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = runs.get(id) {
            // A run that nobody follows any more is forgotten.
            if sender.receiver_count() == 0 {
                runs.remove(id);
            } else {
                sender.send_modify(|count| *count += 1);
            }
        }
    }

    /// Follows a run from now on.
    pub(crate) fn follow(&self, id: &RunId) -> watch::Receiver<u64> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.entry(id.clone())
            .or_insert_with(|| watch::channel(0).0)
            .subscribe()
    }
}
