//! `outhaul runs`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use outhaul_types::{LogStream, RunState};

use super::values;

/// What can be done with runs. A run is named by its id or any unique beginning of it.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, newest first
    List(RunsListArgs),
    /// Show all that is known of a run
    #[command(after_help = "Examples:\n  outhaul runs show 3k9v\n  outhaul runs show 3k9v --format json")]
    Show {
        /// The run
        run: String,
    },
    /// Write the log of a run
    Logs(LogsArgs),
    /// Show the metrics of a run
    #[command(
        after_help = "Examples:\n  outhaul runs metrics 3k9v\n  outhaul runs metrics 3k9v --format json"
    )]
    Metrics {
        /// The run
        run: String,
    },
    /// List or download the files that a run left
    Outputs(OutputsArgs),
    /// Ask for the end of runs
    #[command(
        after_help = "Examples:\n  outhaul runs cancel 3k9v\n  outhaul runs cancel 3k9v 7t0b\n  outhaul runs cancel --array 3k9v"
    )]
    Cancel(RunsNamed),
    /// Wait until runs have ended
    #[command(
        after_help = "Examples:\n  outhaul runs wait 3k9v\n  outhaul runs wait 3k9v 7t0b\n  outhaul runs wait --array 3k9v\n\nThe exit code is that of the first of them that failed; for an array, the highest of its runs'."
    )]
    Wait(RunsNamed),
    /// List or download the code of a run
    Snapshot(SnapshotArgs),
    /// Repeat a run: same code, same packages, same settings
    Rerun(RerunArgs),
    /// Look for a job by the target's own number for it, whoever submitted it
    #[command(
        after_help = "Examples:\n  outhaul runs find --target hpc --native 12345\n  outhaul runs find --target hpc --native 12345_7 --format json"
    )]
    Find(JobNamed),
    /// Make a job that was not submitted by Outhaul into a run, and follow it from now on
    #[command(
        after_help = "Examples:\n  outhaul runs adopt --target hpc --native 12345\n  outhaul runs adopt --target hpc --native 12345 --experiment ridge --name try-2\n\nIts state and its log are followed, and `outhaul runs cancel` ends it. Its files stay its owner's."
    )]
    Adopt(AdoptArgs),
}

/// A job by the target's own name.
#[derive(Debug, Args)]
pub(crate) struct JobNamed {
    /// Compute target
    #[arg(long, value_name = "NAME")]
    pub target: String,
    /// The target's own number for the job: 12345, or 12345_7 for one of an array
    #[arg(long, value_name = "NUMBER")]
    pub native: String,
}

/// Arguments of `outhaul runs adopt`.
#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    #[command(flatten)]
    pub job: JobNamed,
    /// Experiment that the run belongs to; `adopted` when absent
    #[arg(long, value_name = "NAME", value_parser = values::experiment_name)]
    pub experiment: Option<String>,
    /// Name of the run; made from the job's name when absent
    #[arg(long, value_name = "NAME", value_parser = values::run_name)]
    pub name: Option<String>,
}

/// Runs by their names, or the runs of an array.
#[derive(Debug, Args)]
pub(crate) struct RunsNamed {
    /// The runs
    #[arg(required_unless_present = "array", value_name = "RUN")]
    pub runs: Vec<String>,
    /// All runs of the array that this run belongs to
    #[arg(long, value_name = "RUN", conflicts_with = "runs")]
    pub array: Option<String>,
}

/// Arguments of `outhaul runs list`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  outhaul runs list\n  outhaul runs list --experiment ridge --state Failed\n  outhaul runs list --tag try=2 --limit 0 --format json"
)]
pub(crate) struct RunsListArgs {
    /// Only runs of this experiment
    #[arg(long, value_name = "NAME")]
    pub experiment: Option<String>,
    /// Only runs on this target
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Only runs in this state
    #[arg(long)]
    pub state: Option<RunState>,
    /// Only runs with this tag, with this value or any
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub tag: Option<String>,
    /// Only children of this run
    #[arg(long, value_name = "RUN")]
    pub parent: Option<String>,
    /// Only runs of the array that this run belongs to
    #[arg(long, value_name = "RUN", conflicts_with = "parent")]
    pub array: Option<String>,
    /// At most so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
}

/// Arguments of `outhaul runs logs`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  outhaul runs logs 3k9v\n  outhaul runs logs 3k9v -f\n  outhaul runs logs 3k9v --stream stderr\n\nWithout --stream the script's standard output goes to standard output and the rest to standard error, in order of\narrival. With --format json every piece is a line: stream, offset, next, and the bytes in base64."
)]
pub(crate) struct LogsArgs {
    /// The run
    pub run: String,
    /// Go on until the run has ended
    #[arg(short, long)]
    pub follow: bool,
    /// Only this stream (stdout, stderr or environment), byte for byte, to standard output
    #[arg(long)]
    pub stream: Option<LogStream>,
}

/// Arguments of `outhaul runs outputs`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  outhaul runs outputs 3k9v\n  outhaul runs outputs 3k9v --download results"
)]
pub(crate) struct OutputsArgs {
    /// The run
    pub run: String,
    /// Write the files into this folder, and check each against its hash
    #[arg(long, value_name = "DIR")]
    pub download: Option<PathBuf>,
}

/// Arguments of `outhaul runs snapshot`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  outhaul runs snapshot 3k9v\n  outhaul runs snapshot 3k9v --download code"
)]
pub(crate) struct SnapshotArgs {
    /// The run
    pub run: String,
    /// Write the files into this folder, which must be new or empty
    #[arg(long, value_name = "DIR")]
    pub download: Option<PathBuf>,
}

/// Arguments of `outhaul runs rerun`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  outhaul runs rerun 3k9v\n  outhaul runs rerun 3k9v --on local --detach")]
pub(crate) struct RerunArgs {
    /// The run
    pub run: String,
    /// Compute target; the same as before when absent
    #[arg(long, value_name = "TARGET")]
    pub on: Option<String>,
    /// Do not follow the new run: write its id and return
    #[arg(long)]
    pub detach: bool,
}
