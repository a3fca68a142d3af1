//! `outhaul mlflow`.

use clap::Subcommand;

/// What can be done with the door for MLflow's clients.
#[derive(Debug, Subcommand)]
pub(crate) enum MlflowCommand {
    /// Print the tracking URI of the workspace, opening the door where it is closed
    ///
    /// The door is a port on 127.0.0.1. It stays open, also when the server is started again, until it is closed. Runs
    /// on `local` get the address and a token of their own while it is open.
    #[command(
        after_help = "Examples:\n  outhaul mlflow uri\n  outhaul mlflow uri --workspace vision\n\nIn a shell:\n  export MLFLOW_TRACKING_URI=$(outhaul mlflow uri)\n  export MLFLOW_TRACKING_TOKEN=$(outhaul mlflow token)"
    )]
    Uri,
    /// Print the token of the workspace, which clients must show
    ///
    /// Whoever has it can read and write the runs of the workspace. Keep it out of files and command lines.
    #[command(after_help = "Examples:\n  outhaul mlflow token\n  outhaul mlflow token --renew")]
    Token {
        /// Make all tokens worthless that were given out before, also those of runs
        #[arg(long)]
        renew: bool,
    },
    /// Say whether the door is open
    #[command(after_help = "Examples:\n  outhaul mlflow status\n  outhaul mlflow status --format json")]
    Status,
    /// Close the door
    #[command(after_help = "Examples:\n  outhaul mlflow close")]
    Close,
}
