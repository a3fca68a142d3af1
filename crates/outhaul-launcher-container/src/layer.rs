//! The layer: each method of the contract, by the host alone or by the host and its engine.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use outhaul_docker::{
    ContainerRequest, ContainerState, Engine, ErrorKind as DockerErrorKind, ImageRef, Mount, parse_arguments,
    plan,
};
use outhaul_driver::{
    ByteStream, Capabilities, ChangeFeed, Collected, Driver, DriverError, EnvironmentRequest, ErrorKind,
    LogRead, LogSink, NativeId, NativeRequest, Observation, OutputSink, PreparedEnvironment, Problem,
    TargetLog, change_feed,
};
use outhaul_host::run_dir::{Launcher, names};
use outhaul_host::staging::{HostLayout, StagingDriver};
use outhaul_types::{Check, DockerSpec, Run, RunKey, RunSpec, Secret};

use crate::environments::Environments;
use crate::error::driver_error;
use crate::evidence::{combine, look_again};
use crate::native::{contained, on_host, parse};

/// A driver of a host, with containers.
pub struct Containers<D> {
    host: D,
    engine: Engine,
    environments: Environments,
    /// Keys of the runs in containers that were met: what the host tells of them is told under their own ids.
    met: Arc<Mutex<HashSet<String>>>,
}

impl<D: StagingDriver> Containers<D> {
    /// The host's driver with its engine. Nothing is asked yet.
    pub fn new(host: D, engine: Engine) -> Self {
        Self {
            host,
            environments: Environments::new(engine.clone()),
            engine,
            met: Arc::default(),
        }
    }

    fn met(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How these runs are by the host, in any order.
    async fn on_host(&self, ids: &[NativeId]) -> Result<HashMap<String, Observation>, DriverError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let seen = self.host.observe(ids).await?;
        Ok(seen.into_iter().map(|seen| (seen.id.0.clone(), seen)).collect())
    }

    async fn observe_contained(&self, keys: &[RunKey]) -> Result<Vec<Observation>, DriverError> {
        let ids: Vec<NativeId> = keys.iter().map(|key| NativeId(key.to_string())).collect();
        let (on_host, states) = tokio::join!(self.on_host(&ids), self.engine.observe(keys));
        let (mut on_host, states) = (on_host?, states.map_err(driver_error)?);
        let state = |key: &RunKey| states.get(key).unwrap_or(&ContainerState::Missing);
        let again: Vec<NativeId> = keys
            .iter()
            .filter(|key| look_again(on_host.get(key.as_str()), state(key)))
            .map(|key| NativeId(key.to_string()))
            .collect();
        on_host.extend(self.on_host(&again).await?);
        let mut all = Vec::new();
        for key in keys {
            let seen = on_host.remove(key.as_str());
            let unclaimed = match (&seen, state(key)) {
                (None, ContainerState::Exited { .. }) => {
                    let why = self.engine.why_unclaimed(key).await.map_err(driver_error)?;
                    Some(match why.hint {
                        Some(hint) => format!("{}; {hint}", why.message),
                        None => why.message,
                    })
                }
                _ => None,
            };
            all.extend(combine(key.as_str(), seen, state(key), unclaimed.as_deref()));
        }
        Ok(all)
    }
}

