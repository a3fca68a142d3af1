//! Staging and starting a run, so that repeating it at any point starts it once.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use outhaul_driver::{ChangeSender, DriverError, ErrorKind, NativeId};
use outhaul_types::Secret;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::run_dir::names;

const OPERATION: &str = "start the run";

/// Lays the run directory out with these files, up to the mark `staged`. A directory that has the mark is left alone.
pub(super) fn stage(
    dir: &Path,
    files: &[(&str, &str)],
    materialise: &dyn Fn(&Path) -> Result<(), DriverError>,
) -> Result<(), DriverError> {
    let io = |path: &Path, error| DriverError::io(OPERATION, path.display(), error);
    if dir.join(names::STAGED).exists() {
        return Ok(());
    }
    // A staging that was cut off is begun anew: nothing has been started from it.
    match std::fs::remove_dir_all(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(dir, error)),
    }
    let code = dir.join(names::CODE);
    std::fs::create_dir_all(&code).map_err(|error| io(&code, error))?;
    materialise(&code)?;
    for folder in names::KEPT
        .map(|kept| code.join(kept))
        .into_iter()
        .chain([dir.join(names::UPLOADS)])
    {
        match std::fs::create_dir(&folder) {
            Ok(()) => {}
            // The person's own folder, or even a file of that name.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io(&folder, error)),
        }
    }
    for (name, text) in files.iter().chain(&[(names::STAGED, "")]) {
        let path = dir.join(name);
        std::fs::write(&path, text).map_err(|error| io(&path, error))?;
    }
    Ok(())
}

/// Starts the supervisor and waits for its word. When this returns, the run has been started, by this call
/// or by an earlier one.
pub(super) async fn start(
    id: &NativeId,
    dir: PathBuf,
    supervisor: &Path,
    environment: &[(String, String)],
    own: &[(String, Secret)],
    changes: ChangeSender,
) -> Result<(), DriverError> {
    let mut child = tokio::process::Command::new("setsid")
        .arg("sh")
        .arg(supervisor)
        .arg("supervise")
        .arg(&dir)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        // Never on the command line, which everybody can read.
        .envs(own.iter().map(|(name, value)| (name, value.expose())))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| {
            DriverError::io(OPERATION, "setsid", error)
                .with_hint("a POSIX shell `sh` and the program `setsid` must be on the PATH")
        })?;
    let Some(stdout) = child.stdout.take() else {
        return Err(DriverError::permanent(
            ErrorKind::System,
            OPERATION,
            "the supervisor has no standard output",
        ));
    };
    let mut answer = String::new();
    let read = BufReader::new(stdout).read_line(&mut answer).await;
    let id = id.clone();
    tokio::spawn(async move {
        // Also tells of a supervisor that was killed, which writes no record.
        let _ = child.wait().await;
        changes.changed(id);
    });
    read.map_err(|error| DriverError::io(OPERATION, dir.display(), error))?;
    match answer.trim_end() {
        "claimed" | "taken" => Ok(()),
        "" => Err(DriverError::temporary(
            ErrorKind::Target,
            OPERATION,
            "the supervisor ended without an answer",
        )),
        other => {
            let reason = other.strip_prefix("failed ").unwrap_or(other);
            let kind = if reason.contains("disk full") || reason.contains("No space") {
                ErrorKind::DiskFull
            } else {
                ErrorKind::Target
            };
            Err(DriverError::temporary(kind, OPERATION, reason.to_owned()))
        }
    }
}
