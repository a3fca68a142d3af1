//! The driver: the contract's methods, each a few lines over the host and the environment manager.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use outhaul_driver::{
    ByteStream, Capabilities, ChangeFeed, Collected, Driver, DriverError, EnvironmentRequest, LogRead,
    LogSink, NativeId, NativeRequest, Observation, OutputSink, PreparedEnvironment, Problem, TargetLog,
};
use outhaul_environment::{BuildHost, EnvironmentManager, ManagerOptions, PrepareOptions};
use outhaul_host::environment::{Log, conda, failed, prepared};
use outhaul_host::launcher;
use outhaul_host::remote::{RemoteRuns, RemoteRunsConfig, Session};
use outhaul_host::run_dir::Launcher;
use outhaul_host::staging::{HostLayout, StagingDriver};
use outhaul_types::target::PackageSource;
use outhaul_types::{Check, EnvironmentSpec, HostFacts, Interpreter, Run, RunKey, RunSpec};

use crate::build_host::RemoteBuildHost;
use crate::check;
use crate::config::RemoteDriverConfig;
use crate::ship::Ship;

/// Folders of programs that every Linux has, behind those where interpreters were found.
const USUAL: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

/// The driver of a machine that is reached by a shell.
pub struct RemoteDriver {
    runs: RemoteRuns,
    environments: EnvironmentManager,
    ship: Ship,
    facts: HostFacts,
    sdk: String,
    packages: PackageSource,
    slots: u32,
}

impl RemoteDriver {
    /// A driver for a machine whose facts are known. Nothing is asked yet.
    #[must_use]
    pub fn new(config: RemoteDriverConfig) -> Self {
        let sdk = format!("{}/{}/sdk", config.facts.folder, config.installation.library());
        let session = Arc::new(Session::new(config.shell, config.installation));
        let root = format!("{}/environments", config.facts.folder);
        let mut options = options(&config.facts, config.build_environment, &root);
        // A proxy that cannot be used is told where the server's own builds need it; here only channels are lost.
        options.conda = conda(&config.server.packages, &config.server.environment)
            .inspect_err(|error| tracing::warn!(%error, "no conda channels for this target"))
            .unwrap_or_default();
        let host = Arc::new(RemoteBuildHost::new(Arc::clone(&session)));
        let runs = RemoteRunsConfig {
            blobs: config.blobs,
            incoming: config.incoming,
        };
        Self {
            runs: RemoteRuns::new(session, runs),
            environments: EnvironmentManager::new(host.clone(), &root, options.clone()),
            ship: Ship {
                host,
                root,
                options,
                server: config.server,
            },
            facts: config.facts,
            sdk,
            packages: config.packages,
            slots: config.slots,
        }
    }

    /// Whether packages of the Python index come from the server's machine.
    fn ships(&self, spec: &EnvironmentSpec) -> bool {
        let wanted = match self.packages {
            PackageSource::Ship => true,
            PackageSource::Auto => self.facts.index_reachable == Some(false),
            PackageSource::Target => false,
        };
        wanted && spec.conda.is_empty() && matches!(spec.interpreter, Interpreter::Managed { .. })
    }

    /// The spec with the interpreter's path on this machine: a bare name is looked up as a shell would.
    fn here(&self, spec: &EnvironmentSpec) -> EnvironmentSpec {
        let mut spec = spec.clone();
        if let Interpreter::UserManaged { python } = &mut spec.interpreter
            && !python.contains('/')
        {
            let found = self
                .facts
                .pythons
                .iter()
                .find(|known| {
                    Path::new(&known.path)
                        .file_name()
                        .is_some_and(|name| name == python.as_str())
                })
                .or_else(|| self.facts.pythons.first());
            if let Some(found) = found {
                python.clone_from(&found.path);
            } else {
                *python = format!("/usr/bin/{python}");
            }
        }
        spec
    }
}

fn options(facts: &HostFacts, passed: Vec<(String, String)>, root: &str) -> ManagerOptions {
    let mut search_path: Vec<String> = Vec::new();
    let found = facts.pythons.iter().map(|python| python.path.as_str());
    for program in facts.uv.as_deref().into_iter().chain(found) {
        if let Some(folder) = Path::new(program).parent().and_then(Path::to_str) {
            search_path.push(folder.to_owned());
        }
    }
    search_path.extend(USUAL.map(str::to_owned));
    let mut seen = std::collections::HashSet::new();
    search_path.retain(|folder| seen.insert(folder.clone()));
    let mut passed_env = passed;
    // Nothing outside our folder: not in the person's caches, and not in a /tmp that may be full or noexec.
    for (name, value) in [
        ("HOME", facts.home.clone()),
        ("TMPDIR", format!("{root}/scratch")),
        ("UV_CACHE_DIR", format!("{root}/cache/uv")),
        ("PIP_CACHE_DIR", format!("{root}/cache/pip")),
        ("UV_PYTHON_CACHE_DIR", format!("{root}/cache/python")),
    ] {
        passed_env.retain(|(known, _)| known != name);
        passed_env.push((name.to_owned(), value));
    }
    ManagerOptions {
        search_path,
        passed_env,
        ..ManagerOptions::default()
    }
}

