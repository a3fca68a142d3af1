//! Credentials on their way from a command to a target: kept in memory, for a short while, under a ticket.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use outhaul_types::{ApiError, RunId, Secret};

/// How long a ticket counts.
const LIFE: Duration = Duration::from_secs(600);
/// How many are kept at once.
const MOST: usize = 64;

/// Credentials by their tickets, with the time at which they were handed over.
type Kept = HashMap<String, (Instant, BTreeMap<String, Secret>)>;

/// Handed-over credentials.
#[derive(Default)]
pub(crate) struct Tickets(Mutex<Kept>);

impl Tickets {
    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (at, _)| at.elapsed() < LIFE);
        all
    }

    /// Keeps a credential.
    pub(crate) fn keep(&self, secrets: BTreeMap<String, Secret>) -> Result<String, ApiError> {
        // As random as a run's id; twice as long, because whoever has it has the credential.
        let part = || RunId::generate().map_err(|error| ApiError::internal(error.to_string()));
        let ticket = format!("{}{}", part()?, part()?);
        let mut all = self.lock();
        if all.len() >= MOST {
            return Err(ApiError::conflict("too many credentials wait to be used")
                .with_hint("try again in some minutes"));
        }
        all.insert(ticket.clone(), (Instant::now(), secrets));
        Ok(ticket)
    }

    /// The credential of a ticket, which counts on.
    pub(crate) fn look(&self, ticket: &str) -> Result<BTreeMap<String, Secret>, ApiError> {
        let all = self.lock();
        all.get(ticket)
            .map(|(_, secrets)| secrets.clone())
            .ok_or_else(|| {
                ApiError::bad_request("the credential's ticket does not count (any more)").with_hint(
                    "hand the credential over again: the server may have been started anew in between",
                )
            })
    }

    /// Forgets a credential that was used.
    pub(crate) fn redeem(&self, ticket: &str) {
        self.lock().remove(ticket);
    }
}
