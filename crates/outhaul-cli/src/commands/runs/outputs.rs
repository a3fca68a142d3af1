//! `outhaul runs outputs`.

use outhaul_types::exit_code;

use crate::args::OutputsArgs;
use crate::commands::download::Destination;
use crate::context::Context;
use crate::error::Outcome;
use crate::output::{Cell, Table, plural, size};

pub(super) async fn run(context: &Context, args: &OutputsArgs) -> Outcome {
    let printer = &context.printer;
    let client = context.client().await?;
    let outputs = client.outputs(&args.run).await?;
    if let Some(folder) = &args.download {
        let to = Destination::open(&context.here.join(folder))?;
        // All paths are looked at before the first byte is written.
        for output in &outputs {
            to.place(&output.path)?;
        }
        for output in &outputs {
            if !to.has(&output.path, output.size, &output.hash) {
                let content = client.output(&args.run, &output.path).await?;
                to.write(&output.path, &output.hash, false, content).await?;
            }
        }
        let total = outputs
            .iter()
            .map(|output| output.size)
            .fold(0, u64::saturating_add);
        let count = plural(outputs.len() as u64, "file");
        printer.note(&format!(
            "{count}, {}, in `{}`, checked",
            size(total),
            folder.display()
        ));
    }
    if printer.json {
        printer.json(&outputs)?;
    } else if args.download.is_none() {
        let mut table = Table::new(["PATH", "SIZE"]);
        for output in outputs {
            table.row([Cell::new(output.path), Cell::right(size(output.size))]);
        }
        printer.lines(&table.show(printer.out))?;
    }
    Ok(exit_code::SUCCESS)
}
