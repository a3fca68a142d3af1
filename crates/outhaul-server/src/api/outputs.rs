//! What a run left, and the code that it ran.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use outhaul_snapshot::{EntryKind, Tree};
use outhaul_types::ApiError;
use outhaul_types::api::{Output, SnapshotFile, SnapshotInfo};
use tokio::io::AsyncReadExt;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::Answer;
use crate::app::App;
use crate::errors::unknown;

const BLOCK: usize = 256 << 10;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(download))
        .routes(routes!(snapshot))
        .routes(routes!(blob))
}

/// The files that a run left.
#[utoipa::path(get, path = "/runs/{run}/outputs", tag = "outputs", params(("run" = String, Path, description = "Id or unique prefix")),
    responses((status = 200, body = [Output]), (status = 404, body = ApiError)))]
async fn list(State(app): State<Arc<App>>, Path(run): Path<String>) -> Answer<Json<Vec<Output>>> {
    let run = app.find_run(&run).await?;
    Ok(Json(app.store.outputs(&run.id).await?))
}

/// One file that a run left.
#[utoipa::path(get, path = "/runs/{run}/outputs/{*path}", tag = "outputs",
    params(("run" = String, Path, description = "Id or unique prefix"), ("path" = String, Path, description = "Path of the file")),
    responses((status = 200, description = "The file's bytes", content_type = "application/octet-stream"), (status = 404, body = ApiError)))]
async fn download(
    State(app): State<Arc<App>>,
    Path((run, path)): Path<(String, String)>,
) -> Answer<Response> {
    let run = app.find_run(&run).await?;
    let outputs = app.store.outputs(&run.id).await?;
    let Some(output) = outputs.iter().find(|output| output.path == path) else {
        let list = format!("outhaul runs outputs {}", run.id.short());
        return Err(unknown(
            "output",
            &path,
            outputs.iter().map(|output| output.path.as_str()),
            &list,
        )
        .into());
    };
    let file = app
        .artifacts
        .file(&output.hash)
        .await
        .map_err(|error| ApiError::internal(error.to_string()))?;
    send(&file, Some(output.size)).await
}

/// The code of a run.
#[utoipa::path(get, path = "/runs/{run}/snapshot", tag = "outputs", params(("run" = String, Path, description = "Id or unique prefix")),
    responses((status = 200, body = SnapshotInfo), (status = 404, body = ApiError)))]
async fn snapshot(State(app): State<Arc<App>>, Path(run): Path<String>) -> Answer<Json<SnapshotInfo>> {
    let run = app.find_run(&run).await?;
    let Some(spec) = run.spec else {
        return Err(ApiError::not_found(format!(
            "run `{}` is a child run or a tracked one and has no code of its own",
            run.id.short()
        ))
        .into());
    };
    if let Some(job) = &spec.adopted {
        return Err(ApiError::not_found(format!(
            "run `{}` is job `{job}`, which Outhaul did not submit: its code is not known",
            run.id.short()
        ))
        .into());
    }
    let broken = |error: &dyn std::fmt::Display| {
        ApiError::internal(format!("the code of run `{}`: {error}", run.id.short()))
    };
    let id = spec.snapshot.tree.parse().map_err(|error| broken(&error))?;
    let tree = app.blobs.get_tree(&id).map_err(|error| broken(&error))?;
    let files = listed(&tree);
    Ok(Json(SnapshotInfo {
        snapshot: spec.snapshot,
        files,
    }))
}

/// The files of a tree as they are shown.
pub(crate) fn listed(tree: &Tree) -> Vec<SnapshotFile> {
    let entries = tree.entries().iter();
    entries
        .map(|entry| match &entry.kind {
            EntryKind::File {
                hash,
                size,
                executable,
            } => SnapshotFile {
                path: entry.path.clone(),
                size: *size,
                hash: Some(hash.to_hex()),
                executable: *executable,
                link: None,
            },
            EntryKind::Symlink { target } => SnapshotFile {
                path: entry.path.clone(),
                size: 0,
                hash: None,
                executable: false,
                link: Some(target.clone()),
            },
        })
        .collect()
}

/// One file of a snapshot by its content.
#[utoipa::path(get, path = "/blobs/{hash}", tag = "outputs", params(("hash" = String, Path, description = "Content hash")),
    responses((status = 200, description = "The bytes", content_type = "application/octet-stream"), (status = 404, body = ApiError)))]
async fn blob(State(app): State<Arc<App>>, Path(hash): Path<String>) -> Answer<Response> {
    let missing = || ApiError::not_found(format!("there is no content `{hash}`"));
    let parsed = hash.parse().map_err(|_| missing())?;
    if !app.blobs.has(&parsed) {
        return Err(missing().into());
    }
    send(&app.blobs.path_of(&parsed), app.blobs.size_of(&parsed)).await
}

/// A file of this size as an answer.
pub(crate) async fn send_file(path: &std::path::Path, size: u64) -> Result<Response, ApiError> {
    send(path, Some(size)).await.map_err(|failed| failed.0)
}

/// Sends a file in blocks.
async fn send(path: &std::path::Path, size: Option<u64>) -> Answer<Response> {
    let file = tokio::fs::File::open(path)
        .await
        .map_err(|error| ApiError::internal(format!("`{}`: {error}", path.display())))?;
    let stream = futures_util::stream::unfold(file, |mut file| async {
        let mut block = Vec::with_capacity(BLOCK);
        match (&mut file).take(BLOCK as u64).read_to_end(&mut block).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(Bytes::from(block)), file)),
            Err(error) => Some((Err(error), file)),
        }
    });
    let mut response = (
        [(header::CONTENT_TYPE, "application/octet-stream")],
        Body::from_stream(stream),
    )
        .into_response();
    if let Some(size) = size {
        response.headers_mut().insert(header::CONTENT_LENGTH, size.into());
    }
    Ok(response)
}
