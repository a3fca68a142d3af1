//! The states of a run and the one table of transitions between them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a run is in its life, in the words that Azure ML users know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum RunState {
    /// Recorded, nothing done yet.
    NotStarted,
    /// Waits for a free slot of its target.
    Queued,
    /// The target itself is being made or woken up.
    Provisioning,
    /// The environment is being built and the code staged.
    Preparing,
    /// The launch is decided and durable; the process may or may not exist yet.
    Starting,
    /// The target has shown that the process exists.
    Running,
    /// The process has ended; logs, metrics and outputs are being collected.
    Finalizing,
    /// Somebody (or the time limit) asked for its end, which the target has not yet shown.
    CancelRequested,
    /// Ended with exit code 0.
    Completed,
    /// Ended in failure; the run carries a failure class.
    Failed,
    /// Ended because somebody (or the time limit) asked for it.
    Canceled,
}

use RunState::{
    CancelRequested, Canceled, Completed, Failed, Finalizing, NotStarted, Preparing, Provisioning, Queued,
    Running, Starting,
};

impl RunState {
    /// All states in the order of a run's life.
    pub const ALL: [Self; 11] = [
        NotStarted,
        Queued,
        Provisioning,
        Preparing,
        Starting,
        Running,
        CancelRequested,
        Finalizing,
        Completed,
        Failed,
        Canceled,
    ];

    /// The states that may follow this one within an attempt. Forward only: no state can be reached twice.
    #[must_use]
    pub const fn next(self) -> &'static [Self] {
        match self {
            NotStarted => &[Queued, CancelRequested, Failed, Canceled],
            Queued => &[Provisioning, Preparing, CancelRequested, Failed, Canceled],
            Provisioning => &[Preparing, CancelRequested, Failed, Canceled],
            Preparing => &[Starting, CancelRequested, Failed, Canceled],
            // A short process may have ended before anybody saw it run.
            Starting => &[Running, CancelRequested, Finalizing, Failed],
            Running => &[CancelRequested, Finalizing, Failed],
            CancelRequested => &[Finalizing, Failed, Canceled],
            Finalizing => &[Completed, Failed, Canceled],
            Completed | Failed | Canceled => &[],
        }
    }

    /// Whether `self → next` is in the table.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        self.next().contains(&next)
    }

    /// Whether the run has ended.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        self.next().is_empty()
    }

    /// The state's name as users and the API write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            NotStarted => "NotStarted",
            Queued => "Queued",
            Provisioning => "Provisioning",
            Preparing => "Preparing",
            Starting => "Starting",
            Running => "Running",
            CancelRequested => "CancelRequested",
            Finalizing => "Finalizing",
            Completed => "Completed",
            Failed => "Failed",
            Canceled => "Canceled",
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no run state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a run state; did you mean `{1}`?")]
pub struct UnknownState(String, String);

impl FromStr for RunState {
    type Err = UnknownState;

    /// Reads a state without regard to case; `cancelled` is accepted too.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("cancelled") {
            return Ok(Canceled);
        }
        Self::ALL
            .into_iter()
            .find(|state| state.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::as_str);
                UnknownState(
                    text.to_owned(),
                    crate::nearest::nearest(text, names)
                        .unwrap_or("Running")
                        .to_owned(),
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forward only: following the table, no state is ever met twice, and every path ends.
    #[test]
    fn the_table_has_no_circle_and_every_path_ends() {
        fn walk(state: RunState, seen: &mut Vec<RunState>) {
            assert!(!seen.contains(&state), "{state} is met twice: {seen:?}");
            seen.push(state);
            if state.next().is_empty() {
                assert!(matches!(state, Completed | Failed | Canceled));
            }
            for next in state.next() {
                walk(*next, seen);
            }
            seen.pop();
        }
        walk(NotStarted, &mut Vec::new());
    }

    #[test]
    fn every_state_can_be_reached_and_can_end() {
        for state in RunState::ALL {
            let reached = state == NotStarted || RunState::ALL.into_iter().any(|from| from.may_become(state));
            assert!(reached, "{state} cannot be reached");
            assert!(
                state.is_terminal() || state.may_become(Failed),
                "{state} cannot fail"
            );
        }
    }

    #[test]
    fn names_read_back_in_any_case() {
        for state in RunState::ALL {
            assert_eq!(state.as_str().to_lowercase().parse(), Ok(state));
        }
        assert_eq!("cancelled".parse(), Ok(Canceled));
        assert!(
            "Runing"
                .parse::<RunState>()
                .unwrap_err()
                .to_string()
                .contains("`Running`")
        );
    }
}
