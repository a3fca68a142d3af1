//! The run directory: what lies in it, who writes what, and how its records are read. Pure.
//!
//! ```text
//! <run key>/
//!   code/           the snapshot, the process's working folder; ./outputs and ./logs in it are kept
//!   staged          the code is complete (written before the claim)
//!   launcher        who starts the run, where that is not this host's own supervisor: `container` or `cluster`. Pids
//!                   in the records are then not the host's
//!   container.sh    the supervisor inside a container
//!   supervise.sh    the supervisor on a cluster's machine, which sees the run directory under the same path
//!   launch.sh       variables and command of the process
//!   claim/          made with mkdir by the supervisor: a repeated start changes nothing
//!   supervisor      who supervises
//!   process         who the process is; it leads a session and a process group of its own
//!   stdout stderr   what the process writes, byte for byte
//!   metrics.jsonl   what the process logs as metrics
//!   uploads/        files that the process hands over under a name
//!   cancel          a request to end, also before the process is there
//!   exit            the exit record
//! ```

mod launch;
mod launcher;
mod phase;
mod record;

pub use launch::{Launch, quote, script};
pub use launcher::Launcher;
pub use phase::Evidence;
pub use record::{
    ExitRecord, Identity, ProcessRecord, is_zombie, parse_exit, parse_process, parse_start_ticks,
    parse_supervisor, parse_uptime,
};

/// The supervisor, a POSIX-sh script.
pub const SUPERVISOR: &str = include_str!("run_dir/supervise.sh");

/// The supervisor inside a container, a POSIX-sh script.
pub const CONTAINER_SUPERVISOR: &str = include_str!("run_dir/container.sh");

/// The file of a log.
#[must_use]
pub const fn log_file(log: outhaul_driver::TargetLog) -> &'static str {
    match log {
        outhaul_driver::TargetLog::Stdout => names::STDOUT,
        outhaul_driver::TargetLog::Stderr => names::STDERR,
        outhaul_driver::TargetLog::Metrics => names::METRICS,
    }
}

/// Names of what lies in a run directory.
pub mod names {
    /// The code folder.
    pub const CODE: &str = "code";
    /// The mark that the code is complete.
    pub const STAGED: &str = "staged";
    /// The launch script.
    pub const LAUNCH: &str = "launch.sh";
    /// The mark of a run that is not started by the host's own supervisor.
    pub const LAUNCHER: &str = "launcher";
    /// The supervisor inside the container.
    pub const CONTAINER_SUPERVISOR: &str = "container.sh";
    /// The supervisor on a cluster's machine.
    pub const CLUSTER_SUPERVISOR: &str = "supervise.sh";
    /// The claim.
    pub const CLAIM: &str = "claim";
    /// The supervisor's record.
    pub const SUPERVISOR: &str = "supervisor";
    /// The process's record.
    pub const PROCESS: &str = "process";
    /// The exit record.
    pub const EXIT: &str = "exit";
    /// The request to end.
    pub const CANCEL: &str = "cancel";
    /// Standard output.
    pub const STDOUT: &str = "stdout";
    /// Standard error.
    pub const STDERR: &str = "stderr";
    /// The metrics file.
    pub const METRICS: &str = "metrics.jsonl";
    /// Files handed over under a name.
    pub const UPLOADS: &str = "uploads";
    /// The folders of the code folder that are kept.
    pub const KEPT: [&str; 2] = ["outputs", "logs"];
}
