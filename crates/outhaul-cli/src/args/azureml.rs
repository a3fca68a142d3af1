//! `outhaul azureml`.

use std::path::PathBuf;

use clap::Subcommand;

/// What there is for code of Azure ML's SDK v1.
#[derive(Debug, Subcommand)]
pub(crate) enum AzuremlCommand {
    /// Say which calls of scripts and notebooks work here, and which do not yet
    #[command(after_help = AFTER)]
    Coverage {
        /// Scripts (.py) and notebooks (.ipynb)
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

const AFTER: &str = "\
Examples:
  outhaul azureml coverage train.py
  outhaul azureml coverage notebooks/*.ipynb --format json

Nothing is executed. The `python3` of the PATH reads the files.";
