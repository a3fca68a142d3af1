//! `outhaul runs logs`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use outhaul_client::{Client, Follow, FollowItem};
use outhaul_types::api::LogQuery;
use outhaul_types::exit_code;
use outhaul_types::log::LogFrame;

use crate::args::LogsArgs;
use crate::commands::follow::{Screen, reconnect};
use crate::context::Context;
use crate::error::{CliError, Outcome};

pub(super) async fn run(context: &Context, args: &LogsArgs) -> Outcome {
    let printer = &context.printer;
    let client = context.client().await?;
    let query = LogQuery {
        stream: args.stream,
        follow: Some(args.follow),
        ..LogQuery::default()
    };
    if args.stream.is_some() && !args.follow && !printer.json {
        return bytes(context, &client, &args.run, &query).await;
    }
    let mut follow = Follow::log(&client, args.run.as_str(), query).on_reconnect(reconnect(context));
    let mut screen = Screen::new(*printer);
    while let Some(item) = follow.next().await? {
        let FollowItem::Log(piece) = item else { continue };
        if printer.json {
            let data = STANDARD.encode(&piece.bytes);
            printer.json_line(&LogFrame {
                stream: piece.stream,
                offset: piece.offset,
                next: piece.next,
                data,
            })?;
        } else if args.stream.is_some() {
            printer.raw(&piece.bytes)?;
        } else {
            screen.log(&piece)?;
        }
    }
    Ok(exit_code::SUCCESS)
}

/// One stream, byte for byte.
async fn bytes(context: &Context, client: &Client, run: &str, query: &LogQuery) -> Outcome {
    let query = LogQuery {
        follow: None,
        ..query.clone()
    };
    let mut bytes = client.log_bytes(run, &query).await?;
    while let Some(piece) = bytes.next().await.map_err(CliError::from)? {
        context.printer.raw(&piece)?;
    }
    Ok(exit_code::SUCCESS)
}
