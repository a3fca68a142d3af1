//! How a run ends badly: failure classes, how the process went, and who asked for the end.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whose fault a failure is, so that a person knows where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FailureClass {
    /// The person's script or request.
    User,
    /// The environment: its spec, its packages.
    Environment,
    /// The target: the machine, cluster or service.
    Target,
    /// Outhaul itself.
    System,
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::User => "user",
            Self::Environment => "environment",
            Self::Target => "target",
            Self::System => "system",
        })
    }
}

/// Why a run failed: what happened, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// Whose fault it is.
    pub class: FailureClass,
    /// What happened, to which named thing.
    pub message: String,
    /// What to do next, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            hint: None,
        }
    }

    /// The same failure with what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// How a process ended, by evidence from its target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Exit {
    /// It ended and left an exit record.
    Code {
        /// The exit code as a shell shows it: 128 + n for an end by signal n.
        code: i32,
    },
    /// The target shows that it is gone, without an exit record: rebooted, supervisor killed.
    Vanished {
        /// What the target shows.
        reason: String,
    },
    /// The target ended it, and says why: its time limit, its memory, its place given to another.
    Stopped {
        /// Whose fault it is.
        class: FailureClass,
        /// What the target says.
        reason: String,
    },
}

/// Who or what asked for a run's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// A person.
    User,
    /// The run's `--max-duration`.
    MaxDuration,
}

/// A request to end a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CancelRequest {
    /// Who or what asked.
    pub reason: CancelReason,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}
