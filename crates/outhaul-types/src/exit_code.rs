//! The exit codes of the `outhaul` command: part of its interface, documented in `docs/exit-codes.md`.
//!
//! `outhaul run` and `outhaul runs wait` give the script's own exit code where the script has one. The codes
//! here are for all other ends; they lie where scripts seldom go.

use crate::failure::{CancelReason, FailureClass};
use crate::run::Run;
use crate::state::RunState;

/// All went well.
pub const SUCCESS: u8 = 0;
/// The command line, a file that it names, or a request was wrong. Nothing was changed.
pub const USER: u8 = 2;
/// The environment could not be locked or built.
pub const ENVIRONMENT: u8 = 120;
/// The target failed: it could not start the run, rebooted, or lost it.
pub const TARGET: u8 = 121;
/// Outhaul itself failed: a full disk in the data folder, a server that does not start, a bug.
pub const SYSTEM: u8 = 122;
/// The run was canceled by a person.
pub const CANCELED: u8 = 123;
/// The run was canceled by its `--max-duration`.
pub const TIMED_OUT: u8 = 124;
/// Ctrl-C: the command detached; the run goes on.
pub const DETACHED: u8 = 130;

/// The exit code for a run that has ended (0 for one that has not).
#[must_use]
pub fn of_run(run: &Run) -> u8 {
    match run.state {
        RunState::Canceled => match run.cancel.as_ref().map(|cancel| cancel.reason) {
            Some(CancelReason::MaxDuration) => TIMED_OUT,
            _ => CANCELED,
        },
        RunState::Failed => {
            let class = run
                .failure
                .as_ref()
                .map_or(FailureClass::System, |failure| failure.class);
            match (class, run.exit_code()) {
                // A script's own code, cut to a byte as the operating system does; never 0 for a failure.
                (FailureClass::User, Some(code)) => u8::try_from(code & 0xff)
                    .ok()
                    .filter(|code| *code != 0)
                    .unwrap_or(1),
                (FailureClass::User, None) => USER,
                (FailureClass::Environment, _) => ENVIRONMENT,
                (FailureClass::Target, _) => TARGET,
                (FailureClass::System, _) => SYSTEM,
            }
        }
        _ => SUCCESS,
    }
}
