//! Arrays: submit, show, cancel. An array is named by any of its runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use outhaul_types::api::{ArrayRun, CancelAnswer, RunArray, RunFilter, RunSummary, SubmitRun};
use outhaul_types::{ApiError, ArrayElement, RunId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Answer, Body};
use crate::app::App;
use crate::cancel::end;
use crate::errors::translate;
use crate::submit;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(submit_array))
        .routes(routes!(show))
        .routes(routes!(cancel))
}

/// The array that a run belongs to.
async fn array_of(app: &App, run: &str) -> Result<ArrayElement, ApiError> {
    let run = app.find_run(run).await?;
    let id = run.id;
    run.spec.and_then(|spec| spec.array).ok_or_else(|| {
        ApiError::bad_request(format!("run `{}` is no part of an array", id.short()))
            .with_hint("`outhaul run --array 0-9` submits one; any of its runs names it")
    })
}

/// Runs of an array, newest first, that a filter lets through.
pub(super) async fn list(app: &App, run: &str, filter: &RunFilter) -> Result<Vec<RunSummary>, ApiError> {
    let array = array_of(app, run).await?;
    let mut ids: Vec<RunId> = array.runs().collect();
    ids.reverse();
    let mut runs = app.store.summaries(&ids).await.map_err(translate)?;
    let same = |wanted: &Option<String>, actual: &str| wanted.as_ref().is_none_or(|wanted| wanted == actual);
    let tagged = |run: &RunSummary| match filter.tag.as_deref().map(|tag| tag.split_once('=').ok_or(tag)) {
        None => true,
        Some(Ok((name, value))) => run.tags.get(name).is_some_and(|actual| actual == value),
        Some(Err(name)) => run.tags.contains_key(name),
    };
    runs.retain(|run| {
        same(&filter.experiment, &run.experiment)
            && same(&filter.target, &run.target)
            && same(&filter.state, run.state.as_str())
            && tagged(run)
    });
    if let Some(limit) = filter.limit.filter(|limit| *limit > 0) {
        runs.truncate(limit as usize);
    }
    Ok(runs)
}

/// Record a run for each index, all at once, and start them as their target has room. Submitting the same id again
/// changes nothing.
#[utoipa::path(post, path = "/arrays", tag = "runs", request_body = SubmitRun,
    responses((status = 201, body = RunArray), (status = 200, description = "It was there already", body = RunArray), (status = 400, body = ApiError),
        (status = 404, body = ApiError), (status = 409, body = ApiError), (status = 422, body = ApiError)))]
async fn submit_array(
    State(app): State<Arc<App>>,
    Body(request): Body<SubmitRun>,
) -> Answer<(StatusCode, Json<RunArray>)> {
    let (array, is_new) = submit::submit_array(&app, request).await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(array)))
}

/// An array with its runs.
#[utoipa::path(get, path = "/arrays/{array}", tag = "runs", params(("array" = String, Path, description = "Id or unique prefix of any of its runs")),
    responses((status = 200, body = RunArray), (status = 400, body = ApiError), (status = 404, body = ApiError)))]
async fn show(State(app): State<Arc<App>>, Path(array): Path<String>) -> Answer<Json<RunArray>> {
    let array = array_of(&app, &array).await?;
    let ids: Vec<RunId> = array.runs().collect();
    let runs = app.store.summaries(&ids).await?;
    // They were recorded together, so that none is missing.
    let indexes = array.indexes();
    let indexes = indexes.iter().flat_map(|indexes| indexes.all().iter().copied());
    Ok(Json(RunArray {
        id: array.id.clone(),
        runs: indexes
            .zip(runs)
            .map(|(index, run)| ArrayRun { index, run })
            .collect(),
        array: array.of,
    }))
}

/// Ask for the end of all runs of an array.
#[utoipa::path(post, path = "/arrays/{array}/cancel", tag = "runs", params(("array" = String, Path, description = "Id or unique prefix of any of its runs")),
    responses((status = 200, body = [CancelAnswer]), (status = 400, body = ApiError), (status = 404, body = ApiError)))]
async fn cancel(State(app): State<Arc<App>>, Path(array): Path<String>) -> Answer<Json<Vec<CancelAnswer>>> {
    let array = array_of(&app, &array).await?;
    let ids: Vec<RunId> = array.runs().collect();
    let mut answers = Vec::new();
    // The last ones first: those that wait must not start in the place of those that end.
    for id in ids.iter().rev() {
        let run = app.store.run(id).await?;
        answers.push(end(&app, &run).await?);
    }
    answers.reverse();
    Ok(Json(answers))
}
