//! Asks a target how its runs are: one question for all that may have changed, and for all of them at each tick.
//! While no run is registered it sleeps without a timer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use outhaul_driver::{ChangeFeed, Driver, NativeId, Observation};
use tokio::sync::{Notify, watch};

/// The net under the wake-ups of a target that tells changes.
const TICK_WITH_CHANGES: Duration = Duration::from_secs(2);
/// The tick of a target that has to be asked.
const TICK: Duration = Duration::from_secs(5);

/// What a target said about a run when it was last asked.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// Not asked yet.
    Nothing,
    /// It answered.
    Observed(Observation),
    /// It answered, and does not know the run.
    Unknown,
    /// It did not answer.
    NoContact(String),
}

type Watched = Mutex<HashMap<NativeId, watch::Sender<Seen>>>;

/// The observer of one target.
pub(crate) struct Observer {
    watched: Arc<Watched>,
    registered: Arc<Notify>,
    task: tokio::task::AbortHandle,
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Observer {
    /// Starts the observer's task.
    pub(crate) fn start(driver: Arc<dyn Driver>) -> Self {
        let (watched, registered) = (Arc::new(Watched::default()), Arc::new(Notify::new()));
        let task = tokio::spawn(observe(driver, Arc::clone(&watched), Arc::clone(&registered)));
        Self {
            watched,
            registered,
            task: task.abort_handle(),
        }
    }

    /// Follows a run from now on, until the receiver is dropped. It is asked about at once.
    pub(crate) fn follow(&self, id: &NativeId) -> watch::Receiver<Seen> {
        let (sender, receiver) = watch::channel(Seen::Nothing);
        self.lock().insert(id.clone(), sender);
        self.registered.notify_one();
        receiver
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<NativeId, watch::Sender<Seen>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn observe(driver: Arc<dyn Driver>, watched: Arc<Watched>, registered: Arc<Notify>) {
    let mut changes = driver.changes();
    let tick = if changes.is_some() {
        TICK_WITH_CHANGES
    } else {
        TICK
    };
    loop {
        let due = wait(&watched, &registered, &mut changes, tick).await;
        if due.is_empty() {
            continue;
        }
        let answer = driver.observe(&due).await;
        let watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
        let tell = |id: &NativeId, seen: Seen| {
            if let Some(sender) = watched.get(id) {
                sender.send_replace(seen);
            }
        };
        match answer {
            Ok(observations) => {
                let mut unknown: Vec<&NativeId> = due.iter().collect();
                for observation in observations {
                    unknown.retain(|id| **id != observation.id);
                    tell(&observation.id.clone(), Seen::Observed(observation));
                }
                for id in unknown {
                    tell(id, Seen::Unknown);
                }
            }
            Err(error) => {
                for id in &due {
                    tell(id, Seen::NoContact(error.with_advice()));
                }
            }
        }
    }
}

/// Waits for something to ask about: runs that were registered or may have changed; at a tick, all.
async fn wait(
    watched: &Watched,
    registered: &Notify,
    changes: &mut Option<ChangeFeed>,
    tick: Duration,
) -> Vec<NativeId> {
    let nobody = {
        let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|_, sender| sender.receiver_count() > 0);
        watched.is_empty()
    };
    let change = async {
        match changes {
            Some(feed) => feed.next().await,
            None => std::future::pending().await,
        }
    };
    let mut due: Vec<NativeId> = tokio::select! {
        () = registered.notified() => {
            let watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
            watched.iter().filter(|(_, sender)| matches!(*sender.borrow(), Seen::Nothing)).map(|(id, _)| id.clone()).collect()
        }
        Some(id) = change => vec![id],
        () = tokio::time::sleep(tick), if !nobody => {
            watched.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
        }
    };
    // Whatever else has changed meanwhile goes into the same question.
    if let Some(feed) = changes {
        due.extend(std::iter::from_fn(|| feed.try_next()));
    }
    due.sort();
    due.dedup();
    let watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
    due.retain(|id| watched.contains_key(id));
    due
}
