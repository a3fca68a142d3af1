//! `outhaul service keys`.

use outhaul_types::api::WhichKey;
use outhaul_types::exit_code;

use crate::args::KeyName;
use crate::context::Context;
use crate::error::Outcome;
use crate::output::fields;

pub(super) async fn run(context: &Context, name: &str, renew: Option<KeyName>) -> Outcome {
    let client = context.client().await?;
    let workspace = context.workspace();
    let keys = match renew {
        None => client.service_keys(workspace, name).await?,
        Some(KeyName::Primary) => {
            client
                .renew_service_key(workspace, name, WhichKey::Primary)
                .await?
        }
        Some(KeyName::Secondary) => {
            client
                .renew_service_key(workspace, name, WhichKey::Secondary)
                .await?
        }
    };
    let printer = &context.printer;
    if printer.json {
        printer.json(&keys)?;
    } else {
        let pairs = [("primary", keys.primary), ("secondary", keys.secondary)];
        printer.lines(&fields(&pairs, printer.out))?;
    }
    Ok(exit_code::SUCCESS)
}
