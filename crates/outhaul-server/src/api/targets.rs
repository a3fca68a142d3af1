//! Compute targets: seen, checked, attached and detached.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use outhaul_types::api::{
    AttachTarget, DetachTarget, Detached, ScanHostKey, ScannedHostKey, Target as TargetView, TargetChecks,
    Ticket,
};
use outhaul_types::target::HostKey;
use outhaul_types::{ApiError, HostFacts, ProvisioningState, Secret};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Answer, Body, Query};
use crate::app::App;
use crate::attach;
use crate::errors::of_target;
use crate::targets::Entry;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, attach_target))
        .routes(routes!(show, detach))
        .routes(routes!(check))
        .routes(routes!(scan))
        .routes(routes!(trust))
        .routes(routes!(hand_over))
}

fn view(name: &str, entry: &Entry) -> TargetView {
    let (running, queued, slots) = entry.live.as_ref().map_or((0, 0, None), |live| {
        let scheduler = live.scheduler();
        (scheduler.running(), scheduler.queued(), scheduler.slots())
    });
    let record = entry.record.as_ref();
    let facts = match record {
        Some(record) => record.facts.as_ref().map(facts).unwrap_or_default(),
        None => BTreeMap::from([
            ("os".to_owned(), std::env::consts::OS.to_owned()),
            ("architecture".to_owned(), std::env::consts::ARCH.to_owned()),
        ]),
    };
    let state = record.map_or(ProvisioningState::Succeeded, |record| record.state);
    TargetView {
        name: name.to_owned(),
        kind: record.map_or("local", |record| record.config.kind()).to_owned(),
        provisioning_state: state.as_str().to_owned(),
        address: record.map(outhaul_types::ComputeTarget::address),
        resource_id: record.and_then(|record| record.config.host()?.resource_id.clone()),
        slots: slots.unwrap_or(0),
        running,
        queued,
        facts,
        error: record.and_then(|record| record.error.clone()),
        checks: record.map(|record| record.checks.clone()).unwrap_or_default(),
        notes: record.map(|record| record.notes.clone()).unwrap_or_default(),
    }
}

fn facts(facts: &HostFacts) -> BTreeMap<String, String> {
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let pythons: Vec<String> = facts
        .pythons
        .iter()
        .map(|python| format!("{} ({})", python.version, python.path))
        .collect();
    let index = match facts.index_reachable {
        Some(true) => "can be reached",
        Some(false) => "cannot be reached",
        None => "not known",
    };
    let all = [
        ("os", facts.os.clone()),
        ("kernel", facts.kernel.clone()),
        ("architecture", facts.architecture.clone()),
        ("cpus", facts.cpus.to_string()),
        ("memory", gigabytes(facts.memory_bytes)),
        ("disk_free", gigabytes(facts.disk_free_bytes)),
        ("gpus", facts.gpus.join("; ")),
        ("python", pythons.join(", ")),
        (
            "docker",
            facts
                .docker
                .clone()
                .or_else(|| facts.docker_problem.clone())
                .unwrap_or_default(),
        ),
        ("uv", facts.uv.clone().unwrap_or_default()),
        ("conda", facts.conda.clone().unwrap_or_default()),
        ("package_index", index.to_owned()),
        ("clock_offset_ms", facts.clock_offset_ms.to_string()),
        ("shell", facts.shell.clone()),
        ("folder", facts.folder.clone()),
    ];
    all.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// All targets.
#[utoipa::path(get, path = "/targets", tag = "targets", responses((status = 200, body = [TargetView])))]
async fn list(State(app): State<Arc<App>>) -> Json<Vec<TargetView>> {
    Json(
        app.targets
            .entries()
            .iter()
            .map(|(name, entry)| view(name, entry))
            .collect(),
    )
}

/// One target.
#[utoipa::path(get, path = "/targets/{target}", tag = "targets", params(("target" = String, Path, description = "Name")),
    responses((status = 200, body = TargetView), (status = 404, body = ApiError)))]
async fn show(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer<Json<TargetView>> {
    Ok(Json(view(&name, &app.targets.entry(&name)?)))
}

/// Attach a target. It is answered at once, while the target is still being looked at.
#[utoipa::path(post, path = "/targets", tag = "targets", request_body = AttachTarget,
    responses((status = 202, body = TargetView), (status = 400, body = ApiError), (status = 409, body = ApiError)))]
async fn attach_target(
    State(app): State<Arc<App>>,
    Body(request): Body<AttachTarget>,
) -> Answer<(StatusCode, Json<TargetView>)> {
    let target = attach::attach(&app, request).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(view(&target.name, &app.targets.entry(&target.name)?)),
    ))
}

/// Detach a target, leaving nothing of ours on it.
#[utoipa::path(delete, path = "/targets/{target}", tag = "targets",
    params(("target" = String, Path, description = "Name"), DetachTarget),
    responses((status = 200, body = Detached), (status = 400, body = ApiError), (status = 404, body = ApiError), (status = 409, body = ApiError), (status = 502, body = ApiError)))]
async fn detach(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(how): Query<DetachTarget>,
) -> Answer<Json<Detached>> {
    Ok(Json(attach::detach(&app, &name, how.forget).await?))
}

/// Ask a host for its key. Nothing is stored.
#[utoipa::path(post, path = "/targets/host-key", tag = "targets", request_body = ScanHostKey,
    responses((status = 200, body = ScannedHostKey), (status = 400, body = ApiError), (status = 502, body = ApiError)))]
async fn scan(State(app): State<Arc<App>>, Body(request): Body<ScanHostKey>) -> Answer<Json<ScannedHostKey>> {
    Ok(Json(attach::scan(&app, request).await?))
}

/// Pin another host key, for a machine that was set up anew.
#[utoipa::path(put, path = "/targets/{target}/host-key", tag = "targets", params(("target" = String, Path, description = "Name")),
    request_body = HostKey, responses((status = 200, body = TargetView), (status = 400, body = ApiError), (status = 404, body = ApiError)))]
async fn trust(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Body(key): Body<HostKey>,
) -> Answer<Json<TargetView>> {
    attach::trust(&app, &name, key).await?;
    Ok(Json(view(&name, &app.targets.entry(&name)?)))
}

/// Hand a credential over, for a target to be attached with. It is kept in memory only, until it is used or ten minutes
/// are over.
#[utoipa::path(post, path = "/credentials", tag = "targets", request_body = BTreeMap<String, String>,
    responses((status = 200, body = Ticket), (status = 400, body = ApiError), (status = 409, body = ApiError)))]
async fn hand_over(State(app): State<Arc<App>>, body: Bytes) -> Answer<Json<Ticket>> {
    // In words of our own: a parser's complaint may repeat what it read.
    let secrets: BTreeMap<String, Secret> = serde_json::from_slice(&body)
        .map_err(|_| ApiError::bad_request("a credential is an object of names and texts"))?;
    let ticket = app.attaching.tickets.keep(secrets)?;
    Ok(Json(Ticket { ticket }))
}

/// Check a target.
#[utoipa::path(post, path = "/targets/{target}/check", tag = "targets", params(("target" = String, Path, description = "Name")),
    responses((status = 200, body = TargetChecks), (status = 404, body = ApiError), (status = 502, body = ApiError)))]
async fn check(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer<Json<TargetChecks>> {
    let target = app.targets.get(&name)?;
    let checks = target.driver.check().await.map_err(of_target)?;
    Ok(Json(TargetChecks { target: name, checks }))
}
