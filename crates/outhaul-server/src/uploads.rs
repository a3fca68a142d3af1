//! Files on their way from a client into the artifacts: written aside first, so that a file that comes half is none.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use futures_util::StreamExt as _;
use outhaul_types::ApiError;
use tokio::io::AsyncWriteExt as _;

use crate::app::App;

/// A file that came whole, removed when this is dropped.
pub(crate) struct Upload(PathBuf);

impl Upload {
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Writes a request's body into a file of the data folder.
pub(crate) async fn receive(app: &App, body: Body) -> Result<Upload, ApiError> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let folder = app.home.uploads();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let upload = Upload(folder.join(format!("{}-{number}", std::process::id())));
    let failed = |error: std::io::Error| {
        let api = ApiError::internal(format!("the file cannot be taken: {error}"));
        if error.kind() == std::io::ErrorKind::StorageFull {
            api.with_hint("make room on the server's disk")
        } else {
            api
        }
    };
    tokio::fs::create_dir_all(&folder).await.map_err(failed)?;
    let mut file = tokio::fs::File::create(upload.path()).await.map_err(failed)?;
    let mut body = body.into_data_stream();
    while let Some(block) = body.next().await {
        let block =
            block.map_err(|error| ApiError::bad_request(format!("the file did not come whole: {error}")))?;
        file.write_all(&block).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok(upload)
}

/// Removes what a killed server left half.
pub(crate) fn remove_leftovers(folder: &std::path::Path) {
    // Only untidy, never wrong, when this fails.
    let _ = std::fs::remove_dir_all(folder);
}
