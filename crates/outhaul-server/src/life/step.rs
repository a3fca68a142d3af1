//! What follows for a run that stands as it does. Pure.

use outhaul_types::{Run, RunState};

/// The one step that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Make the environment there and decide to launch.
    Prepare,
    /// Ask the target to start it.
    Launch,
    /// It shall end and was never launched, or nobody knows whether it was.
    Withdraw,
    /// Follow its process to the end.
    Follow,
    /// Collect what it left, and end it.
    Finalize,
    /// Nothing: it has ended.
    Over,
}

/// The step that follows for a run.
pub(crate) fn next(run: &Run) -> Step {
    match run.state {
        RunState::NotStarted | RunState::Queued | RunState::Provisioning | RunState::Preparing => {
            Step::Prepare
        }
        RunState::Starting if run.native_id.is_none() => Step::Launch,
        RunState::CancelRequested if run.native_id.is_none() => Step::Withdraw,
        RunState::Starting | RunState::Running | RunState::CancelRequested => Step::Follow,
        RunState::Finalizing => Step::Finalize,
        RunState::Completed | RunState::Failed | RunState::Canceled => Step::Over,
    }
}
