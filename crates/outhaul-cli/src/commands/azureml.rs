//! `outhaul azureml`: what there is for code of Azure ML's SDK v1. The judge is written in Python, as it reads Python.

use std::process::Command;

use outhaul_types::exit_code;

use crate::args::AzuremlCommand;
use crate::error::{CliError, Outcome};
use crate::output::Printer;

pub(super) fn run(command: &AzuremlCommand, printer: &Printer) -> Outcome {
    let AzuremlCommand::Coverage { files } = command;
    let folder =
        tempfile::tempdir().map_err(|error| CliError::system(format!("no temporary folder: {error}")))?;
    outhaul_server::write_for_people(folder.path())
        .map_err(|error| CliError::system(format!("`{}`: {error}", folder.path().display())))?;
    let format = if printer.json { "json" } else { "text" };
    let status = Command::new("python3")
        .args(["-B", "-m", "outhaul_azureml.coverage", "--format", format])
        .arg("--")
        .args(files)
        .env("PYTHONPATH", folder.path())
        .status()
        .map_err(|error| {
            CliError::user(format!("`python3` cannot be started: {error}"))
                .hint("install Python 3.8 or newer; it reads the files")
        })?;
    Ok(match status.code() {
        Some(0) => exit_code::SUCCESS,
        // It has said which file it cannot read.
        Some(2) => exit_code::USER,
        _ => exit_code::SYSTEM,
    })
}