/// The container of a run.
fn request(
    layout: &HostLayout,
    docker: &DockerSpec,
    native: &NativeRequest,
    environment: &PreparedEnvironment,
    is_service: bool,
) -> Option<ContainerRequest> {
    let image = match &environment.lock.image {
        Some(id) => ImageRef::Name(id.clone()),
        // Only planned: nobody has asked for the image yet.
        None => ImageRef::of(docker)?,
    };
    let run_dir = PathBuf::from(&layout.runs).join(native.run_key.as_str());
    let mut mounts = vec![Mount::read_only(&layout.sdk)];
    if environment.bin.is_some() {
        mounts.push(Mount::read_only(&layout.environments));
    }
    mounts.extend(layout.events.iter().map(|fifo| Mount {
        writable: true,
        ..Mount::read_only(fifo)
    }));
    let mut arguments = docker.arguments.clone();
    if is_service {
        // Where the instances of a service hand over, beside the run directories.
        let meeting = Path::new(&layout.runs).with_file_name("services");
        mounts.push(Mount {
            writable: true,
            ..Mount::read_only(meeting)
        });
        if !arguments.iter().any(|argument| argument.starts_with("--net")) {
            // The address that it listens on is the host's.
            arguments.extend(["--network", "host"].map(str::to_owned));
        }
    }
    Some(ContainerRequest {
        run_key: native.run_key.clone(),
        image,
        supervisor: run_dir.join(names::CONTAINER_SUPERVISOR),
        run_dir,
        mounts,
        user: layout.user,
        shm_size: docker.shm_size,
        gpus: docker.gpus,
        arguments,
        environment: Vec::new(),
    })
}

/// The engine's call with the variables that no plan has.
fn with_secrets(body: &serde_json::Value, secrets: &[(String, Secret)]) -> serde_json::Value {
    let mut body = body.clone();
    if let Some(variables) = body.get_mut("Env").and_then(serde_json::Value::as_array_mut) {
        let lines = secrets
            .iter()
            .map(|(name, value)| format!("{name}={}", value.expose()));
        variables.extend(lines.map(serde_json::Value::String));
    }
    body
}

fn problems(docker: &DockerSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    if docker.image.is_some() == docker.dockerfile.is_some() {
        problems.push(Problem {
            message: "the environment's `docker` must name an image or a Dockerfile, one of the two"
                .to_owned(),
            hint: Some("give `image: NAME`, or `dockerfile:` with the text of a Dockerfile".to_owned()),
        });
    }
    if let Err(refused) = parse_arguments(&docker.arguments) {
        problems.extend(refused.into_iter().map(|problem| Problem {
            message: format!(
                "the container's argument `{}` {}",
                problem.argument, problem.message
            ),
            hint: problem.hint,
        }));
    }
    problems
}

