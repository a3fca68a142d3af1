//! `outhaul server`: whether it runs, its start and its end.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use outhaul_client::{Client, ClientError, stop_server};
use outhaul_types::api::ServerStatus;
use outhaul_types::{ErrorCode, exit_code};
use serde_json::json;

use crate::args::ServerCommand;
use crate::context::Context;
use crate::error::{CliError, Outcome};
use crate::output::{fields, moment};

pub(super) async fn run(context: &Context, command: &ServerCommand) -> Outcome {
    match command {
        ServerCommand::Status => status(context).await,
        ServerCommand::Start => {
            context.client().await?;
            status(context).await
        }
        ServerCommand::Stop => stop(context).await,
    }
}

async fn status(context: &Context) -> Outcome {
    let printer = &context.printer;
    match look(context).await? {
        Some(status) if printer.json => {
            let mut document =
                serde_json::to_value(&status).map_err(|error| CliError::system(error.to_string()))?;
            document["running"] = json!(true);
            printer.json(&document)?;
        }
        Some(status) => {
            let now = Timestamp::now();
            let pairs = [
                ("state", printer.out.good("running")),
                ("pid", status.pid.to_string()),
                ("version", status.version),
                ("data folder", status.home),
                ("started", moment(status.started_at, now, &TimeZone::system())),
                ("active runs", status.active_runs.to_string()),
            ];
            printer.lines(&fields(&pairs, printer.out))?;
        }
        None if printer.json => {
            printer.json(&json!({ "running": false, "home": context.home.to_string_lossy() }))?;
        }
        None => {
            let pairs = [
                ("state", "stopped (a command that needs it starts it)".to_owned()),
                ("data folder", context.home.display().to_string()),
            ];
            printer.lines(&fields(&pairs, printer.out))?;
        }
    }
    Ok(exit_code::SUCCESS)
}

/// The server that answers now, if there is one.
pub(super) async fn look(context: &Context) -> Result<Option<ServerStatus>, CliError> {
    let client = match Client::connect(&context.home).await {
        Ok(client) => client,
        Err(ClientError::NotRunning { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match client.server().await {
        Ok(status) => Ok(Some(status)),
        // It went away in between, or is about to.
        Err(error) if error.is_lost_connection() => Ok(None),
        Err(ClientError::Api(error)) if error.code == ErrorCode::Stopping => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn stop(context: &Context) -> Outcome {
    let client = match Client::connect(&context.home).await {
        Ok(client) => client,
        Err(ClientError::NotRunning { .. }) => {
            context.printer.note("no server is running");
            return Ok(exit_code::SUCCESS);
        }
        Err(error) => return Err(error.into()),
    };
    let active = client.server().await.map_or(0, |status| status.active_runs);
    stop_server(&client).await?;
    match active {
        0 => context.printer.note("the server has stopped"),
        runs => context
            .printer
            .note(&format!("the server has stopped; active runs go on: {runs}")),
    }
    Ok(exit_code::SUCCESS)
}
