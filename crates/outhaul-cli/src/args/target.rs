//! `outhaul target`.

use clap::Subcommand;

use super::attach::AttachCommand;
use super::values;

/// What can be done with compute targets.
#[derive(Debug, Subcommand)]
pub(crate) enum TargetCommand {
    /// Attach a compute target
    #[command(subcommand)]
    Attach(AttachCommand),
    /// List the compute targets
    #[command(after_help = "Examples:\n  outhaul target list\n  outhaul target list --format json")]
    List,
    /// Show a compute target
    #[command(after_help = "Examples:\n  outhaul target show local\n  outhaul target show gpu-box")]
    Show {
        /// Its name
        name: String,
    },
    /// Check a compute target now
    #[command(after_help = "Examples:\n  outhaul target check local")]
    Check {
        /// Its name
        name: String,
    },
    /// Pin another host key for a compute target, whose machine was set up anew
    #[command(
        after_help = "Examples:\n  outhaul target trust gpu-box --host-key SHA256:uNiVztksCsDhcc0u9e8BrP1zGMSrRGj4jBxWyBCXU7E\n\n`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`, run on the machine itself, shows its key's fingerprint."
    )]
    Trust {
        /// Its name
        name: String,
        /// The new key's fingerprint
        #[arg(long, value_name = "SHA256:...", value_parser = values::fingerprint)]
        host_key: String,
    },
    /// Detach a compute target, and clean up on its machine
    #[command(
        after_help = "Examples:\n  outhaul target detach gpu-box\n  outhaul target detach gpu-box --forget\n\nThe records of its runs are kept."
    )]
    Detach {
        /// Its name
        name: String,
        /// Do not clean up on its machine, which may be gone
        #[arg(long)]
        forget: bool,
    },
}
