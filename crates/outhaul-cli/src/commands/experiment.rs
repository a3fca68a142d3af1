//! `outhaul experiment`.

use jiff::Timestamp;
use outhaul_types::exit_code;

use crate::args::ExperimentCommand;
use crate::context::Context;
use crate::error::Outcome;
use crate::output::{Cell, Table, ago};

pub(super) async fn run(context: &Context, command: &ExperimentCommand) -> Outcome {
    let ExperimentCommand::List = command;
    let printer = &context.printer;
    let experiments = context.client().await?.experiments(context.workspace()).await?;
    if printer.json {
        printer.json(&experiments)?;
        return Ok(exit_code::SUCCESS);
    }
    let now = Timestamp::now();
    let mut table = Table::new(["NAME", "RUNS", "LAST RUN"]);
    for experiment in experiments {
        let last = experiment.last_run_at.map(|at| ago(at, now)).unwrap_or_default();
        table.row([
            Cell::new(experiment.name),
            Cell::right(experiment.runs.to_string()),
            Cell::new(last),
        ]);
    }
    printer.lines(&table.show(printer.out))?;
    Ok(exit_code::SUCCESS)
}
