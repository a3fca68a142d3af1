//! Pulling an image from its registry.

use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt;

use super::LogSink;
use crate::engine::Engine;
use crate::error::{DockerError, ErrorKind};

const OPERATION: &str = "pull the image";

impl Engine {
    /// Pulls an image; what changes is told, one line for each step of each layer.
    pub(super) async fn pull(&self, name: &str, log: &dyn LogSink) -> Result<(), DockerError> {
        log.line(format!("pulling the image {name}\n").as_bytes());
        let (from, tag) = split_tag(name);
        let options = CreateImageOptionsBuilder::new().from_image(from).tag(tag).build();
        let mut steps = self.docker.create_image(Some(options), None, None);
        let mut last = String::new();
        while let Some(step) = steps.next().await {
            let step = step.map_err(|error| explain(name, DockerError::of(OPERATION, error)))?;
            let Some(status) = step.status else { continue };
            // The same again and again, with a bar that grows.
            if matches!(status.as_str(), "Downloading" | "Extracting") {
                continue;
            }
            let line = match step.id {
                Some(layer) => format!("{layer}: {status}\n"),
                None => format!("{status}\n"),
            };
            if line != last {
                log.line(line.as_bytes());
                last = line;
            }
        }
        Ok(())
    }
}

/// The name for the registry and the tag: without a tag the engine would fetch all of them. A digest stays.
fn split_tag(name: &str) -> (&str, &str) {
    if name.contains('@') {
        return (name, "");
    }
    match name.rsplit_once(':') {
        // A colon before a slash belongs to the registry's port.
        Some((from, tag)) if !tag.contains('/') => (from, tag),
        _ => (name, "latest"),
    }
}

/// Names the image, and what can be done.
fn explain(name: &str, error: DockerError) -> DockerError {
    if matches!(error.kind, ErrorKind::Unreachable | ErrorKind::DiskFull) {
        return error;
    }
    let has = |part: &str| error.message.contains(part);
    let unknown = error.kind == ErrorKind::NotFound
        || [
            "not found",
            "manifest unknown",
            "access denied",
            "unauthorized",
            "does not exist",
            "denied:",
        ]
        .iter()
        .any(|part| has(part));
    let no_registry = [
        "no such host",
        "connection refused",
        "network is unreachable",
        "server misbehaving",
        "no route to host",
        "x509",
    ]
    .iter()
    .any(|part| has(part));
    let message = format!(
        "the image `{name}` is not on the engine and cannot be pulled: {}",
        error.message
    );
    if no_registry {
        DockerError::new(ErrorKind::NotFound, OPERATION, message).with_hint(format!(
            "the engine cannot reach the registry: load the image there with `docker load`, or let `docker pull {name}` work"
        ))
    } else if unknown {
        DockerError::new(ErrorKind::NotFound, OPERATION, message).with_hint(format!(
            "look at the name; a private image needs `docker pull {name}` by a user who is logged in at the registry"
        ))
    } else {
        DockerError::new(error.kind, OPERATION, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_split_off() {
        for (name, parts) in [
            ("python", ("python", "latest")),
            ("python:3.11", ("python", "3.11")),
            ("host:5000/a", ("host:5000/a", "latest")),
            ("host:5000/a:1", ("host:5000/a", "1")),
            ("a@sha256:00", ("a@sha256:00", "")),
        ] {
            assert_eq!(split_tag(name), parts, "{name}");
        }
    }

    #[test]
    fn failures_name_the_image_and_only_passing_ones_are_temporary() {
        for (message, kind) in [
            (
                "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host",
                ErrorKind::NotFound,
            ),
            (
                "pull access denied for nope, repository does not exist",
                ErrorKind::NotFound,
            ),
            (
                "manifest for a:1 not found: manifest unknown",
                ErrorKind::NotFound,
            ),
            ("toomanyrequests: rate limit", ErrorKind::Engine),
            ("net/http: TLS handshake timeout", ErrorKind::Engine),
            ("write /x: no space left on device", ErrorKind::DiskFull),
        ] {
            let error = explain("nope:1", DockerError::answered(OPERATION, 500, message));
            assert_eq!(error.kind, kind, "{message}");
            assert!(
                kind == ErrorKind::DiskFull || error.message.contains("`nope:1`"),
                "{error}"
            );
        }
    }
}
