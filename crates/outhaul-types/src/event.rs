//! The append-only event log of a run. A run's state is derived from its events and from nothing else.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::failure::{CancelReason, Exit, Failure};
use crate::id::RunKey;
use crate::run::Waiting;
use crate::state::RunState;

/// What happened to a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RunEventKind {
    /// It was recorded.
    Submitted,
    /// It waits for a slot of its target.
    Queued,
    /// What it waits for changed (`null`: nothing any more).
    Waiting {
        /// Since when, for what, and what would move it.
        waiting: Option<Waiting>,
    },
    /// Its environment is being built and its code staged.
    Preparing,
    /// Its environment is there.
    EnvironmentReady {
        /// Content id of the environment.
        environment_id: String,
    },
    /// It was decided to launch it; written before the target is asked.
    LaunchIntended {
        /// Number of the attempt, from 1.
        attempt: u32,
        /// The key that makes the launch idempotent.
        run_key: RunKey,
    },
    /// The target answered that it has the launch.
    Launched {
        /// The target's own name for it.
        native_id: String,
    },
    /// The target has shown that the process exists.
    Running,
    /// The target could not be asked; the run's state is the last known one.
    ContactLost {
        /// What went wrong.
        reason: String,
    },
    /// The target answers again.
    ContactRestored,
    /// Somebody asked for its end.
    CancelRequested {
        /// Who or what.
        reason: CancelReason,
    },
    /// The target has shown that the process ended.
    Exited {
        /// How.
        exit: Exit,
        /// How long the process ran by the target's own clock, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ran_ms: Option<u64>,
    },
    /// Its outputs were collected.
    OutputsCollected {
        /// Number of files.
        files: u64,
        /// Their size in bytes.
        bytes: u64,
    },
    /// It ended well.
    Completed,
    /// It failed.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// It ended because that was asked for.
    Canceled,
    /// Something worth knowing that changes nothing: an output that could not be kept, a bad metrics line.
    Note {
        /// What.
        message: String,
    },
    /// Tags were set, by the script or by a client.
    Tagged {
        /// Names and values.
        tags: BTreeMap<String, String>,
    },
    /// Tags were removed.
    TagsRemoved {
        /// Their names.
        names: BTreeSet<String>,
    },
    /// Properties were set. One that is there keeps its value.
    PropertiesAdded {
        /// Names and values.
        properties: BTreeMap<String, String>,
    },
    /// A client goes on with a run that it had ended.
    Resumed {
        /// Number of the attempt that begins.
        attempt: u32,
    },
}

impl RunEventKind {
    /// The state that this event leads to, if it changes the state.
    #[must_use]
    pub const fn leads_to(&self) -> Option<RunState> {
        Some(match self {
            Self::Submitted => RunState::NotStarted,
            Self::Queued => RunState::Queued,
            Self::Preparing => RunState::Preparing,
            Self::LaunchIntended { .. } => RunState::Starting,
            Self::Running | Self::Resumed { .. } => RunState::Running,
            Self::CancelRequested { .. } => RunState::CancelRequested,
            Self::Exited { .. } => RunState::Finalizing,
            Self::Completed => RunState::Completed,
            Self::Failed { .. } => RunState::Failed,
            Self::Canceled => RunState::Canceled,
            Self::Waiting { .. }
            | Self::EnvironmentReady { .. }
            | Self::Launched { .. }
            | Self::ContactLost { .. }
            | Self::ContactRestored
            | Self::OutputsCollected { .. }
            | Self::Note { .. }
            | Self::Tagged { .. }
            | Self::TagsRemoved { .. }
            | Self::PropertiesAdded { .. } => return None,
        })
    }
}

/// One entry of a run's event log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunEvent {
    /// Position in this run's log, from 1.
    pub seq: u64,
    /// When it was written, by the server's clock. Order comes from `seq`, never from this.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What happened.
    pub event: RunEventKind,
}
