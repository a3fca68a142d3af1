//! The life of a run's container: start, find, cancel, keep from starting, remove. Every call may be repeated.

use std::time::{Duration, Instant};

use bollard::models::{ContainerCreateBody, ContainerInspectResponse, ContainerStateStatusEnum as Status};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, KillContainerOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder,
};
use outhaul_types::RunKey;

use crate::engine::{Engine, HOME_LABEL};
use crate::error::{DockerError, ErrorKind};
use crate::plan;
use crate::request::{ContainerRequest, container_name};

const START: &str = "start the container";
const CANCEL: &str = "cancel the run in its container";

/// What became of a request to end a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// The process was asked to end; after the grace the engine ends it by force.
    Asked,
    /// The container had not been started, and was removed.
    NeverStarted,
    /// Nothing runs: the run has ended, or there is no container.
    NothingRuns,
}

impl Engine {
    /// Makes the run's container and starts it, and gives its name. Repeated any number of times, also at once, this
    /// starts at most one process: a container that is there is not made again, and one that was started is left alone.
    ///
    /// The image must be there: see [`Engine::ensure_image`].
    ///
    /// # Errors
    /// When an argument is refused, the image or a mounted folder is not there, another home has a container of this
    /// name, or the engine fails. A container that was made is then still there: the next call starts it, and
    /// [`Engine::prevent`] removes it.
    pub async fn start(&self, request: &ContainerRequest) -> Result<String, DockerError> {
        let body = plan::body(&self.home, request).map_err(|problems| refused(&problems))?;
        self.start_with(&request.run_key, body).await
    }

    /// The same for a body that [`crate::plan`] gave before.
    ///
    /// # Errors
    /// As [`Engine::start`]; also when the body is none.
    pub async fn start_planned(
        &self,
        run_key: &RunKey,
        body: &serde_json::Value,
    ) -> Result<String, DockerError> {
        let body = serde_json::from_value(body.clone()).map_err(|error| {
            let message = format!("the planned container cannot be read: {error}");
            DockerError::new(ErrorKind::BadRequest, START, message)
        })?;
        self.start_with(run_key, body).await
    }

    async fn start_with(&self, run_key: &RunKey, body: ContainerCreateBody) -> Result<String, DockerError> {
        let name = container_name(run_key.as_str());
        if self.make(&name, body).await? != Status::CREATED {
            return Ok(name);
        }
        // One that was started by somebody else at this very moment is no error. (One that has also ended meanwhile
        // runs again, finds the claim in the run directory, and ends at once.)
        let started = self.docker.start_container(&name, None::<StartContainerOptions>);
        match self.ask(START, started).await {
            Ok(()) => Ok(name),
            Err(error)
                if error.kind == ErrorKind::NotFound && error.message.contains("No such container") =>
            {
                let message = format!("the container `{name}` was removed before it was started");
                Err(DockerError::new(ErrorKind::Conflict, START, message))
            }
            Err(error) => Err(error),
        }
    }

