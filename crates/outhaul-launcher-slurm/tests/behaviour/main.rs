//! The behaviour suite of drivers as jobs of a real Slurm cluster on this machine, and what a cluster adds. Where none
//! can be had, one line says so and the tests pass.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;

use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use outhaul_driver::Driver;
use outhaul_driver_local::{LocalConfig, LocalDriver};
use outhaul_launcher_slurm::{Slurm, SlurmOptions};
use outhaul_snapshot::BlobStore;
use outhaul_testkit::code::tree_of;
use outhaul_testkit::driver_suite::{Bench, Subject, cases, variants};
use outhaul_testkit::slurm::Cluster;

/// This machine as a login host, with a folder of its own.
pub(crate) struct LoginHost {
    folder: tempfile::TempDir,
    blobs: BlobStore,
    driver: Arc<dyn Driver>,
}

impl LoginHost {
    pub(crate) fn new(cluster: &Cluster, options: SlurmOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path().join("blobs")).unwrap();
        let path = std::env::var("PATH").unwrap();
        let host = LocalDriver::open(LocalConfig {
            root: folder.path().join("local"),
            blobs: blobs.clone(),
            sdk: folder.path().join("sdk"),
            environment: vec![
                ("PATH".into(), path.clone()),
                ("SLURM_CONF".into(), cluster.conf().display().to_string()),
            ],
            search_path: path.split(':').map(str::to_owned).collect(),
            packages: folder.path().join("packages"),
            docker: folder.path().join("no-docker.sock"),
            slots: 2,
            detachable: true,
        });
        Self {
            driver: Arc::new(Slurm::new(host.unwrap(), options)),
            folder,
            blobs,
        }
    }
}

impl Bench for LoginHost {
    fn driver(&self) -> Arc<dyn Driver> {
        Arc::clone(&self.driver)
    }

    fn code(&self, files: &[(&str, &str)]) -> String {
        tree_of(self.folder.path(), &self.blobs, files)
    }

    fn python(&self) -> String {
        let output = std::process::Command::new("python3")
            .args(["-c", "import sys; print(sys.executable)"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// All cases one after the other: a cluster of a test's own is slow to start.
fn suite(only: &str) -> Result<(), Failed> {
    let Some(cluster) = Cluster::start() else {
        return Ok(());
    };
    let (variant, wrap) = variants().into_iter().find(|(name, _)| *name == only).unwrap();
    let runtime = runtime();
    let mut failed = Vec::new();
    for case in cases() {
        let ended = runtime.block_on(async {
            let bench = Arc::new(LoginHost::new(&cluster, SlurmOptions::default()));
            let driver = wrap(bench.driver());
            if !(case.applies)(&driver.capabilities()) {
                return Ok(());
            }
            tokio::spawn((case.run)(Subject { driver, bench })).await
        });
        if ended.is_err() {
            failed.push(case.name);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!("{variant}: {}", failed.join(", ")).into())
}

fn main() {
    let mut trials: Vec<Trial> = ["bare", "chaos-1"]
        .into_iter()
        .map(|variant| Trial::test(format!("suite::{variant}"), move || suite(variant)))
        .collect();
    trials.extend(cluster::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
