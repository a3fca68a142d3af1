//! `outhaul model list`.

use jiff::Timestamp;
use outhaul_types::api::ModelFilter;
use outhaul_types::{Model, RunId, exit_code};

use crate::args::ModelList;
use crate::context::Context;
use crate::error::Outcome;
use crate::output::{Cell, Table, ago, size};

pub(super) async fn run(context: &Context, args: ModelList) -> Outcome {
    let filter = ModelFilter {
        name: args.name,
        tag: args.tag,
        property: args.property,
        run: args.run,
        framework: args.framework,
        latest: args.latest.then_some(true),
    };
    let client = context.client().await?;
    let models = client.models(context.workspace(), &filter).await?;
    let printer = &context.printer;
    if printer.json {
        printer.json(&models)?;
    } else {
        printer.lines(&table(models, Timestamp::now()).show(printer.out))?;
    }
    Ok(exit_code::SUCCESS)
}

fn table(models: Vec<Model>, now: Timestamp) -> Table {
    let mut table = Table::new([
        "NAME",
        "VERSION",
        "RUN",
        "FRAMEWORK",
        "TAGS",
        "SIZE",
        "REGISTERED",
    ]);
    for model in models {
        let tags: Vec<String> = model
            .tags
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        table.row([
            Cell::new(model.name),
            Cell::right(model.version.to_string()),
            Cell::new(model.origin.run().map(RunId::short).unwrap_or_default()),
            Cell::new(model.framework.unwrap_or_default()),
            Cell::new(tags.join(" ")),
            Cell::right(size(model.files.bytes)),
            Cell::new(ago(model.created_at, now)),
        ]);
    }
    table
        .without_empty("RUN")
        .without_empty("FRAMEWORK")
        .without_empty("TAGS")
}
