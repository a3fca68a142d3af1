//! What goes to a target and what comes back, in words that fit every kind.

use std::fmt;
use std::time::Duration;

use outhaul_types::{ArrayElement, Exit, LogStream, RunId, RunKey, Secret};
use serde::{Deserialize, Serialize};

/// The target's own name for a run: a job id, or the run key where the target has no names of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NativeId(pub String);

impl fmt::Display for NativeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Which run a job of the target was submitted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOwner {
    /// This one.
    Run(RunKey),
    /// The run of an array that has this index.
    Element {
        /// The array's id.
        array: RunId,
        /// The index.
        index: u32,
    },
}

/// What a target knows of a job that a person named by the target's own name for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeJob {
    /// The native id that a run has which is this job.
    pub id: NativeId,
    /// The run that it was submitted for, by its mark; `None` for a job that somebody else submitted.
    pub owner: Option<JobOwner>,
    /// The target's own word for its state.
    pub state: String,
    /// The target's own word for why it waits or ended; empty when there is none.
    pub reason: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub user: String,
    /// What it runs; empty when the target does not say.
    pub command: String,
    /// Where it runs; empty when the target does not say.
    pub work_dir: String,
    /// The file of its standard output on the target.
    pub stdout: Option<String>,
    /// The file of its standard error on the target.
    pub stderr: Option<String>,
}

/// Exactly what a target will be asked to do: what `--dry-run` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NativeRequest {
    /// Makes the request idempotent.
    pub run_key: RunKey,
    /// Content id of the code tree.
    pub tree: String,
    /// The native command, word by word.
    pub command: Vec<String>,
    /// The script that starts it on the target.
    pub script: String,
    /// The container that it is started in: the body of the engine's call, as it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<serde_json::Value>,
    /// The script that a cluster's scheduler is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Its place in an array, for a run that is one of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<ArrayElement>,
    /// Variables that go into the process's environment and are written nowhere: not into a script, not into a command
    /// line. No plan has them; they are added when it is carried out. Variables that the run names itself win over them.
    #[serde(skip)]
    pub secrets: Vec<(String, Secret)>,
}

/// Where a run is by the target's own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The target has it, and has not started it.
    Pending {
        /// Why, in words, where the target says so.
        reason: Option<String>,
    },
    /// It runs.
    Running,
    /// It has ended.
    Ended {
        /// How.
        exit: Exit,
        /// How long it ran by the target's own clock.
        ran: Option<Duration>,
    },
}

/// What a target says about one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Which run.
    pub id: NativeId,
    /// Where it is.
    pub phase: Phase,
    /// How long its process has been running by the target's own clock, which no clock change disturbs.
    pub elapsed: Option<Duration>,
    /// How many bytes each log holds, where the target says so.
    pub sizes: Vec<(TargetLog, u64)>,
}

/// A file of a run on its target that grows while the run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetLog {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The metrics file.
    Metrics,
}

impl TargetLog {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stdout, Self::Stderr, Self::Metrics];

    /// The log stream that it feeds, if any.
    #[must_use]
    pub const fn stream(self) -> Option<LogStream> {
        match self {
            Self::Stdout => Some(LogStream::Stdout),
            Self::Stderr => Some(LogStream::Stderr),
            Self::Metrics => None,
        }
    }
}

/// A piece of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRead {
    /// The bytes from the asked offset on; empty at the log's present end.
    pub bytes: Vec<u8>,
}

/// What was collected of a run's outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Number of files.
    pub files: u64,
    /// Files that could not be kept, each with the reason.
    pub skipped: Vec<(String, String)>,
}
