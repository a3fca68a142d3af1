//! One file for each command; here only which is which.

mod array;
mod azureml;
mod call;
mod completions;
mod doctor;
mod download;
mod environment;
mod experiment;
mod follow;
mod mlflow;
mod model;
mod resource;
mod run;
mod runs;
mod score;
mod serve;
mod server;
mod service;
mod target;
mod workspace;

use crate::args::{Cli, Command};
use crate::context::{Context, block_on};
use crate::error::Outcome;
use crate::output::Printer;

/// Runs the command that was given.
///
/// # Errors
/// What the command failed with.
pub(crate) fn dispatch(cli: Cli, printer: Printer) -> Outcome {
    let Cli { global, command } = cli;
    match command {
        Command::Completions { shell } => completions::run(shell, &printer),
        Command::Serve(serve) => serve::run(&serve, &printer),
        Command::Call => call::run(),
        Command::Azureml(command) => azureml::run(&command, &printer),
        Command::Score(args) => score::run(&args, &printer),
        command => {
            let context = Context::new(global, printer)?;
            block_on(with_context(&context, command))
        }
    }
}

async fn with_context(context: &Context, command: Command) -> Outcome {
    match command {
        Command::Run(args) => run::run(context, &args).await,
        Command::Runs(command) => runs::run(context, command).await,
        Command::Rerun(args) => runs::rerun(context, &args).await,
        Command::Target(command) => target::run(context, command).await,
        Command::Resource(command) => resource::run(context, command).await,
        Command::Environment(command) => environment::run(context, command).await,
        Command::Model(command) => model::run(context, command).await,
        Command::Experiment(command) => experiment::run(context, &command).await,
        Command::Workspace(command) => workspace::run(context, command).await,
        Command::Mlflow(command) => mlflow::run(context, command).await,
        Command::Deploy(command) => service::deploy(context, command).await,
        Command::Service(command) => service::run(context, command).await,
        Command::Server(command) => server::run(context, &command).await,
        Command::Doctor => doctor::run(context).await,
        // These need no context; they went their own way above.
        Command::Completions { shell } => completions::run(shell, &context.printer),
        Command::Serve(serve) => serve::run(&serve, &context.printer),
        Command::Call => call::run(),
        Command::Azureml(command) => azureml::run(&command, &context.printer),
        Command::Score(args) => score::run(&args, &context.printer),
    }
}
