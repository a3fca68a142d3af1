//! `outhaul completions`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Cli;
use crate::error::Outcome;
use crate::output::Printer;

pub(super) fn run(shell: Shell, printer: &Printer) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "outhaul", &mut script);
    printer.raw(&script)?;
    Ok(0)
}
