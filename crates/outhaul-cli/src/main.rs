//! The `outhaul` command. This file only starts it.

mod args;
mod commands;
mod config;
mod context;
mod env_vars;
mod error;
mod home;
mod output;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // Wrong usage, help and the version end here, before anything is read or started.
    let cli = args::Cli::parse();
    let printer = output::Printer::new(&cli.global);
    let code = commands::dispatch(cli, printer).unwrap_or_else(|error| {
        printer.error(&error);
        error.code
    });
    ExitCode::from(code)
}
