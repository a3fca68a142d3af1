//! Removes what ended runs left on their targets, behind everybody's back: nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use outhaul_driver::NativeId;
use outhaul_types::{ErrorCode, Run};
use tokio::sync::mpsc;

use crate::app::App;
use crate::failpoint;

/// How many runs are cleaned up after one flush of the disk at most.
const BATCH: usize = 64;

/// When a run is tried again whose folder could not be removed, as a rule because its target could not be reached.
const AGAIN: Duration = Duration::from_secs(300);

/// Takes runs that have ended.
pub(crate) struct Janitor(mpsc::UnboundedSender<Run>);

impl Janitor {
    /// The janitor and the queue that [`work`] empties.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Run>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Hands a run over whose logs, metrics and outputs are all collected and on the disk.
    pub(crate) fn clean_up(&self, run: Run) {
        // Nobody receives any more when the server stops; the next one takes it up again.
        let _ = self.0.send(run);
    }
}

/// Cleans up until the server stops. What could not be removed is tried again later, and by the next server.
pub(crate) async fn work(app: Arc<App>, mut runs: mpsc::UnboundedReceiver<Run>) {
    let mut ended = Vec::new();
    while runs.recv_many(&mut ended, BATCH).await > 0 {
        // What was brought in must be on the disk before its origin goes: a power cut must not take both.
        if let Err(error) = sync(&app).await {
            tracing::warn!(%error, "janitor: the data folder cannot be flushed; the runs' folders stay for now");
            ended.clear();
            continue;
        }
        for run in ended.drain(..) {
            failpoint::hit("release.before");
            if let Err(error) = release(&app, &run).await {
                tracing::warn!(run = %run.id, error, "janitor: the run's folder on its target stays for now");
                let app = Arc::clone(&app);
                tokio::spawn(async move {
                    tokio::time::sleep(AGAIN).await;
                    app.janitor.clean_up(run);
                });
            }
            failpoint::hit("release.after");
        }
        app.reserve.refill();
    }
}

/// Flushes the file system of the data folder: logs and outputs of the whole batch at once.
pub(crate) async fn sync(app: &App) -> std::io::Result<()> {
    let folder = app.home.root().to_owned();
    let flushed = tokio::task::spawn_blocking(move || {
        let folder = std::fs::File::open(folder)?;
        nix::unistd::syncfs(&folder).map_err(std::io::Error::from)
    });
    flushed.await.map_err(std::io::Error::other)?
}

async fn release(app: &App, run: &Run) -> Result<(), String> {
    if run.attempt > 0 {
        match app.targets.get(&run.target) {
            Ok(target) => {
                let native = run
                    .native_id
                    .clone()
                    .unwrap_or_else(|| run.id.key(run.attempt).to_string());
                let released = target.driver.release(&NativeId(native)).await;
                released.map_err(|error| error.to_string())?;
            }
            // It was detached, and what the run left went with all the rest.
            Err(error) if error.code == ErrorCode::NotFound => {}
            Err(error) => return Err(error.message),
        }
    }
    app.store
        .mark_released(&run.id)
        .await
        .map_err(|error| error.to_string())
}
