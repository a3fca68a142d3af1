//! Why a container ended without a claim in its run directory: what its supervisor said, and what that means.

use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt;
use outhaul_types::RunKey;

use crate::engine::Engine;
use crate::error::{DockerError, ErrorKind};
use crate::request::container_name;

impl Engine {
    /// Why a container ended before the run was claimed: the error for a run whose container is
    /// [`crate::ContainerState::Exited`] and whose run directory has no `claim`.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn why_unclaimed(&self, run_key: &RunKey) -> Result<DockerError, DockerError> {
        Ok(explain(&self.supervisor_said(run_key).await?))
    }

    /// The last lines that the supervisor itself wrote, which say why a run has no records; empty when there are none.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn supervisor_said(&self, run_key: &RunKey) -> Result<String, DockerError> {
        const OPERATION: &str = "read what the supervisor said";
        let name = container_name(run_key.as_str());
        let options = LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .tail("20")
            .build();
        let mut lines = self.docker.logs(&name, Some(options));
        let mut text = String::new();
        let read = async {
            while let Some(line) = lines.next().await {
                text.push_str(&line?.to_string());
            }
            Ok(())
        };
        match self.ask(OPERATION, read).await {
            Ok(()) => Ok(text),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(error),
        }
    }
}

fn explain(said: &str) -> DockerError {
    const OPERATION: &str = "start the run in its container";
    let line = said
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let error = |kind, message: &str| DockerError::new(kind, OPERATION, message);
    if let Some(reason) = line.strip_prefix("failed ") {
        if reason.contains("disk full") || reason.contains("No space") {
            return error(ErrorKind::DiskFull, reason).with_hint("free space where the run directory lies");
        }
        return error(ErrorKind::BadRequest, reason)
            .with_hint("the user that the container runs as must be able to write into the run directory");
    }
    // What the engine's init says when it finds no shell.
    if line.contains("exec") && line.contains("o such file") {
        return error(ErrorKind::BadRequest, "the image has no `sh`")
            .with_hint("the image must have a POSIX shell `sh` on its PATH");
    }
    if line.contains("exec format error") || line.contains("Exec format error") {
        return error(ErrorKind::BadRequest, "the image is made for another processor")
            .with_hint("use an image that is made for the processor of the engine's host");
    }
    match line {
        "" => error(ErrorKind::Engine, "the container ended at once and said nothing"),
        line => error(ErrorKind::Engine, &format!("the container ended at once: {line}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read() {
        for (said, kind, part) in [
            (
                "failed mkdir: cannot create directory 'claim': Permission denied\n",
                ErrorKind::BadRequest,
                "denied",
            ),
            (
                "failed cannot write the first records (is the disk full?)\n",
                ErrorKind::DiskFull,
                "disk full",
            ),
            (
                "[FATAL tini (7)] exec sh failed: No such file or directory\n",
                ErrorKind::BadRequest,
                "no `sh`",
            ),
            ("sh: exec format error\n", ErrorKind::BadRequest, "processor"),
            ("something else\n\n", ErrorKind::Engine, "something else"),
            ("", ErrorKind::Engine, "nothing"),
        ] {
            let error = explain(said);
            assert_eq!(error.kind, kind, "{said}");
            assert!(error.message.contains(part), "{error}");
        }
    }
}
