//! Asking for a run's end, whatever it does now.

use outhaul_store::{Guard, StoreError};
use outhaul_types::api::CancelAnswer;
use outhaul_types::{ApiError, CancelReason, Run, RunEventKind, RunState};

use crate::app::App;
use crate::errors::translate;
use crate::tracked;

/// Asks for a run's end.
pub(crate) async fn end(app: &App, run: &Run) -> Result<CancelAnswer, ApiError> {
    let answer = |state: RunState, already_ended| CancelAnswer {
        id: run.id.clone(),
        state,
        already_ended,
    };
    if run.state.is_terminal() || run.state == RunState::Finalizing {
        return Ok(answer(run.state, true));
    }
    if run.state == RunState::CancelRequested {
        return Ok(answer(run.state, false));
    }
    if run.spec.is_none() {
        // Nobody but whoever plays it could be asked.
        let run = tracked::cancel(app, run).await?;
        return Ok(answer(run.state, false));
    }
    let target = app.targets.get(&run.target)?;
    let mut events = vec![RunEventKind::CancelRequested {
        reason: CancelReason::User,
    }];
    // A run that nobody works on ends at once.
    if target.scheduler().withdraw(&run.id) {
        events.push(RunEventKind::Canceled);
    }
    match app.apply(&run.id, Guard::Any, events).await {
        Ok(applied) => {
            target.wake(&run.id);
            Ok(answer(applied.run.state, false))
        }
        Err(StoreError::Forbidden(_)) => {
            let now = app.store.run(&run.id).await.map_err(translate)?;
            Ok(answer(now.state, now.state != RunState::CancelRequested))
        }
        Err(error) => Err(translate(error)),
    }
}
