//! The driver: the contract's methods, each a few lines over the host and the environment manager.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use outhaul_driver::{
    ByteStream, Capabilities, ChangeFeed, Collected, Driver, DriverError, EnvironmentRequest, ErrorKind,
    LogRead, LogSink, NativeId, NativeRequest, Observation, OutputSink, PreparedEnvironment, Problem, Status,
    TargetLog,
};
use outhaul_environment::{BuildHost, EnvironmentManager, ManagerOptions, PrepareOptions, ThisMachine};
use outhaul_host::environment::{Log, conda, failed, prepared};
use outhaul_host::launcher;
use outhaul_host::run_dir::Launcher;
use outhaul_host::staging::{HostLayout, StagingDriver};
use outhaul_host::this_machine::{Runs, RunsConfig};
use outhaul_snapshot::SnapshotError;
use outhaul_types::{Check, EnvironmentSpec, Interpreter, Run, RunKey, RunSpec};

use crate::check;
use crate::config::LocalConfig;

/// The driver of this machine.
pub struct LocalDriver {
    config: LocalConfig,
    runs: Runs,
    environments: EnvironmentManager,
}

impl LocalDriver {
    /// Opens the driver's folder.
    ///
    /// # Errors
    /// When the folder cannot be made or written.
    pub fn open(config: LocalConfig) -> Result<Self, DriverError> {
        let runs = Runs::open(RunsConfig {
            root: config.root.join("runs"),
            environment: config.environment.clone(),
        })?;
        let options = ManagerOptions {
            search_path: config.search_path.clone(),
            passed_env: config.environment.clone(),
            conda: conda(&config.packages, &config.environment)?,
            ..ManagerOptions::default()
        };
        let folder = config.root.join("environments");
        let environments = EnvironmentManager::new(Arc::new(ThisMachine), &folder.to_string_lossy(), options);
        Ok(Self {
            config,
            runs,
            environments,
        })
    }

    /// Who a run in a container is, so that what it writes is ours. Root in the containers of an engine of the user's own
    /// is the user already.
    fn container_user(&self) -> Option<(u32, u32)> {
        let user = nix::unistd::geteuid();
        let owner = std::fs::metadata(&self.config.docker).map(|socket| socket.uid());
        let is_own_engine = !user.is_root() && owner.is_ok_and(|owner| owner == user.as_raw());
        (!is_own_engine).then(|| (user.as_raw(), nix::unistd::getegid().as_raw()))
    }

    /// The spec with the path of an interpreter that is named only.
    fn here(&self, spec: &EnvironmentSpec) -> EnvironmentSpec {
        let mut spec = spec.clone();
        if let Interpreter::UserManaged { python } = &mut spec.interpreter
            && !python.contains('/')
            && let Some(found) = self
                .config
                .search_path
                .iter()
                .map(|folder| Path::new(folder).join(&*python))
                .find(|path| path.is_file())
        {
            *python = found.display().to_string();
        }
        spec
    }

    fn materialise(&self, tree: &str, code: &Path) -> Result<(), DriverError> {
        const OPERATION: &str = "stage the code";
        let hash = tree.parse().map_err(|_| {
            DriverError::permanent(
                ErrorKind::Invalid,
                OPERATION,
                format!("`{tree}` is not the id of a tree"),
            )
        })?;
        let blobs = &self.config.blobs;
        let staged = blobs
            .get_tree(&hash)
            .and_then(|tree| outhaul_snapshot::materialise(&tree, blobs, code));
        staged.map_err(|error| {
            if error.is_repairable() {
                // A power cut can leave a content empty. The next submission of the folder then stores it again.
                let _ = blobs.forget_tree(&hash);
            }
            let (kind, status) = match &error {
                SnapshotError::DiskFull { .. } => (ErrorKind::DiskFull, Status::Temporary),
                _ => (ErrorKind::System, Status::Permanent),
            };
            DriverError {
                status,
                ..DriverError::permanent(kind, OPERATION, error.to_string())
            }
        })
    }
}

