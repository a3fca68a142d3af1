//! `outhaul runs metrics`.

use outhaul_types::exit_code;

use crate::context::Context;
use crate::error::Outcome;
use crate::output::{Cell, Paint, Table, series};

pub(super) async fn run(context: &Context, run: &str) -> Outcome {
    let printer = &context.printer;
    let metrics = context.client().await?.metrics(run).await?;
    if printer.json {
        printer.json(&metrics)?;
        return Ok(exit_code::SUCCESS);
    }
    let mut table = Table::new(["NAME", "LAST", "VALUES", "SERIES"]);
    for metric in series(&metrics) {
        let spark = metric.spark();
        table.row([
            Cell::new(metric.name),
            Cell::right(metric.last),
            Cell::right(metric.count.to_string()),
            Cell::new(spark).painted(Paint::active),
        ]);
    }
    printer.lines(&table.show(printer.out))?;
    Ok(exit_code::SUCCESS)
}
