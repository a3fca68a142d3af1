//! `outhaul resource`: the addresses of Azure resources.

use outhaul_types::exit_code;
use outhaul_types::target::ResourceAddress;

use crate::args::ResourceCommand;
use crate::context::Context;
use crate::error::Outcome;
use crate::output::{Cell, Table, clean};

pub(super) async fn run(context: &Context, command: ResourceCommand) -> Outcome {
    let printer = &context.printer;
    let client = context.client().await?;
    match command {
        ResourceCommand::Map { id, address } => {
            let entry = ResourceAddress {
                resource_id: id,
                address,
            };
            let entry = client.map_resource(&entry).await?;
            if printer.json {
                printer.json(&entry)?;
            } else {
                printer.note(&format!(
                    "`{}` is reached under `{}`",
                    clean(&entry.resource_id),
                    clean(&entry.address)
                ));
            }
        }
        ResourceCommand::List => {
            let entries = client.resources().await?;
            if printer.json {
                printer.json(&entries)?;
            } else {
                let mut table = Table::new(["RESOURCE ID", "ADDRESS"]);
                for entry in entries {
                    table.row([Cell::new(entry.resource_id), Cell::new(entry.address)]);
                }
                printer.lines(&table.show(printer.out))?;
            }
        }
        ResourceCommand::Unmap { id } => {
            client.unmap_resource(&id).await?;
            printer.note(&format!("the address of `{id}` is forgotten"));
        }
    }
    Ok(exit_code::SUCCESS)
}