#[async_trait]
impl Driver for LocalDriver {
    fn kind(&self) -> &'static str {
        "local"
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
            default_slots: Some(self.config.slots),
        }
    }

    fn validate(&self, spec: &RunSpec) -> Vec<Problem> {
        launcher::without_cluster(spec)
    }

    fn plan(&self, run: &Run, attempt: u32, environment: &PreparedEnvironment) -> NativeRequest {
        launcher::plan(run, attempt, environment, &self.config.sdk)
    }

    async fn check(&self) -> Result<Vec<Check>, DriverError> {
        Ok(check::check(&self.config, &self.environments).await)
    }

    async fn environment_ready(
        &self,
        request: &EnvironmentRequest,
    ) -> Result<Option<PreparedEnvironment>, DriverError> {
        let spec = self.here(&request.spec);
        let ready = match &request.lock {
            Some(lock) => self.environments.ready_locked(&spec, lock).await,
            None => self.environments.ready(&spec).await,
        };
        let ready = ready.map_err(|error| failed("look for the environment", &error))?;
        Ok(ready.map(|built| prepared(built, &spec.interpreter)))
    }

    async fn prepare_environment(
        &self,
        request: &EnvironmentRequest,
        log: &dyn LogSink,
    ) -> Result<PreparedEnvironment, DriverError> {
        let options = PrepareOptions {
            retry: request.retry,
            relock: request.retry && request.lock.is_none(),
            keep: false,
        };
        let spec = self.here(&request.spec);
        let built = self
            .environments
            .prepare(&spec, request.lock.clone(), options, &Log(log))
            .await;
        built
            .map(|built| prepared(built, &spec.interpreter))
            .map_err(|error| failed("prepare the environment", &error))
    }

    async fn submit(&self, request: &NativeRequest) -> Result<NativeId, DriverError> {
        let materialise = |code: &Path| self.materialise(&request.tree, code);
        self.runs
            .submit_with(&request.run_key, &request.script, &request.secrets, &materialise)
            .await
    }

    async fn find(&self, run_key: &RunKey) -> Result<Option<NativeId>, DriverError> {
        Ok(self.runs.find(run_key))
    }

    async fn prevent(&self, run_key: &RunKey) -> Result<(), DriverError> {
        self.runs.prevent(run_key)
    }

    async fn observe(&self, ids: &[NativeId]) -> Result<Vec<Observation>, DriverError> {
        Ok(self.runs.observe(ids))
    }

    async fn read_log(
        &self,
        id: &NativeId,
        log: TargetLog,
        offset: u64,
        max: usize,
    ) -> Result<LogRead, DriverError> {
        self.runs.read_log(id, log, offset, max)
    }

    async fn cancel(&self, id: &NativeId, grace: Duration) -> Result<(), DriverError> {
        self.runs.cancel(id, grace)
    }

    async fn collect_outputs(&self, id: &NativeId, sink: &dyn OutputSink) -> Result<Collected, DriverError> {
        self.runs.collect_outputs(id, sink).await
    }

    async fn release(&self, id: &NativeId) -> Result<(), DriverError> {
        self.runs.release(id).await
    }

    async fn detach(&self) -> Result<Vec<String>, DriverError> {
        const OPERATION: &str = "detach the target";
        if !self.config.detachable {
            let message = "this machine is always attached";
            return Err(DriverError::permanent(ErrorKind::Invalid, OPERATION, message));
        }
        let root = self.config.root.clone();
        let shown = root.display().to_string();
        let removed = tokio::task::spawn_blocking(move || {
            let removed = outhaul_host::this_machine::remove(&root);
            // The folder that was named for it, if nobody else has something there.
            let _ = root.parent().map(std::fs::remove_dir);
            removed
        });
        match removed.await {
            Ok(Ok(())) => Ok(vec![format!("the folder `{shown}`")]),
            Ok(Err(error)) => Err(DriverError::io(OPERATION, shown, error)),
            Err(error) => Err(DriverError::permanent(
                ErrorKind::System,
                OPERATION,
                error.to_string(),
            )),
        }
    }

    async fn connect(&self, address: SocketAddr) -> Result<Box<dyn ByteStream>, DriverError> {
        match tokio::net::TcpStream::connect(address).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(DriverError::io("reach the service", address, error)),
        }
    }

    fn changes(&self) -> Option<ChangeFeed> {
        self.runs.changes()
    }
}

#[async_trait]
impl StagingDriver for LocalDriver {
    fn layout(&self) -> HostLayout {
        let text = |path: &Path| path.display().to_string();
        HostLayout {
            runs: text(&self.config.root.join("runs")),
            environments: text(&self.config.root.join("environments")),
            sdk: text(&self.config.sdk),
            // Ends are seen in the folders themselves.
            events: None,
            user: self.container_user(),
            has_docker: self.config.docker.exists(),
            has_gpus: Path::new("/dev/nvidiactl").exists(),
            build_environment: self.config.environment.clone(),
        }
    }

    fn build_host(&self) -> Arc<dyn BuildHost> {
        Arc::new(ThisMachine)
    }

    async fn stage(&self, request: &NativeRequest, launcher: Launcher) -> Result<(), DriverError> {
        let materialise = |code: &Path| self.materialise(&request.tree, code);
        self.runs
            .stage(&request.run_key, &request.script, launcher, &materialise)
    }

    async fn launcher(&self, run_key: &RunKey) -> Result<Option<Launcher>, DriverError> {
        Ok(self.runs.launcher(run_key))
    }

    async fn script(&self, operation: &'static str, script: &str) -> Result<(i32, String), DriverError> {
        let output = tokio::process::Command::new("sh")
            .args(["-c", script])
            .env_clear()
            .envs(self.config.environment.iter().map(|(name, value)| (name, value)))
            .env("LC_ALL", "C")
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| DriverError::io(operation, "sh", error))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok((output.status.code().unwrap_or(255), text))
    }
}
