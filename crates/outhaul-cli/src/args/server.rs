//! `outhaul serve` and `outhaul server`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Arguments of `outhaul serve`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  outhaul serve\n  outhaul serve --home /data/outhaul\n\nOther commands start a server by themselves; this one is for a terminal or a service manager of your own.\nCtrl-C or SIGTERM ends it; runs go on."
)]
pub(crate) struct Serve {
    /// Data folder; `OUTHAUL_HOME` or the platform's data folder when absent
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Leave the terminal's session and tell on standard output when it is ready: how other commands start it
    #[arg(long, hide = true)]
    pub background: bool,
}

/// What can be done with the server.
#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    /// Say whether the server runs; never starts it
    #[command(after_help = "Examples:\n  outhaul server status\n  outhaul server status --format json")]
    Status,
    /// Start the server unless it runs, as every command that needs it does
    #[command(after_help = "Examples:\n  outhaul server start")]
    Start,
    /// End the server; runs go on
    #[command(after_help = "Examples:\n  outhaul server stop")]
    Stop,
}
