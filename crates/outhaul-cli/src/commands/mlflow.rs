//! `outhaul mlflow`: the door for MLflow's clients.

use outhaul_types::exit_code;
use outhaul_types::tracking::TrackingDoor;

use crate::args::MlflowCommand;
use crate::context::Context;
use crate::error::{CliError, Outcome};

pub(super) async fn run(context: &Context, command: MlflowCommand) -> Outcome {
    let printer = &context.printer;
    let client = context.client().await?;
    let workspace = context.workspace();
    match command {
        MlflowCommand::Uri => {
            let door = client.open_tracking_door(workspace).await?;
            if printer.json {
                printer.json(&door)?;
            } else {
                let uri = door
                    .uri
                    .ok_or_else(|| CliError::system("the server opened no door for MLflow"))?;
                printer.lines(&uri)?;
                printer.note("clients must show a token: MLFLOW_TRACKING_TOKEN=$(outhaul mlflow token)");
            }
        }
        MlflowCommand::Token { renew } => {
            let token = client.tracking_token(workspace, renew).await?;
            // It is what was asked for, and goes to standard output only.
            if printer.json {
                printer.json(&token)?;
            } else {
                printer.lines(&token.token)?;
            }
        }
        MlflowCommand::Status => {
            let door = client.tracking_door(workspace).await?;
            if printer.json {
                printer.json(&door)?;
            } else {
                printer.lines(&said(&door))?;
            }
        }
        MlflowCommand::Close => {
            let door = client.close_tracking_door(workspace).await?;
            if printer.json {
                printer.json(&door)?;
            } else {
                printer.note("MLflow's clients can no longer reach this installation");
            }
        }
    }
    Ok(exit_code::SUCCESS)
}

fn said(door: &TrackingDoor) -> String {
    match &door.uri {
        Some(uri) => format!("open: {uri}"),
        None => "closed; `outhaul mlflow uri` opens it".to_owned(),
    }
}
