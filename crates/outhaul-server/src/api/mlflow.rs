//! The door for MLflow's clients: opened, closed, and who may come in. What is spoken there is in `crate::mlflow`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use outhaul_types::ApiError;
use outhaul_types::api::InWorkspace;
use outhaul_types::tracking::{AskToken, TrackingDoor, TrackingToken};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Answer, Body, Query};
use crate::app::App;
use crate::mlflow;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(open))
        .routes(routes!(close))
        .routes(routes!(token))
}

/// How the door for MLflow stands.
#[utoipa::path(get, path = "/mlflow", tag = "mlflow", params(InWorkspace),
    responses((status = 200, body = TrackingDoor), (status = 404, body = ApiError)))]
async fn status(State(app): State<Arc<App>>, Query(query): Query<InWorkspace>) -> Answer<Json<TrackingDoor>> {
    let workspace = app.workspace(query.workspace.as_deref()).await?;
    Ok(Json(mlflow::status(&app, &workspace.name)))
}

/// Open the door for MLflow: a port on 127.0.0.1, also at each later start of the server. Opening it again changes nothing.
#[utoipa::path(post, path = "/mlflow/open", tag = "mlflow", params(InWorkspace),
    responses((status = 200, body = TrackingDoor), (status = 404, body = ApiError), (status = 500, body = ApiError)))]
async fn open(State(app): State<Arc<App>>, Query(query): Query<InWorkspace>) -> Answer<Json<TrackingDoor>> {
    let workspace = app.workspace(query.workspace.as_deref()).await?;
    mlflow::open(&app).await?;
    Ok(Json(mlflow::status(&app, &workspace.name)))
}

/// Close the door for MLflow.
#[utoipa::path(post, path = "/mlflow/close", tag = "mlflow", params(InWorkspace),
    responses((status = 200, body = TrackingDoor), (status = 404, body = ApiError), (status = 500, body = ApiError)))]
async fn close(State(app): State<Arc<App>>, Query(query): Query<InWorkspace>) -> Answer<Json<TrackingDoor>> {
    let workspace = app.workspace(query.workspace.as_deref()).await?;
    mlflow::close(&app).await?;
    Ok(Json(mlflow::status(&app, &workspace.name)))
}

/// The token of a workspace at the door for MLflow.
#[utoipa::path(post, path = "/mlflow/token", tag = "mlflow", request_body = AskToken,
    responses((status = 200, body = TrackingToken), (status = 400, body = ApiError), (status = 404, body = ApiError), (status = 500, body = ApiError)))]
async fn token(State(app): State<Arc<App>>, Body(ask): Body<AskToken>) -> Answer<Json<TrackingToken>> {
    let workspace = app.workspace(ask.workspace.as_deref()).await?;
    let token = mlflow::token_of(&app, &workspace.name, ask.renew).await?;
    Ok(Json(TrackingToken {
        token: token.expose().to_owned(),
    }))
}
