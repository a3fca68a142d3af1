//! Jobs of targets by the targets' own names: found and adopted.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use outhaul_types::api::{AdoptJob, NativeJob};
use outhaul_types::{ApiError, Run};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Answer, Body};
use super::runs::shown;
use crate::adoption;
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(find)).routes(routes!(adopt))
}

/// What a target knows of a job, whoever submitted it.
#[utoipa::path(get, path = "/targets/{target}/jobs/{job}", tag = "targets",
    params(("target" = String, Path, description = "Name"), ("job" = String, Path, description = "The target's own name for it")),
    responses((status = 200, body = NativeJob), (status = 400, body = ApiError), (status = 404, body = ApiError), (status = 502, body = ApiError)))]
async fn find(
    State(app): State<Arc<App>>,
    Path((target, job)): Path<(String, String)>,
) -> Answer<Json<NativeJob>> {
    Ok(Json(adoption::find(&app, &target, &job).await?))
}

/// Make a job that somebody else submitted into a run, which is followed from now on. A second time gives the same run.
#[utoipa::path(post, path = "/targets/{target}/jobs/{job}/adopt", tag = "targets",
    params(("target" = String, Path, description = "Name"), ("job" = String, Path, description = "The target's own name for it")),
    request_body = AdoptJob,
    responses((status = 201, body = Run), (status = 200, description = "It was adopted already", body = Run), (status = 400, body = ApiError),
        (status = 404, body = ApiError), (status = 409, body = ApiError), (status = 502, body = ApiError)))]
async fn adopt(
    State(app): State<Arc<App>>,
    Path((target, job)): Path<(String, String)>,
    Body(request): Body<AdoptJob>,
) -> Answer<(StatusCode, Json<Run>)> {
    let (run, is_new) = adoption::adopt(&app, &target, &job, request).await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(shown(&app, run))))
}