#[async_trait]
impl Driver for RemoteDriver {
    fn kind(&self) -> &'static str {
        "remote"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            tells_changes: true,
            separate_streams: true,
            live_logs: true,
            environments: true,
            outputs: true,
            cancel: true,
            adopts: false,
            services: true,
            default_slots: Some(self.slots),
        }
    }

    fn validate(&self, spec: &RunSpec) -> Vec<Problem> {
        launcher::without_cluster(spec)
    }

    fn plan(&self, run: &Run, attempt: u32, environment: &PreparedEnvironment) -> NativeRequest {
        launcher::plan(run, attempt, environment, Path::new(&self.sdk))
    }

    async fn check(&self) -> Result<Vec<Check>, DriverError> {
        let (facts, _, raw) = check::identify(self.runs.session(), true).await?;
        Ok(check::checks(&facts, &raw, self.packages))
    }

    async fn environment_ready(
        &self,
        request: &EnvironmentRequest,
    ) -> Result<Option<PreparedEnvironment>, DriverError> {
        let spec = self.here(&request.spec);
        let ready = match &request.lock {
            Some(lock) if lock.interpreter.is_none() => self.environments.ready_locked(&spec, lock).await,
            _ => self.environments.ready(&spec).await,
        };
        let ready = ready.map_err(|error| failed("look for the environment", &error))?;
        Ok(ready.map(|built| prepared(built, &spec.interpreter)))
    }

    async fn prepare_environment(
        &self,
        request: &EnvironmentRequest,
        log: &dyn LogSink,
    ) -> Result<PreparedEnvironment, DriverError> {
        let spec = self.here(&request.spec);
        let options = PrepareOptions {
            retry: request.retry,
            relock: request.retry && request.lock.is_none(),
            keep: false,
        };
        let (lock, log) = (request.lock.clone(), Log(log));
        let built = if self.ships(&spec) {
            self.ship
                .prepare(&self.environments, &spec, lock, options, &log)
                .await
        } else {
            self.environments.prepare(&spec, lock, options, &log).await
        };
        built
            .map(|built| prepared(built, &spec.interpreter))
            .map_err(|error| failed("prepare the environment", &error))
    }

    async fn submit(&self, request: &NativeRequest) -> Result<NativeId, DriverError> {
        self.runs
            .submit(&request.run_key, &request.tree, &request.script, &request.secrets)
            .await
    }

    async fn find(&self, run_key: &RunKey) -> Result<Option<NativeId>, DriverError> {
        self.runs.find(run_key).await
    }

    async fn prevent(&self, run_key: &RunKey) -> Result<(), DriverError> {
        self.runs.prevent(run_key).await
    }

    async fn observe(&self, ids: &[NativeId]) -> Result<Vec<Observation>, DriverError> {
        self.runs.observe(ids).await
    }

    async fn read_log(
        &self,
        id: &NativeId,
        log: TargetLog,
        offset: u64,
        max: usize,
    ) -> Result<LogRead, DriverError> {
        self.runs.read_log(id, log, offset, max).await
    }

    async fn cancel(&self, id: &NativeId, grace: Duration) -> Result<(), DriverError> {
        self.runs.cancel(id, grace).await
    }

    async fn collect_outputs(&self, id: &NativeId, sink: &dyn OutputSink) -> Result<Collected, DriverError> {
        self.runs.collect_outputs(id, sink).await
    }

    async fn release(&self, id: &NativeId) -> Result<(), DriverError> {
        self.runs.release(id).await
    }

    async fn detach(&self) -> Result<Vec<String>, DriverError> {
        let (folder, bytes) = self.runs.remove().await?;
        Ok(vec![format!(
            "the folder `{folder}` with {:.1} MB",
            bytes as f64 / 1e6
        )])
    }

    async fn connect(&self, address: SocketAddr) -> Result<Box<dyn ByteStream>, DriverError> {
        let stream = self.runs.session().shell().connect(address).await;
        stream.map_err(|error| error.during("reach the service"))
    }

    fn changes(&self) -> Option<ChangeFeed> {
        self.runs.changes()
    }
}

#[async_trait]
impl StagingDriver for RemoteDriver {
    fn layout(&self) -> HostLayout {
        let folder = &self.facts.folder;
        HostLayout {
            runs: format!("{folder}/runs"),
            environments: self.ship.root.clone(),
            sdk: self.sdk.clone(),
            events: Some(format!("{folder}/events")),
            user: self.facts.user.filter(|_| !self.facts.docker_rootless),
            has_docker: self.facts.docker.is_some(),
            has_gpus: !self.facts.gpus.is_empty(),
            build_environment: self.ship.options.passed_env.clone(),
        }
    }

    fn build_host(&self) -> Arc<dyn BuildHost> {
        self.ship.host.clone()
    }

    async fn stage(&self, request: &NativeRequest, launcher: Launcher) -> Result<(), DriverError> {
        self.runs
            .stage(&request.run_key, &request.tree, &request.script, launcher)
            .await
    }

    async fn launcher(&self, run_key: &RunKey) -> Result<Option<Launcher>, DriverError> {
        self.runs.launcher(run_key).await
    }

    async fn script(&self, operation: &'static str, script: &str) -> Result<(i32, String), DriverError> {
        let (status, output) = self.runs.session().script(operation, script, b"").await?;
        Ok((status, String::from_utf8_lossy(&output).into_owned()))
    }
}
