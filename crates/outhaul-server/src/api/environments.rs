//! Environments: registered ones, and building.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use base64::Engine;
use jiff::Timestamp;
use outhaul_driver::{EnvironmentRequest, LogSink};
use outhaul_types::api::{BuildEnvironment, BuiltEnvironment, InWorkspace, RegisterEnvironment};
use outhaul_types::environment::RegisteredEnvironment;
use outhaul_types::id::check_name;
use outhaul_types::log::LogFrame;
use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{ApiError, ErrorCode, FailureClass, LogStream};
use tokio::sync::mpsc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Answer, Body, Query};
use super::stream::{Frames, Gone, answer};
use crate::app::App;
use crate::submit;
use crate::targets::Target;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, register))
        .routes(routes!(build))
        .routes(routes!(show))
}

/// The newest version of each registered environment.
#[utoipa::path(get, path = "/environments", tag = "environments", params(InWorkspace), responses((status = 200, body = [RegisteredEnvironment])))]
async fn list(
    State(app): State<Arc<App>>,
    Query(query): Query<InWorkspace>,
) -> Answer<Json<Vec<RegisteredEnvironment>>> {
    let workspace = app.workspace(query.workspace.as_deref()).await?;
    Ok(Json(app.store.environments(&workspace.name).await?))
}

/// One registered environment.
#[utoipa::path(get, path = "/environments/{name}", tag = "environments", params(("name" = String, Path, description = "Name"), InWorkspace),
    responses((status = 200, body = RegisteredEnvironment), (status = 404, body = ApiError)))]
async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<InWorkspace>,
) -> Answer<Json<RegisteredEnvironment>> {
    let workspace = app.workspace(query.workspace.as_deref()).await?;
    Ok(Json(
        submit::registered(&app, &workspace.name, &name, query.version).await?,
    ))
}

/// Register an environment: a new version, unless the newest is equal to it.
#[utoipa::path(post, path = "/environments", tag = "environments", request_body = RegisterEnvironment,
    responses((status = 200, body = RegisteredEnvironment), (status = 400, body = ApiError)))]
async fn register(
    State(app): State<Arc<App>>,
    Body(request): Body<RegisterEnvironment>,
) -> Answer<Json<RegisteredEnvironment>> {
    let workspace = app.workspace(request.workspace.as_deref()).await?;
    check_name("environment", &request.name).map_err(|error| ApiError::bad_request(error.to_string()))?;
    Ok(Json(
        app.store
            .register_environment(&workspace.name, &request.name, request.spec, Timestamp::now())
            .await?,
    ))
}

/// Build an environment on a target, also one whose build failed before. Server-sent events: `log`, then `built` or
/// `error`, then `end`.
#[utoipa::path(post, path = "/environments/build", tag = "environments", request_body = BuildEnvironment,
    responses((status = 200, description = "Frames", body = BuiltEnvironment, content_type = "text/event-stream"), (status = 404, body = ApiError), (status = 422, body = ApiError)))]
async fn build(
    State(app): State<Arc<App>>,
    Body(request): Body<BuildEnvironment>,
) -> Answer<impl IntoResponse> {
    let workspace = app.workspace(request.workspace.as_deref()).await?;
    let target = app
        .targets
        .get(request.target.as_deref().unwrap_or(LOCAL_TARGET))?;
    let (spec, _) = submit::environment(&app, &workspace, request.environment, request.conda).await?;
    let wanted = EnvironmentRequest {
        spec,
        lock: None,
        retry: true,
    };
    Ok(answer(|frames| produce(app, target, wanted, frames)))
}

/// Passes what the build prints on to the frames.
struct Pass(mpsc::UnboundedSender<Vec<u8>>);

impl LogSink for Pass {
    fn write(&self, bytes: &[u8]) {
        let _ = self.0.send(bytes.to_vec());
    }
}

async fn produce(
    app: Arc<App>,
    target: Arc<Target>,
    wanted: EnvironmentRequest,
    frames: Frames,
) -> Result<(), Gone> {
    let (sender, mut printed) = mpsc::unbounded_channel();
    let pass = Pass(sender);
    let work = target.driver.prepare_environment(&wanted, &pass);
    tokio::pin!(work);
    let mut offset = 0;
    let built = loop {
        tokio::select! {
            biased;
            Some(bytes) = printed.recv() => offset = log(&frames, offset, &bytes).await?,
            built = &mut work => break built,
            // Nobody waits for it any more: the build is stopped.
            () = frames.closed() => return Err(Gone),
        }
    };
    while let Ok(bytes) = printed.try_recv() {
        offset = log(&frames, offset, &bytes).await?;
    }
    match built {
        Ok(built) => {
            if let Err(error) = app.store.put_lock(&built.id, built.lock.clone()).await {
                tracing::warn!(%error, "environment.built: its lock is kept on the target only");
            }
            let view = BuiltEnvironment {
                id: built.id,
                target: target.name.clone(),
                python: built.python,
                lock: built.lock,
            };
            frames.send("built", None, &view).await?;
        }
        Err(error) => {
            let code = if error.class() == FailureClass::Environment {
                ErrorCode::Environment
            } else {
                ErrorCode::Target
            };
            frames
                .send(
                    "error",
                    None,
                    &ApiError {
                        code,
                        message: error.message,
                        hint: error.hint,
                    },
                )
                .await?;
        }
    }
    frames.send("end", None, &serde_json::json!({})).await
}

async fn log(frames: &Frames, offset: u64, bytes: &[u8]) -> Result<u64, Gone> {
    let next = offset + bytes.len() as u64;
    let frame = LogFrame {
        stream: LogStream::Environment,
        offset,
        next,
        data: base64::engine::general_purpose::STANDARD.encode(bytes),
    };
    frames.send("log", Some(next), &frame).await?;
    Ok(next)
}
