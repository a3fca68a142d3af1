//! `outhaul runs`: one file for each of its commands.

mod adopt;
mod end;
mod list;
mod logs;
mod metrics;
mod outputs;
mod rerun;
mod show;
mod snapshot;

use crate::args::{RerunArgs, RunsCommand};
use crate::context::Context;
use crate::error::Outcome;

pub(super) async fn run(context: &Context, command: RunsCommand) -> Outcome {
    match command {
        RunsCommand::List(args) => list::run(context, args).await,
        RunsCommand::Show { run } => show::run(context, &run).await,
        RunsCommand::Logs(args) => logs::run(context, &args).await,
        RunsCommand::Metrics { run } => metrics::run(context, &run).await,
        RunsCommand::Outputs(args) => outputs::run(context, &args).await,
        RunsCommand::Cancel(named) => end::cancel(context, &named).await,
        RunsCommand::Wait(named) => end::wait(context, &named).await,
        RunsCommand::Snapshot(args) => snapshot::run(context, &args).await,
        RunsCommand::Rerun(args) => rerun::run(context, &args).await,
        RunsCommand::Find(args) => adopt::find(context, &args).await,
        RunsCommand::Adopt(args) => adopt::adopt(context, &args).await,
    }
}

/// `outhaul rerun`, the same as `outhaul runs rerun`.
pub(super) async fn rerun(context: &Context, args: &RerunArgs) -> Outcome {
    rerun::run(context, args).await
}
