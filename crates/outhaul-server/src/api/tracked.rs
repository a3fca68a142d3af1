//! What clients say about runs: runs that they play, and metrics, tags, properties and files of any run.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use outhaul_types::api::Output;
use outhaul_types::tracking::{ChangeTags, EndRun, TrackRun};
use outhaul_types::{ApiError, MetricValue, Run};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Answer, Body};
use super::runs::shown;
use crate::app::App;
use crate::{tracked, uploads};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(track))
        .routes(routes!(end))
        .routes(routes!(resume))
        .routes(routes!(log_metrics))
        .routes(routes!(change_tags))
        .routes(routes!(add_properties))
        .routes(routes!(keep_output, remove_output))
}

/// Record a run that the client plays. It is `Running` at once. Asking again with the same id changes nothing.
#[utoipa::path(post, path = "/runs/tracked", tag = "tracking", request_body = TrackRun,
    responses((status = 201, body = Run), (status = 200, description = "It was there already", body = Run), (status = 400, body = ApiError),
        (status = 404, body = ApiError), (status = 409, body = ApiError)))]
async fn track(
    State(app): State<Arc<App>>,
    Body(request): Body<TrackRun>,
) -> Answer<(StatusCode, Json<Run>)> {
    let (run, is_new) = tracked::track(&app, request).await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(shown(&app, run))))
}

/// End a tracked run, with the children that it left open.
#[utoipa::path(post, path = "/runs/{run}/end", tag = "tracking", params(("run" = String, Path, description = "Id or unique prefix")),
    request_body = EndRun, responses((status = 200, body = Run), (status = 400, body = ApiError), (status = 404, body = ApiError), (status = 409, body = ApiError)))]
async fn end(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    Body(request): Body<EndRun>,
) -> Answer<Json<Run>> {
    let run = app.find_run(&run).await?;
    Ok(Json(tracked::end(&app, &run, request).await?))
}

/// Go on with a tracked run that had ended: it is `Running` again, as its next attempt.
#[utoipa::path(post, path = "/runs/{run}/resume", tag = "tracking", params(("run" = String, Path, description = "Id or unique prefix")),
    responses((status = 200, body = Run), (status = 404, body = ApiError), (status = 409, body = ApiError)))]
async fn resume(State(app): State<Arc<App>>, Path(run): Path<String>) -> Answer<Json<Run>> {
    let run = app.find_run(&run).await?;
    Ok(Json(tracked::resume(&app, &run).await?))
}

/// Add metrics to a run that has not ended, all or none. One that is there already, equal in everything, is not added
/// again.
#[utoipa::path(post, path = "/runs/{run}/metrics", tag = "tracking", params(("run" = String, Path, description = "Id or unique prefix")),
    request_body = [MetricValue], responses((status = 204), (status = 400, body = ApiError), (status = 404, body = ApiError), (status = 409, body = ApiError)))]
async fn log_metrics(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    Body(records): Body<Vec<BTreeMap<String, Value>>>,
) -> Answer<StatusCode> {
    let run = app.find_run(&run).await?;
    tracked::log_metrics(&app, &run, records).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change the tags of a run, also of one that has ended.
#[utoipa::path(post, path = "/runs/{run}/tags", tag = "tracking", params(("run" = String, Path, description = "Id or unique prefix")),
    request_body = ChangeTags, responses((status = 200, body = Run), (status = 400, body = ApiError), (status = 404, body = ApiError)))]
async fn change_tags(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    Body(change): Body<ChangeTags>,
) -> Answer<Json<Run>> {
    let run = app.find_run(&run).await?;
    let run = tracked::change_tags(&app, &run, change).await?;
    Ok(Json(shown(&app, run)))
}

/// Add properties to a run, also to one that has ended, all or none. A property is set once; the same value again is no error.
#[utoipa::path(post, path = "/runs/{run}/properties", tag = "tracking", params(("run" = String, Path, description = "Id or unique prefix")),
    request_body = BTreeMap<String, String>, responses((status = 200, body = Run), (status = 400, body = ApiError), (status = 404, body = ApiError), (status = 409, body = ApiError)))]
async fn add_properties(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    Body(properties): Body<BTreeMap<String, String>>,
) -> Answer<Json<Run>> {
    let run = app.find_run(&run).await?;
    let run = tracked::add_properties(&app, &run, properties).await?;
    Ok(Json(shown(&app, run)))
}

/// Keep a file among the outputs of a run that has not ended, in place of the one that has its path.
#[utoipa::path(put, path = "/runs/{run}/outputs/{*path}", tag = "tracking",
    params(("run" = String, Path, description = "Id or unique prefix"), ("path" = String, Path, description = "Path of the file")),
    request_body(content = Vec<u8>, description = "The file's bytes", content_type = "application/octet-stream"),
    responses((status = 200, body = Output), (status = 400, body = ApiError), (status = 404, body = ApiError), (status = 409, body = ApiError)))]
async fn keep_output(
    State(app): State<Arc<App>>,
    Path((run, path)): Path<(String, String)>,
    body: axum::body::Body,
) -> Answer<Json<Output>> {
    let run = app.find_run(&run).await?;
    tracked::check_output(&path)?;
    tracked::goes_on(&run)?;
    let upload = uploads::receive(&app, body).await?;
    Ok(Json(
        tracked::keep_output(&app, &run, &path, upload.path()).await?,
    ))
}

/// Take a file off the outputs of a tracked run that has not ended.
#[utoipa::path(delete, path = "/runs/{run}/outputs/{*path}", tag = "tracking",
    params(("run" = String, Path, description = "Id or unique prefix"), ("path" = String, Path, description = "Path of the file")),
    responses((status = 204), (status = 404, body = ApiError), (status = 409, body = ApiError)))]
async fn remove_output(
    State(app): State<Arc<App>>,
    Path((run, path)): Path<(String, String)>,
) -> Answer<StatusCode> {
    let run = app.find_run(&run).await?;
    tracked::may_lose(&run)?;
    app.store.remove_outputs(&run.id, vec![path]).await?;
    Ok(StatusCode::NO_CONTENT)
}
