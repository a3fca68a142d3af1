//! This machine as a host with Spark, and the suite's runs as Spark runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use outhaul_driver::{
    Capabilities, ChangeFeed, Collected, Driver, DriverError, EnvironmentRequest, LogRead, LogSink, NativeId,
    NativeRequest, Observation, OutputSink, PreparedEnvironment, Problem, TargetLog,
};
use outhaul_driver_local::{LocalConfig, LocalDriver};
use outhaul_launcher_spark::{Spark, SparkOptions};
use outhaul_snapshot::BlobStore;
use outhaul_testkit::code::tree_of;
use outhaul_testkit::driver_suite::Bench;
use outhaul_testkit::spark;
use outhaul_types::spark::HdinsightConfig;
use outhaul_types::target::{SshAuthentication, SshEndpoint};
use outhaul_types::{Check, Command, RemoteConfig, Run, RunKey, RunSpec, SparkSpec};

/// A host with a folder of its own.
pub(crate) struct Host {
    pub(crate) folder: tempfile::TempDir,
    blobs: BlobStore,
    driver: Arc<dyn Driver>,
}

impl Host {
    /// With programs of its own before all others on the `PATH`.
    pub(crate) fn new(submit: &Path, master: &str, programs: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path().join("blobs")).unwrap();
        let mut path = std::env::var("PATH").unwrap();
        if let Some(programs) = programs {
            path = format!("{}:{path}", programs.display());
        }
        let host = LocalDriver::open(LocalConfig {
            root: folder.path().join("local"),
            blobs: blobs.clone(),
            sdk: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../python")),
            environment: vec![
                ("PATH".into(), path.clone()),
                ("HOME".into(), folder.path().display().to_string()),
                ("SPARK_LOCAL_IP".into(), "127.0.0.1".into()),
            ],
            search_path: path.split(':').map(str::to_owned).collect(),
            packages: folder.path().join("packages"),
            docker: folder.path().join("no-docker.sock"),
            slots: 2,
            detachable: false,
        });
        let options = SparkOptions {
            submit: submit.display().to_string(),
            master: master.parse().unwrap(),
            deploy_mode: None,
        };
        let config = HdinsightConfig {
            host: RemoteConfig {
                endpoint: SshEndpoint {
                    address: "unused".into(),
                    port: 22,
                    username: "unused".into(),
                    host_key: None,
                },
                authentication: SshAuthentication::Password,
                jumps: vec![],
                resource_id: None,
                folder: None,
                packages: Default::default(),
                slots: None,
            },
            cluster_name: None,
            master: Some(master.to_owned()),
            deploy_mode: None,
            spark_home: spark::home().map(|home| home.display().to_string()),
        };
        Self {
            driver: Arc::new(Spark::new(host.unwrap(), config, options)),
            folder,
            blobs,
        }
    }
}

impl Bench for Host {
    fn driver(&self) -> Arc<dyn Driver> {
        Arc::clone(&self.driver)
    }

    fn code(&self, files: &[(&str, &str)]) -> String {
        let starter = ("start.py", STARTER);
        let all: Vec<(&str, &str)> = files.iter().copied().chain([starter]).collect();
        tree_of(self.folder.path(), &self.blobs, &all)
    }

    fn python(&self) -> String {
        spark::python().display().to_string()
    }
}

/// Becomes the command that the suite wants. What `spark-submit` starts has one stream for both.
const STARTER: &str = "import os, sys\nos.execvp(sys.argv[1], sys.argv[1:])\n";

/// Lets each command of the suite be a script that `spark-submit` starts.
pub(crate) struct BySpark(pub(crate) Arc<dyn Driver>);

#[async_trait]
impl Driver for BySpark {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            separate_streams: false,
            ..self.0.capabilities()
        }
    }

    fn validate(&self, spec: &RunSpec) -> Vec<Problem> {
        self.0.validate(spec)
    }

    fn plan(&self, run: &Run, attempt: u32, environment: &PreparedEnvironment) -> NativeRequest {
        let mut run = run.clone();
        if let Some(spec) = &mut run.spec {
            if let Command::Program { argv } = spec.command.clone() {
                spec.command = Command::Script {
                    script: "start.py".into(),
                    arguments: argv,
                };
            }
            spec.spark = Some(SparkSpec::default());
        }
        self.0.plan(&run, attempt, environment)
    }

    async fn check(&self) -> Result<Vec<Check>, DriverError> {
        self.0.check().await
    }

    async fn environment_ready(
        &self,
        request: &EnvironmentRequest,
    ) -> Result<Option<PreparedEnvironment>, DriverError> {
        self.0.environment_ready(request).await
    }

    async fn prepare_environment(
        &self,
        request: &EnvironmentRequest,
        log: &dyn LogSink,
    ) -> Result<PreparedEnvironment, DriverError> {
        self.0.prepare_environment(request, log).await
    }

    async fn submit(&self, request: &NativeRequest) -> Result<NativeId, DriverError> {
        self.0.submit(request).await
    }

    async fn find(&self, run_key: &RunKey) -> Result<Option<NativeId>, DriverError> {
        self.0.find(run_key).await
    }

    async fn prevent(&self, run_key: &RunKey) -> Result<(), DriverError> {
        self.0.prevent(run_key).await
    }

    async fn observe(&self, ids: &[NativeId]) -> Result<Vec<Observation>, DriverError> {
        self.0.observe(ids).await
    }

    async fn read_log(
        &self,
        id: &NativeId,
        log: TargetLog,
        offset: u64,
        max: usize,
    ) -> Result<LogRead, DriverError> {
        self.0.read_log(id, log, offset, max).await
    }

    async fn cancel(&self, id: &NativeId, grace: Duration) -> Result<(), DriverError> {
        self.0.cancel(id, grace).await
    }

    async fn collect_outputs(&self, id: &NativeId, sink: &dyn OutputSink) -> Result<Collected, DriverError> {
        self.0.collect_outputs(id, sink).await
    }

    async fn release(&self, id: &NativeId) -> Result<(), DriverError> {
        self.0.release(id).await
    }

    async fn detach(&self) -> Result<Vec<String>, DriverError> {
        self.0.detach().await
    }

    fn changes(&self) -> Option<ChangeFeed> {
        self.0.changes()
    }
}
