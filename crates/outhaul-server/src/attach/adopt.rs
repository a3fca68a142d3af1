//! Taking up the runs of a target: at start, when a machine turns out to be attached, when it changes hands.

use std::sync::Arc;

use outhaul_types::{ApiError, ComputeTarget, RunState};

use super::active_runs;
use crate::app::App;
use crate::life;
use crate::scheduler::{Group, is_of_service};

/// Takes up all runs of a target that have not ended.
pub(crate) async fn adopt(app: &Arc<App>, target: &ComputeTarget) -> Result<(), ApiError> {
    let Ok(live) = app.targets.get(&target.name) else {
        return Ok(());
    };
    let mut resumed = Vec::new();
    for run in active_runs(app, target).await? {
        match run.state {
            _ if is_of_service(&run) => life::spawn(app, &live, run.id),
            RunState::NotStarted | RunState::Queued => {
                live.scheduler().enqueue(run.id.clone(), Group::of(&run));
            }
            _ => {
                live.scheduler().resume(run.id.clone(), Group::of(&run));
                resumed.push(run.id);
            }
        }
    }
    // All slots are counted before the first queued run may start.
    for id in resumed {
        life::spawn(app, &live, id);
    }
    life::start_ready(app, &live);
    Ok(())
}
