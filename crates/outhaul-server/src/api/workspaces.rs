//! Workspaces and experiments.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use outhaul_types::api::{CreateWorkspace, Experiment, InWorkspace};
use outhaul_types::id::check_name;
use outhaul_types::{ApiError, Workspace};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Answer, Body, Query};
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, put))
        .routes(routes!(use_workspace))
        .routes(routes!(experiments))
}

/// All workspaces.
#[utoipa::path(get, path = "/workspaces", tag = "workspaces", responses((status = 200, body = [Workspace])))]
async fn list(State(app): State<Arc<App>>) -> Answer<Json<Vec<Workspace>>> {
    Ok(Json(app.store.workspaces().await?))
}

/// One workspace.
#[utoipa::path(get, path = "/workspaces/{workspace}", tag = "workspaces", params(("workspace" = String, Path, description = "Name")),
    responses((status = 200, body = Workspace), (status = 404, body = ApiError)))]
async fn show(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer<Json<Workspace>> {
    Ok(Json(app.workspace(Some(&name)).await?))
}

/// Make a workspace, or change its settings.
#[utoipa::path(put, path = "/workspaces/{workspace}", tag = "workspaces", params(("workspace" = String, Path, description = "Name")),
    request_body = CreateWorkspace, responses((status = 200, body = Workspace), (status = 400, body = ApiError)))]
async fn put(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Body(request): Body<CreateWorkspace>,
) -> Answer<Json<Workspace>> {
    check_name("workspace", &name).map_err(|error| ApiError::bad_request(error.to_string()))?;
    Ok(Json(
        app.store
            .put_workspace(&name, request.settings, Timestamp::now())
            .await?,
    ))
}

/// Make a workspace the current one.
#[utoipa::path(post, path = "/workspaces/{workspace}/use", tag = "workspaces", params(("workspace" = String, Path, description = "Name")),
    responses((status = 200, body = Workspace), (status = 404, body = ApiError)))]
async fn use_workspace(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer<Json<Workspace>> {
    let workspace = app.workspace(Some(&name)).await?;
    Ok(Json(app.store.use_workspace(&workspace.name).await?))
}

/// The experiments of a workspace.
#[utoipa::path(get, path = "/experiments", tag = "workspaces", params(InWorkspace), responses((status = 200, body = [Experiment])))]
async fn experiments(
    State(app): State<Arc<App>>,
    Query(query): Query<InWorkspace>,
) -> Answer<Json<Vec<Experiment>>> {
    let workspace = app.workspace(query.workspace.as_deref()).await?;
    Ok(Json(app.store.experiments(&workspace.name).await?))
}
