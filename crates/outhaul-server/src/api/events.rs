//! The event log of a run.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use outhaul_types::api::EventQuery;
use outhaul_types::{ApiError, Run, RunEvent};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Answer, Query};
use super::runs::shown;
use super::stream::{Frames, Gone, answer, stopped};
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(events))
}

/// A run's events: a JSON array, or with `follow` server-sent events (`event`, at last `run` and `end`).
#[utoipa::path(get, path = "/runs/{run}/events", tag = "runs", params(("run" = String, Path, description = "Id or unique prefix"), EventQuery),
    responses((status = 200, body = [RunEvent]), (status = 404, body = ApiError)))]
async fn events(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    Query(query): Query<EventQuery>,
    headers: HeaderMap,
) -> Answer<Response> {
    let run = app.find_run(&run).await?;
    let after = query.after.unwrap_or(0);
    let accepts = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    if query.follow == Some(true) || accepts.contains("text/event-stream") {
        let follow_on = query.follow == Some(true);
        return Ok(answer(move |frames| follow(app, run, after, follow_on, frames)).into_response());
    }
    Ok(Json(app.store.events(&run.id, after).await?).into_response())
}

async fn follow(
    app: Arc<App>,
    run: Run,
    mut after: u64,
    follow_on: bool,
    frames: Frames,
) -> Result<(), Gone> {
    let mut changes = app.hub.follow(&run.id);
    let mut stopping = app.stopping.subscribe();
    loop {
        changes.borrow_and_update();
        let Ok(events) = app.store.events(&run.id, after).await else {
            return Err(Gone);
        };
        for event in events {
            after = event.seq;
            frames.send("event", Some(event.seq), &event).await?;
        }
        let Ok(run) = app.store.run(&run.id).await else {
            return Err(Gone);
        };
        if run.version <= after && (run.state.is_terminal() || !follow_on) {
            let run = shown(&app, run);
            frames.send("run", None, &run).await?;
            return frames.send("end", None, &run).await;
        }
        if run.version > after {
            continue;
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { changes = app.hub.follow(&run.id) },
            () = frames.closed() => return Err(Gone),
            () = stopped(&mut stopping) => return frames.send("end", None, &json!({ "reason": "server stopping" })).await,
        }
    }
}
