//! `outhaul environment`.

use clap::{Args, Subcommand};

use super::values::NamedVersion;

/// What can be done with environments.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvironmentCommand {
    /// Resolve and build an environment anew, also one that failed before
    Build(EnvironmentBuild),
    /// List the registered environments
    #[command(after_help = "Examples:\n  outhaul environment list\n  outhaul environment list --format json")]
    List,
    /// Show a registered environment
    #[command(
        after_help = "Examples:\n  outhaul environment show sklearn\n  outhaul environment show sklearn:2"
    )]
    Show {
        /// Its name, with a version or the newest
        #[arg(value_name = "NAME[:VERSION]")]
        environment: NamedVersion,
    },
    /// Keep an environment file under a name and version
    Register(EnvironmentRegister),
}

/// Arguments of `outhaul environment build`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  outhaul environment build environment.yml\n  outhaul environment build sklearn:2 --target local"
)]
pub(crate) struct EnvironmentBuild {
    /// Environment file or registered name
    #[arg(value_name = "FILE|NAME[:VERSION]")]
    pub environment: String,
    /// Compute target to build it on; `local` when absent
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
}

/// Arguments of `outhaul environment register`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  outhaul environment register environment.yml\n  outhaul environment register requirements.txt --name sklearn"
)]
pub(crate) struct EnvironmentRegister {
    /// Environment file
    pub file: String,
    /// Its name; the one in the file when absent
    #[arg(long)]
    pub name: Option<String>,
}