    /// Makes the container where it is not there, and gives how it is.
    async fn make(&self, name: &str, body: ContainerCreateBody) -> Result<Status, DockerError> {
        let mut pause = Duration::from_millis(5);
        let begin = Instant::now();
        loop {
            let options = CreateContainerOptionsBuilder::new().name(name).build();
            let created = self.docker.create_container(Some(options), body.clone());
            let Err(error) = self.ask(START, created).await else {
                return Ok(Status::CREATED);
            };
            if error.kind == ErrorKind::NotFound {
                let image = body.image.as_deref().unwrap_or_default();
                let message = format!("the image `{image}` is not on the engine");
                return Err(DockerError::new(ErrorKind::NotFound, START, message)
                    .with_hint("fetch or build the image before the container is started"));
            }
            if error.kind != ErrorKind::Conflict {
                return Err(error);
            }
            match self.inspect(START, name).await? {
                Some(there) if self.is_ours(&there) => return Ok(status(&there)),
                Some(_) => {
                    let message = format!("the name `{name}` is taken by a container of another home");
                    return Err(
                        DockerError::new(ErrorKind::Conflict, START, message).with_hint(format!(
                            "look at it with `docker inspect {name}`, and remove it if nobody needs it"
                        )),
                    );
                }
                // The name is taken by a call that is still making the container, or it was removed meanwhile.
                None if begin.elapsed() < self.timeout => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(250));
                }
                None => return Err(DockerError::new(ErrorKind::Engine, START, error.message)),
            }
        }
    }

    /// The name of the run's container, whether it has been started or not; `None` when this home has none.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn find(&self, run_key: &RunKey) -> Result<Option<String>, DockerError> {
        let name = container_name(run_key.as_str());
        let there = self.inspect("look for the container", &name).await?;
        Ok(there.filter(|there| self.is_ours(there)).map(|_| name))
    }

    /// Asks the run to end: SIGTERM now, SIGKILL after `grace`, which the engine counts by itself. Returns when the
    /// request is made; a caller that was killed at this very moment asks again. Write the mark `cancel` into the run directory before: it
    /// reaches a process that is only about to start.
    ///
    /// A run that is ended by force writes no exit record; its end is seen with [`Engine::observe`].
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn cancel(&self, run_key: &RunKey, grace: Duration) -> Result<Cancelled, DockerError> {
        let name = container_name(run_key.as_str());
        let Some(there) = self
            .inspect(CANCEL, &name)
            .await?
            .filter(|there| self.is_ours(there))
        else {
            return Ok(Cancelled::NothingRuns);
        };
        if status(&there) == Status::CREATED && self.prevent(run_key).await? {
            return Ok(Cancelled::NeverStarted);
        }
        let term = KillContainerOptionsBuilder::new().signal("SIGTERM").build();
        match self
            .ask(CANCEL, self.docker.kill_container(&name, Some(term)))
            .await
        {
            Ok(()) => {}
            Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound) => {
                return Ok(Cancelled::NothingRuns);
            }
            Err(error) => return Err(error),
        }
        // The engine sees a stop through by itself once it has the request, which it answers only at the end.
        let seconds = i32::try_from(grace.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
        let docker = self.docker.clone().with_timeout(grace + Duration::from_secs(60));
        tokio::spawn(async move {
            let options = StopContainerOptionsBuilder::new().t(seconds).build();
            match docker.stop_container(&name, Some(options)).await {
                Ok(()) => {}
                Err(error) => {
                    let error = DockerError::of(CANCEL, error);
                    if error.kind != ErrorKind::NotFound {
                        tracing::warn!(name, %error, "docker.cancel: not ended by force; cancel again");
                    }
                }
            }
        });
        Ok(Cancelled::Asked)
    }

    /// Removes a container that was made and not started. Gives whether there was one. One that was started is left.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn prevent(&self, run_key: &RunKey) -> Result<bool, DockerError> {
        const OPERATION: &str = "keep the container from starting";
        let name = container_name(run_key.as_str());
        match self.inspect(OPERATION, &name).await? {
            Some(there) if self.is_ours(&there) && status(&there) == Status::CREATED => {}
            _ => return Ok(false),
        }
        // Without force: the engine refuses when it has been started meanwhile.
        match self
            .ask(OPERATION, self.docker.remove_container(&name, None))
            .await
        {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes the run's container, by force if it runs. One that is not there, or another home's, is no error.
    ///
    /// # Errors
    /// When the engine cannot do it.
    pub async fn remove(&self, run_key: &RunKey) -> Result<(), DockerError> {
        let name = container_name(run_key.as_str());
        match self.inspect("remove the container", &name).await? {
            Some(there) if self.is_ours(&there) => self.remove_named(&name).await,
            _ => Ok(()),
        }
    }

    /// What the engine knows of a container; `None` when it has none of this name.
    pub(crate) async fn inspect(
        &self,
        operation: &'static str,
        name: &str,
    ) -> Result<Option<ContainerInspectResponse>, DockerError> {
        let asked = self
            .docker
            .inspect_container(name, None::<InspectContainerOptions>);
        match self.ask(operation, asked).await {
            Ok(there) => Ok(Some(there)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn remove_named(&self, name: &str) -> Result<(), DockerError> {
        // With the volumes that the image made for it.
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self
            .ask(
                "remove the container",
                self.docker.remove_container(name, Some(options)),
            )
            .await
        {
            // It is gone, or somebody else is removing it.
            Err(error)
                if error.kind == ErrorKind::NotFound || error.message.contains("already in progress") =>
            {
                Ok(())
            }
            other => other,
        }
    }

    pub(crate) fn is_ours(&self, there: &ContainerInspectResponse) -> bool {
        let labels = there.config.as_ref().and_then(|config| config.labels.as_ref());
        labels
            .and_then(|labels| labels.get(HOME_LABEL))
            .map(String::as_str)
            == Some(&*self.home)
    }
}

fn status(there: &ContainerInspectResponse) -> Status {
    there
        .state
        .as_ref()
        .and_then(|state| state.status)
        .unwrap_or(Status::EMPTY)
}

fn refused(problems: &[crate::Problem]) -> DockerError {
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    DockerError::new(
        ErrorKind::BadRequest,
        START,
        format!("arguments of the container are refused: {}", texts.join("; ")),
    )
    .with_hint("correct `arguments` in the environment's `docker` section")
}
