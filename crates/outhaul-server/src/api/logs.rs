//! Logs: followed as server-sent events, or whole as bytes.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use outhaul_types::api::LogQuery;
use outhaul_types::log::LogFrame;
use outhaul_types::{ApiError, Run};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Answer, Query};
use super::runs::shown;
use super::stream::{Frames, Gone, answer, stopped};
use crate::app::App;
use crate::logs::LogReader;

/// The largest piece of a log in one frame.
const PIECE: usize = 48 << 10;
/// The largest piece of a log that is given as bytes.
const BLOCK: usize = 256 << 10;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(logs))
}

/// A run's log: server-sent events (`log`, with `states` also `run`, at last `end`) where the client accepts
/// `text/event-stream`, else the bytes themselves.
#[utoipa::path(get, path = "/runs/{run}/logs", tag = "runs", params(("run" = String, Path, description = "Id or unique prefix"), LogQuery),
    responses((status = 200, description = "Frames, or bytes", body = LogFrame, content_type = "text/event-stream"), (status = 404, body = ApiError)))]
async fn logs(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    Query(query): Query<LogQuery>,
    headers: HeaderMap,
) -> Answer<Response> {
    let run = app.find_run(&run).await?;
    let reader = LogReader::open(&app.log_folder(&run.id), query.stream, query.offset.unwrap_or(0));
    let accepts = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    if accepts.contains("text/event-stream") {
        return Ok(answer(|frames| follow(app, run, query, reader, frames)).into_response());
    }
    Ok((
        [(header::CONTENT_TYPE, "application/octet-stream")],
        bytes(reader),
    )
        .into_response())
}

/// The log as it is now, read as fast as the client takes it.
fn bytes(reader: LogReader) -> Body {
    let stream = futures_util::stream::unfold(reader, |mut reader| async {
        let next = tokio::task::block_in_place(|| reader.next(BLOCK)).transpose()?;
        Some((next.map(|piece| Bytes::from(piece.bytes)), reader))
    });
    Body::from_stream(stream)
}

async fn follow(
    app: Arc<App>,
    run: Run,
    query: LogQuery,
    mut reader: LogReader,
    frames: Frames,
) -> Result<(), Gone> {
    let mut changes = app.hub.follow(&run.id);
    let mut stopping = app.stopping.subscribe();
    let mut told = 0;
    loop {
        changes.borrow_and_update();
        // The run is read before its log: once it has ended, the log is complete.
        let Ok(run) = app.store.run(&run.id).await else {
            return Err(Gone);
        };
        if query.states == Some(true) && run.version != told {
            told = run.version;
            frames.send("run", None, &shown(&app, run.clone())).await?;
        }
        while let Ok(Some(piece)) = reader.next(PIECE) {
            let frame = LogFrame {
                stream: piece.stream,
                offset: piece.offset,
                next: piece.next,
                data: STANDARD.encode(&piece.bytes),
            };
            frames.send("log", Some(piece.next), &frame).await?;
        }
        if run.state.is_terminal() || query.follow != Some(true) {
            return frames.send("end", None, &shown(&app, run)).await;
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { changes = app.hub.follow(&run.id) },
            () = frames.closed() => return Err(Gone),
            () = stopped(&mut stopping) => return frames.send("end", None, &json!({ "reason": "server stopping" })).await,
        }
    }
}
