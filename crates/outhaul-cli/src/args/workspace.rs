//! `outhaul workspace` and `outhaul experiment`.

use clap::{Args, Subcommand};
use outhaul_types::CondaMode;

/// What can be done with workspaces.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// Make a workspace
    #[command(
        after_help = "Examples:\n  outhaul workspace create vision\n  outhaul workspace create vision --conda pypi"
    )]
    Create {
        /// Its name
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// List the workspaces
    #[command(after_help = "Examples:\n  outhaul workspace list")]
    List,
    /// Choose the workspace that commands use where they name none
    #[command(after_help = "Examples:\n  outhaul workspace use vision")]
    Use {
        /// Its name
        name: String,
    },
    /// Show a workspace
    #[command(after_help = "Examples:\n  outhaul workspace show\n  outhaul workspace show vision")]
    Show {
        /// Its name; the one in use when absent
        name: Option<String>,
    },
    /// Change the settings of a workspace
    #[command(
        after_help = "Examples:\n  outhaul workspace set --conda pypi\n  outhaul workspace set vision --conda refuse"
    )]
    Set {
        /// Its name; the one in use when absent
        name: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
}

/// Settings of a workspace.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// Packages under conda's `dependencies:`: from conda channels (`channels`, the default), from the Python index
    /// (`pypi`), or refused (`refuse`)
    #[arg(long, value_name = "MODE")]
    pub conda: Option<CondaMode>,
}

/// What can be done with experiments.
#[derive(Debug, Subcommand)]
pub(crate) enum ExperimentCommand {
    /// List the experiments of a workspace
    #[command(
        after_help = "Examples:\n  outhaul experiment list\n  outhaul experiment list --workspace vision"
    )]
    List,
}
