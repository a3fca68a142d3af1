//! Runs: submit, list, show, cancel, repeat.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use outhaul_types::api::{CancelAnswer, Rerun, RunFilter, RunPlan, RunSummary, SubmitRun};
use outhaul_types::workspace::NO_TARGET;
use outhaul_types::{ApiError, Lock, MetricValue, Run, RunState};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::arrays;
use super::error::{Answer, Body, Query};
use crate::app::App;
use crate::errors::unknown;
use crate::waiting::waiting;
use crate::{cancel, submit};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, submit_run))
        .routes(routes!(plan))
        .routes(routes!(show))
        .routes(routes!(cancel))
        .routes(routes!(rerun))
        .routes(routes!(metrics))
        .routes(routes!(lock))
}

fn status(is_new: bool) -> StatusCode {
    if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    }
}

/// A run as it is shown: with what it waits for.
pub(super) fn shown(app: &App, mut run: Run) -> Run {
    run.waiting = waiting(&run, app.targets.get(&run.target).ok().as_deref());
    run
}

/// Runs, newest first.
#[utoipa::path(get, path = "/runs", tag = "runs", params(RunFilter), responses((status = 200, body = [RunSummary]), (status = 400, body = ApiError)))]
async fn list(
    State(app): State<Arc<App>>,
    Query(mut filter): Query<RunFilter>,
) -> Answer<Json<Vec<RunSummary>>> {
    let workspace = app.workspace(filter.workspace.as_deref()).await?.name;
    if let Some(state) = &filter.state {
        let state: RunState = state
            .parse()
            .map_err(|error| ApiError::bad_request(format!("{error}")))?;
        filter.state = Some(state.as_str().to_owned());
    }
    if let Some(target) = filter.target.as_deref().filter(|target| *target != NO_TARGET) {
        app.targets.get(target)?;
    }
    if let Some(parent) = &filter.parent {
        filter.parent = Some(app.find_run(parent).await?.id.to_string());
    }
    filter.workspace = Some(workspace.clone());
    if let Some(run) = filter.array.take() {
        return Ok(Json(arrays::list(&app, &run, &filter).await?));
    }
    let runs = app.store.list_runs(&filter).await?;
    if let Some(experiment) = filter.experiment.filter(|_| runs.is_empty()) {
        let known = app.store.experiments(&workspace).await?;
        if !known.iter().any(|it| it.name == experiment) {
            return Err(unknown(
                "experiment",
                &experiment,
                known.iter().map(|it| it.name.as_str()),
                "outhaul experiment list",
            )
            .into());
        }
    }
    Ok(Json(runs))
}

/// Record a run and start it when its target has room. Submitting the same id again changes nothing.
#[utoipa::path(post, path = "/runs", tag = "runs", request_body = SubmitRun,
    responses((status = 201, body = Run), (status = 200, description = "It was there already", body = Run), (status = 400, body = ApiError),
        (status = 404, body = ApiError), (status = 409, body = ApiError), (status = 422, body = ApiError)))]
async fn submit_run(
    State(app): State<Arc<App>>,
    Body(request): Body<SubmitRun>,
) -> Answer<(StatusCode, Json<Run>)> {
    let (run, is_new) = submit::submit(&app, request).await?;
    Ok((status(is_new), Json(shown(&app, run))))
}

/// What a submission would do; nothing is changed.
#[utoipa::path(post, path = "/runs/plan", tag = "runs", request_body = SubmitRun,
    responses((status = 200, body = RunPlan), (status = 400, body = ApiError), (status = 404, body = ApiError), (status = 422, body = ApiError)))]
async fn plan(State(app): State<Arc<App>>, Body(request): Body<SubmitRun>) -> Answer<Json<RunPlan>> {
    Ok(Json(submit::plan(&app, request).await?))
}

/// One run.
#[utoipa::path(get, path = "/runs/{run}", tag = "runs", params(("run" = String, Path, description = "Id or unique prefix")),
    responses((status = 200, body = Run), (status = 400, body = ApiError), (status = 404, body = ApiError)))]
async fn show(State(app): State<Arc<App>>, Path(run): Path<String>) -> Answer<Json<Run>> {
    let run = app.find_run(&run).await?;
    Ok(Json(shown(&app, run)))
}

/// Ask for a run's end.
#[utoipa::path(post, path = "/runs/{run}/cancel", tag = "runs", params(("run" = String, Path, description = "Id or unique prefix")),
    responses((status = 200, body = CancelAnswer), (status = 404, body = ApiError)))]
async fn cancel(State(app): State<Arc<App>>, Path(run): Path<String>) -> Answer<Json<CancelAnswer>> {
    let run = app.find_run(&run).await?;
    Ok(Json(cancel::end(&app, &run).await?))
}

/// Run the recorded code and command of a run again, with the lock of its environment.
#[utoipa::path(post, path = "/runs/{run}/rerun", tag = "runs", params(("run" = String, Path, description = "Id or unique prefix")),
    request_body = Rerun, responses((status = 201, body = Run), (status = 200, body = Run), (status = 400, body = ApiError), (status = 404, body = ApiError)))]
async fn rerun(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    Body(request): Body<Rerun>,
) -> Answer<(StatusCode, Json<Run>)> {
    let original = app.find_run(&run).await?;
    let (run, is_new) = submit::rerun(&app, &original, request).await?;
    Ok((status(is_new), Json(shown(&app, run))))
}

/// The metrics of a run, in the order in which they were logged.
#[utoipa::path(get, path = "/runs/{run}/metrics", tag = "runs", params(("run" = String, Path, description = "Id or unique prefix")),
    responses((status = 200, body = [MetricValue]), (status = 404, body = ApiError)))]
async fn metrics(State(app): State<Arc<App>>, Path(run): Path<String>) -> Answer<Json<Vec<MetricValue>>> {
    let run = app.find_run(&run).await?;
    Ok(Json(app.store.metrics(&run.id).await?))
}

/// The lock of a run's environment.
#[utoipa::path(get, path = "/runs/{run}/lock", tag = "runs", params(("run" = String, Path, description = "Id or unique prefix")),
    responses((status = 200, body = Lock), (status = 404, body = ApiError)))]
async fn lock(State(app): State<Arc<App>>, Path(run): Path<String>) -> Answer<Json<Lock>> {
    let run = app.find_run(&run).await?;
    let Some(id) = &run.environment_id else {
        return Err(ApiError::not_found(format!("run `{}` has no environment yet", run.id.short())).into());
    };
    Ok(Json(app.store.lock(id).await?))
}