#[async_trait]
impl<D: StagingDriver> Driver for Containers<D> {
    fn kind(&self) -> &'static str {
        self.host.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.host.capabilities()
    }

    fn validate(&self, spec: &RunSpec) -> Vec<Problem> {
        let mut found = self.host.validate(spec);
        if let Some(docker) = &spec.environment.docker {
            found.extend(problems(docker));
            if !self.host.layout().has_docker {
                found.push(Problem {
                    message: "the environment asks for a container, and the target has no Docker engine that we may use"
                        .to_owned(),
                    hint: Some(
                        "`outhaul target check` says what is missing; without `docker:` the run is started without one"
                            .to_owned(),
                    ),
                });
            }
        }
        found
    }

    fn plan(&self, run: &Run, attempt: u32, environment: &PreparedEnvironment) -> NativeRequest {
        let mut native = self.host.plan(run, attempt, environment);
        let docker = run
            .spec
            .as_ref()
            .and_then(|spec| spec.environment.docker.as_ref());
        if let Some(docker) = docker {
            let layout = self.host.layout();
            let is_service = run.spec.as_ref().is_some_and(|spec| spec.service.is_some());
            let planned = request(&layout, docker, &native, environment, is_service)
                .map(|request| plan(self.engine.home(), &request));
            native.container = Some(match planned {
                Some(Ok(body)) => body,
                // What is refused was refused when the run was submitted; the engine refuses this.
                Some(Err(refused)) => {
                    let refused: Vec<String> = refused.iter().map(ToString::to_string).collect();
                    serde_json::json!(refused)
                }
                None => serde_json::Value::Null,
            });
        }
        native
    }

    async fn check(&self) -> Result<Vec<Check>, DriverError> {
        let mut checks = self.host.check().await?;
        let layout = self.host.layout();
        if layout.has_docker {
            checks.retain(|check| check.name != "docker");
            checks.extend(self.engine.check().await);
            // Nobody misses in containers what the host does not have.
            checks.retain(|check| layout.has_gpus || check.name != "docker-gpu");
        }
        Ok(checks)
    }

    async fn environment_ready(
        &self,
        request: &EnvironmentRequest,
    ) -> Result<Option<PreparedEnvironment>, DriverError> {
        match &request.spec.docker {
            Some(docker) => self.environments.ready(&self.host, docker, request).await,
            None => self.host.environment_ready(request).await,
        }
    }

    async fn prepare_environment(
        &self,
        request: &EnvironmentRequest,
        log: &dyn LogSink,
    ) -> Result<PreparedEnvironment, DriverError> {
        match &request.spec.docker {
            Some(docker) => self.environments.prepare(&self.host, docker, request, log).await,
            None => self.host.prepare_environment(request, log).await,
        }
    }

    async fn submit(&self, request: &NativeRequest) -> Result<NativeId, DriverError> {
        let Some(body) = &request.container else {
            return self.host.submit(request).await;
        };
        let key = &request.run_key;
        self.met().insert(key.to_string());
        self.host.stage(request, Launcher::Container).await?;
        let body = with_secrets(body, &request.secrets);
        match self.engine.start_planned(key, &body).await {
            Ok(_) => Ok(contained(key.as_str())),
            Err(error) => {
                if !error.is_temporary() && error.kind != DockerErrorKind::Conflict {
                    // It will not be tried again: nothing is left behind.
                    let _ = self.engine.prevent(key).await;
                }
                Err(driver_error(error))
            }
        }
    }

    async fn find(&self, run_key: &RunKey) -> Result<Option<NativeId>, DriverError> {
        if self.host.launcher(run_key).await? != Some(Launcher::Container) {
            return self.host.find(run_key).await;
        }
        self.met().insert(run_key.to_string());
        let claimed = self.host.find(run_key).await?.is_some();
        // One that was made and not started is started by the next call.
        let states = self.engine.observe(std::slice::from_ref(run_key)).await;
        let started = matches!(
            states.map_err(driver_error)?.get(run_key),
            Some(ContainerState::Running | ContainerState::Exited { .. })
        );
        Ok((claimed || started).then(|| contained(run_key.as_str())))
    }

    async fn prevent(&self, run_key: &RunKey) -> Result<(), DriverError> {
        self.host.prevent(run_key).await?;
        if self.host.launcher(run_key).await? == Some(Launcher::Container) {
            self.engine.prevent(run_key).await.map_err(driver_error)?;
        }
        Ok(())
    }

    async fn observe(&self, ids: &[NativeId]) -> Result<Vec<Observation>, DriverError> {
        let (mut plain, mut keys) = (Vec::new(), Vec::new());
        for id in ids {
            match on_host(id) {
                (_, Some(key)) => keys.push(key),
                (id, None) => plain.push(id),
            }
        }
        if keys.is_empty() {
            return self.host.observe(&plain).await;
        }
        self.met().extend(keys.iter().map(ToString::to_string));
        if plain.is_empty() {
            return self.observe_contained(&keys).await;
        }
        let mut all = self.host.observe(&plain).await?;
        match self.observe_contained(&keys).await {
            Ok(seen) => all.extend(seen),
            // An engine that does not answer says nothing about runs without containers. Those in them go on as far as
            // anybody knows.
            Err(error) if error.kind == ErrorKind::Unreachable => {
                tracing::warn!(%error, "containers.observe: the engine does not answer");
                let ids: Vec<NativeId> = keys.iter().map(|key| NativeId(key.to_string())).collect();
                let mut on_host = self.on_host(&ids).await?;
                all.extend(keys.iter().filter_map(|key| {
                    let seen = on_host.remove(key.as_str());
                    combine(key.as_str(), seen, &ContainerState::Running, None)
                }));
            }
            Err(error) => return Err(error),
        }
        Ok(all)
    }

    async fn read_log(
        &self,
        id: &NativeId,
        log: TargetLog,
        offset: u64,
        max: usize,
    ) -> Result<LogRead, DriverError> {
        self.host.read_log(&on_host(id).0, log, offset, max).await
    }

    async fn cancel(&self, id: &NativeId, grace: Duration) -> Result<(), DriverError> {
        let (id, Some(key)) = on_host(id) else {
            return self.host.cancel(id, grace).await;
        };
        // The mark first: it reaches a process that is only about to start. Signals are the engine's business, as pids
        // in the records are the container's.
        drop(id);
        self.host.prevent(&key).await?;
        self.engine.cancel(&key, grace).await.map_err(driver_error)?;
        Ok(())
    }

    async fn collect_outputs(&self, id: &NativeId, sink: &dyn OutputSink) -> Result<Collected, DriverError> {
        self.host.collect_outputs(&on_host(id).0, sink).await
    }

    async fn release(&self, id: &NativeId) -> Result<(), DriverError> {
        let (id, key) = on_host(id);
        // A run that was ended before it was known to be started has no other id than its key.
        let key = key.or_else(|| parse(&id.0).filter(|_| self.met().contains(&id.0)));
        if let Some(key) = key {
            self.engine.remove(&key).await.map_err(driver_error)?;
            self.met().remove(key.as_str());
        }
        self.host.release(&id).await
    }

    async fn detach(&self) -> Result<Vec<String>, DriverError> {
        let mut removed = Vec::new();
        if self.host.layout().has_docker {
            match self.engine.remove_leftovers().await {
                Ok(found) => {
                    let containers = found
                        .containers
                        .iter()
                        .map(|name| format!("the container `{name}`"));
                    let images = found.images.iter().map(|name| format!("the image `{name}`"));
                    removed.extend(containers.chain(images));
                }
                // A host whose engine was switched off or taken away can still be left. The host itself must answer.
                Err(error)
                    if matches!(error.kind, DockerErrorKind::Denied | DockerErrorKind::Unreachable) =>
                {
                    removed.push(format!(
                        "nothing from the Docker engine, which did not answer ({}); `docker ps -a --filter label=outhaul.home` there shows what is left",
                        error.message
                    ));
                }
                Err(error) => return Err(driver_error(error)),
            }
        }
        removed.extend(self.host.detach().await?);
        Ok(removed)
    }

    async fn connect(&self, address: SocketAddr) -> Result<Box<dyn ByteStream>, DriverError> {
        self.host.connect(address).await
    }

    fn changes(&self) -> Option<ChangeFeed> {
        let mut told = self.host.changes()?;
        let (sender, feed) = change_feed();
        let met = Arc::clone(&self.met);
        tokio::spawn(async move {
            while let Some(id) = told.next().await {
                let is_contained = met.lock().unwrap_or_else(PoisonError::into_inner).contains(&id.0);
                sender.changed(if is_contained { contained(&id.0) } else { id });
            }
        });
        Some(feed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_in_the_call_and_in_no_plan() {
        let planned = serde_json::json!({"Env": ["HOME=/x"], "Image": "y"});
        let secret = [("KEY".to_owned(), Secret::new("a\nb".to_owned()))];
        let sent = with_secrets(&planned, &secret);
        assert_eq!(sent["Env"], serde_json::json!(["HOME=/x", "KEY=a\nb"]));
        assert_eq!(with_secrets(&planned, &[]), planned);
    }

    #[test]
    fn all_that_is_wrong_with_a_container_is_said_at_once() {
        let docker = DockerSpec {
            arguments: ["--network", "container:x", "--privileged"]
                .map(str::to_owned)
                .to_vec(),
            ..DockerSpec::default()
        };
        let found = problems(&docker);
        assert_eq!(found.len(), 3, "{found:?}");
        let fine = DockerSpec {
            image: Some("x".into()),
            ..DockerSpec::default()
        };
        assert!(problems(&fine).is_empty());
    }
}
