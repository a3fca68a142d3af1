//! Compute targets.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use outhaul_types::api::{Target as TargetView, TargetChecks};
use outhaul_types::{ApiError, ErrorCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::Answer;
use crate::app::App;
use crate::targets::Target;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(check))
}

fn view(target: &Target) -> TargetView {
    let scheduler = target.scheduler();
    TargetView {
        name: target.name.clone(),
        kind: target.driver.kind().to_owned(),
        provisioning_state: "Succeeded".to_owned(),
        slots: scheduler.slots().unwrap_or(0),
        running: scheduler.running(),
        queued: scheduler.queued(),
        facts: BTreeMap::from([
            ("os".to_owned(), std::env::consts::OS.to_owned()),
            ("architecture".to_owned(), std::env::consts::ARCH.to_owned()),
        ]),
    }
}

/// All targets.
#[utoipa::path(get, path = "/targets", tag = "targets", responses((status = 200, body = [TargetView])))]
async fn list(State(app): State<Arc<App>>) -> Json<Vec<TargetView>> {
    Json(app.targets.iter().map(|target| view(target)).collect())
}

/// One target.
#[utoipa::path(get, path = "/targets/{target}", tag = "targets", params(("target" = String, Path, description = "Name")),
    responses((status = 200, body = TargetView), (status = 404, body = ApiError)))]
async fn show(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer<Json<TargetView>> {
    Ok(Json(view(app.targets.get(&name)?)))
}

/// Check a target.
#[utoipa::path(post, path = "/targets/{target}/check", tag = "targets", params(("target" = String, Path, description = "Name")),
    responses((status = 200, body = TargetChecks), (status = 404, body = ApiError), (status = 502, body = ApiError)))]
async fn check(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer<Json<TargetChecks>> {
    let target = app.targets.get(&name)?;
    let checks = target
        .driver
        .check()
        .await
        .map_err(|error| ApiError::new(ErrorCode::Target, error.to_string()))?;
    Ok(Json(TargetChecks { target: name, checks }))
}
