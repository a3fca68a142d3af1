//! Web services: deploy, list, show, update, keys, delete.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use outhaul_types::api::{DeployService, InWorkspace, ServiceChange, ServiceFilter, ServiceKeys, WhichKey};
use outhaul_types::{ApiError, WebService};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Answer, Body, Query};
use crate::app::App;
use crate::services;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, deploy))
        .routes(routes!(show, update, delete))
        .routes(routes!(keys))
        .routes(routes!(renew))
}

/// Web services by name.
#[utoipa::path(get, path = "/services", tag = "services", params(ServiceFilter), responses((status = 200, body = [WebService])))]
async fn list(
    State(app): State<Arc<App>>,
    Query(filter): Query<ServiceFilter>,
) -> Answer<Json<Vec<WebService>>> {
    Ok(Json(services::list(&app, &filter).await?))
}

/// Deploy a model as a web service: it is recorded, and brought up then. Deploying the same id again changes nothing.
#[utoipa::path(post, path = "/services", tag = "services", request_body = DeployService,
    responses((status = 201, body = WebService), (status = 200, description = "It was there already", body = WebService),
        (status = 400, body = ApiError), (status = 404, body = ApiError), (status = 409, body = ApiError), (status = 422, body = ApiError)))]
async fn deploy(
    State(app): State<Arc<App>>,
    Body(request): Body<DeployService>,
) -> Answer<(StatusCode, Json<WebService>)> {
    let (service, is_new) = services::deploy(&app, request).await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(service)))
}

/// One web service.
#[utoipa::path(get, path = "/services/{name}", tag = "services", params(("name" = String, Path, description = "Name"), InWorkspace),
    responses((status = 200, body = WebService), (status = 404, body = ApiError)))]
async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<InWorkspace>,
) -> Answer<Json<WebService>> {
    Ok(Json(
        services::find(&app, query.workspace.as_deref(), &name).await?,
    ))
}

/// Change a web service, or, with nothing to change, load script and models anew. What answers goes on until its successor
/// has initialised; when that does not come up, nothing changes.
#[utoipa::path(patch, path = "/services/{name}", tag = "services", params(("name" = String, Path, description = "Name"), InWorkspace),
    request_body = ServiceChange,
    responses((status = 200, body = WebService), (status = 400, body = ApiError), (status = 404, body = ApiError), (status = 409, body = ApiError)))]
async fn update(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<InWorkspace>,
    Body(change): Body<ServiceChange>,
) -> Answer<Json<WebService>> {
    let service = services::find(&app, query.workspace.as_deref(), &name).await?;
    Ok(Json(services::update(&app, &service, change).await?))
}

/// Delete a web service: requests under way are answered, then it is gone.
#[utoipa::path(delete, path = "/services/{name}", tag = "services", params(("name" = String, Path, description = "Name"), InWorkspace),
    responses((status = 200, body = WebService), (status = 404, body = ApiError)))]
async fn delete(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<InWorkspace>,
) -> Answer<Json<WebService>> {
    let service = services::find(&app, query.workspace.as_deref(), &name).await?;
    Ok(Json(services::delete(&app, &service).await?))
}

/// The keys of a web service that asks for one.
#[utoipa::path(get, path = "/services/{name}/keys", tag = "services", params(("name" = String, Path, description = "Name"), InWorkspace),
    responses((status = 200, body = ServiceKeys), (status = 400, body = ApiError), (status = 404, body = ApiError)))]
async fn keys(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<InWorkspace>,
) -> Answer<Json<ServiceKeys>> {
    let service = services::find(&app, query.workspace.as_deref(), &name).await?;
    Ok(Json(services::keys_of(&app, &service).await?))
}

/// Make a key anew. The old one works until the service's next instance answers, which is started at once.
#[utoipa::path(post, path = "/services/{name}/keys/{which}", tag = "services",
    params(("name" = String, Path, description = "Name"), ("which" = WhichKey, Path, description = "Which key"), InWorkspace),
    responses((status = 200, body = ServiceKeys), (status = 400, body = ApiError), (status = 404, body = ApiError)))]
async fn renew(
    State(app): State<Arc<App>>,
    Path((name, which)): Path<(String, WhichKey)>,
    Query(query): Query<InWorkspace>,
) -> Answer<Json<ServiceKeys>> {
    let service = services::find(&app, query.workspace.as_deref(), &name).await?;
    services::renew(&app, &service, which).await?;
    let service = services::update(&app, &service, ServiceChange::default()).await?;
    Ok(Json(services::keys_of(&app, &service).await?))
}
