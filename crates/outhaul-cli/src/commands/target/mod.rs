//! `outhaul target`: one file for each of its larger commands.

mod attach;
mod checks;
mod detach;
mod show;

use outhaul_types::exit_code;
use outhaul_types::target::HostKey;

use crate::args::{AttachCommand, TargetCommand};
use crate::context::Context;
use crate::error::Outcome;
use crate::output::{Cell, Table};

pub(super) use checks::{any_failed, show_checks};

pub(super) async fn run(context: &Context, command: TargetCommand) -> Outcome {
    let printer = &context.printer;
    match command {
        TargetCommand::Attach(AttachCommand::Remote(args)) => attach::remote(context, &args).await,
        TargetCommand::Attach(AttachCommand::Slurm(args)) => attach::slurm(context, &args).await,
        TargetCommand::Attach(AttachCommand::Hdinsight(args)) => attach::hdinsight(context, &args).await,
        TargetCommand::List => list(context).await,
        TargetCommand::Show { name } => {
            let target = context.client().await?.target(&name, context.workspace()).await?;
            if printer.json {
                printer.json(&target)?;
            } else {
                printer.lines(&show::target(&target, printer.out))?;
            }
            Ok(exit_code::SUCCESS)
        }
        TargetCommand::Check { name } => {
            let client = context.client().await?;
            let checked = client.check_target(&name, context.workspace()).await?;
            if printer.json {
                printer.json(&checked.checks)?;
            } else {
                printer.lines(&show_checks(&checked.checks, printer.out))?;
            }
            Ok(if any_failed(&checked.checks) {
                exit_code::TARGET
            } else {
                exit_code::SUCCESS
            })
        }
        TargetCommand::Trust { name, host_key } => {
            let key = HostKey {
                fingerprint: host_key,
                algorithm: String::new(),
                authority: None,
            };
            let target = context.client().await?.trust_host_key(&name, &key).await?;
            if printer.json {
                printer.json(&target)?;
            } else {
                printer.note(&format!(
                    "target `{name}` is trusted with the host key {}",
                    key.fingerprint
                ));
            }
            Ok(exit_code::SUCCESS)
        }
        TargetCommand::Detach { name, forget } => detach::run(context, &name, forget).await,
    }
}

async fn list(context: &Context) -> Outcome {
    let printer = &context.printer;
    let targets = context.client().await?.targets(context.workspace()).await?;
    if printer.json {
        printer.json(&targets)?;
        return Ok(exit_code::SUCCESS);
    }
    let mut table = Table::new(["NAME", "KIND", "ADDRESS", "STATE", "RUNNING", "QUEUED", "SLOTS"]);
    for target in targets {
        table.row([
            Cell::new(target.name),
            Cell::new(target.kind),
            Cell::new(target.address.unwrap_or_default()),
            Cell::new(target.provisioning_state),
            Cell::right(target.running.to_string()),
            Cell::right(target.queued.to_string()),
            Cell::right(target.slots.to_string()),
        ]);
    }
    printer.lines(&table.without_empty("ADDRESS").show(printer.out))?;
    Ok(exit_code::SUCCESS)
}
