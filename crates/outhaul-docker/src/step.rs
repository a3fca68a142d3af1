//! One command in a container of its own, seen through to its end: how environments are built inside images.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use bollard::container::LogOutput;
use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
};
use futures_util::StreamExt;

use crate::engine::{Engine, HOME_LABEL};
use crate::error::{DockerError, ErrorKind};
use crate::plan;
use crate::request::Mount;

/// A command in a container that is made for it and removed after it.
#[derive(Clone, Debug)]
pub struct StepRequest {
    /// Name or id of an image that is on the engine.
    pub image: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Variables, beside the image's own.
    pub environment: Vec<(String, String)>,
    /// Folder that it runs in.
    pub folder: String,
    /// What it sees of the engine's host.
    pub mounts: Vec<Mount>,
    /// User and group id; the image's own choice when absent.
    pub user: Option<(u32, u32)>,
}

/// Where a piece of output comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Removes the container, also when nobody waits for its end any more.
struct Removed {
    engine: Engine,
    name: String,
}

impl Drop for Removed {
    fn drop(&mut self) {
        let (docker, name) = (self.engine.docker.clone(), std::mem::take(&mut self.name));
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            // What stays is seen as a leftover of this home, and removed when the target is detached.
            if let Err(error) = docker.remove_container(&name, Some(options)).await {
                tracing::debug!(name, %error, "docker.step: container not removed");
            }
        });
    }
}

impl Engine {
    /// Runs a command to its end and gives its exit code. Dropping the future ends it. It has the network of the
    /// engine's host, so that it reaches package indexes and proxies as the host does.
    ///
    /// # Errors
    /// When the image is not there, a mounted folder is not, or the engine fails.
    pub async fn run_step(
        &self,
        request: &StepRequest,
        output: &mut (dyn FnMut(StepStream, &[u8]) + Send),
    ) -> Result<i64, DockerError> {
        const OPERATION: &str = "run a command in the image";
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "outhaul-step-{}-{}-{}",
            &blake3::hash(self.home.as_bytes()).to_hex()[..8],
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let body = self.step_body(request);
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let removed = Removed {
            engine: self.clone(),
            name: name.clone(),
        };
        self.ask(OPERATION, self.docker.create_container(Some(options), body))
            .await?;
        let started = self.docker.start_container(&name, None::<StartContainerOptions>);
        self.ask(OPERATION, started).await?;
        let options = LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .follow(true)
            .build();
        let mut lines = self.docker.logs(&name, Some(options));
        while let Some(piece) = lines.next().await {
            match piece.map_err(|error| DockerError::of(OPERATION, error))? {
                LogOutput::StdErr { message } => output(StepStream::Stderr, &message),
                LogOutput::StdOut { message } | LogOutput::Console { message } => {
                    output(StepStream::Stdout, &message);
                }
                LogOutput::StdIn { .. } => {}
            }
        }
        // The output ends with the container; its state follows at once, or a moment later.
        let waited = self.docker.wait_container(&name, None);
        tokio::pin!(waited);
        let code = match waited.next().await {
            Some(Ok(ended)) => ended.status_code,
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => code,
            Some(Err(error)) => return Err(DockerError::of(OPERATION, error)),
            None => {
                let message = "the engine does not say how the command ended";
                return Err(DockerError::new(ErrorKind::Engine, OPERATION, message));
            }
        };
        drop(removed);
        Ok(code)
    }

    fn step_body(&self, request: &StepRequest) -> ContainerCreateBody {
        let variables = request.environment.iter();
        ContainerCreateBody {
            image: Some(request.image.clone()),
            entrypoint: Some(request.argv.clone()),
            cmd: Some(Vec::new()),
            working_dir: Some(request.folder.clone()),
            user: request.user.map(|(user, group)| format!("{user}:{group}")),
            env: Some(variables.map(|(name, value)| format!("{name}={value}")).collect()),
            labels: Some(HashMap::from([(HOME_LABEL.to_owned(), self.home.to_string())])),
            healthcheck: Some(HealthConfig {
                test: Some(vec!["NONE".to_owned()]),
                ..HealthConfig::default()
            }),
            host_config: Some(HostConfig {
                init: Some(true),
                network_mode: Some("host".to_owned()),
                mounts: Some(request.mounts.iter().map(plan::bind).collect()),
                // Whatever the engine's own choice is: the output is read from it.
                log_config: Some(HostConfigLogConfig {
                    typ: Some("json-file".to_owned()),
                    config: None,
                }),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }
}
