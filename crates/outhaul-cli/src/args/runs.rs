//! `outhaul runs`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use outhaul_types::{LogStream, RunState};

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
    #[command(after_help = "Examples:\n  outhaul runs cancel 3k9v\n  outhaul runs cancel 3k9v 7t0b")]
    Cancel {
        /// The runs
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<String>,
    },
    /// Wait until runs have ended
    #[command(
        after_help = "Examples:\n  outhaul runs wait 3k9v\n  outhaul runs wait 3k9v 7t0b\n\nThe exit code is that of the first of them that failed."
    )]
    Wait {
        /// The runs
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<String>,
    },
    /// List or download the code of a run
    Snapshot(SnapshotArgs),
    /// Repeat a run: same code, same packages, same settings
    Rerun(RerunArgs),
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
