//! Models: register, list, show, change, delete, and their files.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use outhaul_types::api::{ModelDetails, ModelFilter, RegisterModel};
use outhaul_types::{ApiError, ChangeModel, Model};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Answer, Body, Query};
use super::send_file;
use crate::app::App;
use crate::models;

/// What stands in place of a workspace's name for the current one.
const CURRENT: &str = "-";

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, register))
        .routes(routes!(show, change, delete))
        .routes(routes!(download))
}

async fn workspace(app: &App, name: &str) -> Result<String, ApiError> {
    let name = Some(name).filter(|name| *name != CURRENT);
    Ok(app.workspace(name).await?.name)
}

/// Models, newest first.
#[utoipa::path(get, path = "/workspaces/{workspace}/models", tag = "models",
    params(("workspace" = String, Path, description = "Name, or `-` for the current one"), ModelFilter),
    responses((status = 200, body = [Model]), (status = 404, body = ApiError)))]
async fn list(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(filter): Query<ModelFilter>,
) -> Answer<Json<Vec<Model>>> {
    let workspace = workspace(&app, &name).await?;
    Ok(Json(models::list(&app, &workspace, filter).await?))
}

/// Register a model as the next version of its name, from what is kept of a run or from a tree among the artifacts.
/// Asking again with the same id changes nothing.
#[utoipa::path(post, path = "/workspaces/{workspace}/models", tag = "models",
    params(("workspace" = String, Path, description = "Name, or `-` for the current one")), request_body = RegisterModel,
    responses((status = 201, body = Model), (status = 200, description = "It was there already", body = Model), (status = 400, body = ApiError),
        (status = 404, body = ApiError), (status = 409, body = ApiError)))]
async fn register(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Body(request): Body<RegisterModel>,
) -> Answer<(StatusCode, Json<Model>)> {
    let workspace = workspace(&app, &name).await?;
    let (model, is_new) = models::register(&app, &workspace, request).await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(model)))
}

/// One model with its files and where it comes from.
#[utoipa::path(get, path = "/workspaces/{workspace}/models/{model}", tag = "models",
    params(("workspace" = String, Path, description = "Name, or `-` for the current one"),
        ("model" = String, Path, description = "`NAME:VERSION`, or `NAME` for the newest")),
    responses((status = 200, body = ModelDetails), (status = 400, body = ApiError), (status = 404, body = ApiError)))]
async fn show(
    State(app): State<Arc<App>>,
    Path((name, model)): Path<(String, String)>,
) -> Answer<Json<ModelDetails>> {
    let workspace = workspace(&app, &name).await?;
    let model = models::find(&app, &workspace, &model).await?;
    Ok(Json(models::details(&app, model).await?))
}

/// Change the tags and the description of a model, and add properties, all or none. A property is set once.
#[utoipa::path(patch, path = "/workspaces/{workspace}/models/{model}", tag = "models",
    params(("workspace" = String, Path, description = "Name, or `-` for the current one"),
        ("model" = String, Path, description = "`NAME:VERSION`")), request_body = ChangeModel,
    responses((status = 200, body = Model), (status = 400, body = ApiError), (status = 404, body = ApiError), (status = 409, body = ApiError)))]
async fn change(
    State(app): State<Arc<App>>,
    Path((name, model)): Path<(String, String)>,
    Body(change): Body<ChangeModel>,
) -> Answer<Json<Model>> {
    let workspace = workspace(&app, &name).await?;
    Ok(Json(models::change(&app, &workspace, &model, change).await?))
}

/// Delete a version of a model. Its number is not given again. Refused while a web service uses it.
#[utoipa::path(delete, path = "/workspaces/{workspace}/models/{model}", tag = "models",
    params(("workspace" = String, Path, description = "Name, or `-` for the current one"),
        ("model" = String, Path, description = "`NAME:VERSION`")),
    responses((status = 204), (status = 400, body = ApiError), (status = 404, body = ApiError), (status = 409, body = ApiError)))]
async fn delete(
    State(app): State<Arc<App>>,
    Path((name, model)): Path<(String, String)>,
) -> Answer<StatusCode> {
    let workspace = workspace(&app, &name).await?;
    models::delete(&app, &workspace, &model).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One file of a model.
#[utoipa::path(get, path = "/workspaces/{workspace}/models/{model}/files/{*path}", tag = "models",
    params(("workspace" = String, Path, description = "Name, or `-` for the current one"),
        ("model" = String, Path, description = "`NAME:VERSION`, or `NAME` for the newest"), ("path" = String, Path, description = "Path of the file")),
    responses((status = 200, description = "The file's bytes", content_type = "application/octet-stream"), (status = 404, body = ApiError)))]
async fn download(
    State(app): State<Arc<App>>,
    Path((name, model, path)): Path<(String, String, String)>,
) -> Answer<Response> {
    let workspace = workspace(&app, &name).await?;
    let model = models::find(&app, &workspace, &model).await?;
    let (hash, size) = models::content(&app, &model, &path).await?;
    let file =
        app.artifacts.file(&hash).await.map_err(|error| {
            ApiError::internal(format!("`{path}` of model `{}`: {error}", model.reference()))
        })?;
    Ok(send_file(&file, size).await?)
}
