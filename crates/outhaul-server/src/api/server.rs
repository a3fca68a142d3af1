//! The server itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use outhaul_types::ApiError;
use outhaul_types::api::ServerStatus;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::Answer;
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(stop))
        .routes(routes!(document))
}

/// How the server is.
#[utoipa::path(get, path = "/server", tag = "server", responses((status = 200, body = ServerStatus)))]
async fn status(State(app): State<Arc<App>>) -> Answer<Json<ServerStatus>> {
    let active: u32 = app
        .targets
        .live()
        .iter()
        .map(|target| target.scheduler())
        .map(|it| it.running() + it.queued())
        .sum();
    Ok(Json(ServerStatus {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: app.build.clone(),
        home: app.home.root().display().to_string(),
        started_at: app.started_at,
        active_runs: u64::from(active),
    }))
}

/// Stop the server. Runs go on, and the next server takes them up again.
#[utoipa::path(post, path = "/server/stop", tag = "server", responses((status = 202)))]
async fn stop(State(app): State<Arc<App>>) -> StatusCode {
    app.stopping.send_replace(true);
    StatusCode::ACCEPTED
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "server", responses((status = 200, description = "OpenAPI document", content_type = "application/json"), (status = 500, body = ApiError)))]
async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], super::openapi())
}
