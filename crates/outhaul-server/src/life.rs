//! The life of a run: a reconciler without input. It reads where the run stands, does the one step that follows,
//! records it, and goes on; a restarted server, a lost answer and the normal path are the same code.
//!
//! A durable intent stands before each side effect, every effect may be repeated, and a change is only recorded on
//! the version of the run that it was decided on.

mod context;
mod finalize;
mod follow;
mod launch;
mod outcome;
mod prepare;
mod step;

use std::sync::Arc;
use std::time::Duration;

use outhaul_store::StoreError;
use outhaul_types::{Run, RunId, RunState};

use crate::app::App;
use crate::scheduler::is_of_service;
use crate::targets::Target;
use context::{Context, Trouble};
use step::{Step, next};

/// How long a process has between the polite request to end and the end by force.
const GRACE: Duration = Duration::from_secs(10);
/// The same for the process of a service, which answers first what it still has.
const GRACE_OF_SERVICES: Duration = Duration::from_secs(40);

/// How long a run's process has to end.
pub(crate) fn grace(run: &Run) -> Duration {
    if is_of_service(run) {
        GRACE_OF_SERVICES
    } else {
        GRACE
    }
}

/// Starts as many queued runs of a target as there are slots.
pub(crate) fn start_ready(app: &Arc<App>, target: &Arc<Target>) {
    loop {
        // The lock must not be held while a task is started.
        let started = target.scheduler().start_next();
        let Some(id) = started else { break };
        spawn(app, target, id);
    }
}

/// Takes up a run that holds a slot.
pub(crate) fn spawn(app: &Arc<App>, target: &Arc<Target>, id: RunId) {
    tokio::spawn(live(Arc::clone(app), Arc::clone(target), id));
}

async fn live(app: Arc<App>, target: Arc<Target>, id: RunId) {
    let mut stopping = app.stopping.subscribe();
    let mut retired = target.retired.subscribe();
    tokio::select! {
        biased;
        // Work is dropped wherever it waits. What a stopping server meets is no evidence (see `Context::record`): the
        // next one looks again.
        _ = stopping.wait_for(|stop| *stop) => return,
        // Whoever took the target over takes its runs up.
        _ = retired.wait_for(|retired| *retired) => return,
        () = steps(&app, &target, &id) => {}
    }
    target.forget(&id);
    start_ready(&app, &target);
}

async fn steps(app: &Arc<App>, target: &Arc<Target>, id: &RunId) {
    let wake = target.register_wake(id);
    let mut context = Context::new(Arc::clone(app), Arc::clone(target), id.clone(), wake);
    let mut pauses = Pauses::default();
    let mut known: Option<Run> = None;
    loop {
        let run = match known.take() {
            Some(run) => Ok(run),
            None => app.store.run(id).await.map_err(Trouble::from),
        };
        let result = match run {
            Ok(run) => match next(&run) {
                Step::Over => return context.over(&run).await,
                step => context.take(step, run).await,
            },
            Err(trouble) => Err(trouble),
        };
        match result {
            Ok(run) => {
                if run.state == RunState::Finalizing {
                    // Its process has ended: the next may start while this one's leavings are brought in.
                    target.scheduler().ended(id);
                    start_ready(app, target);
                }
                pauses = Pauses::default();
                known = Some(run);
            }
            // Somebody else changed the run: look again at once.
            Err(Trouble::Store(StoreError::Stale { .. })) => {}
            Err(Trouble::Store(StoreError::NotFound { .. })) => return,
            // What happened must be written down, also on a full disk.
            Err(Trouble::Store(StoreError::DiskFull(_))) if app.reserve.give() => {}
            Err(trouble) => {
                tracing::warn!(run = %id, %trouble, "life.trouble: trying again");
                pauses.wait().await;
            }
        }
    }
}

/// Growing pauses between tries, so that a full disk is not hammered.
struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(Duration::from_millis(100))
    }
}

impl Pauses {
    async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(Duration::from_secs(15));
    }
}
