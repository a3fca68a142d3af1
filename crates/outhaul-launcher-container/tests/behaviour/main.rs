//! The behaviour suite of drivers in containers of a real engine on this machine, and what containers add. Where no
//! engine can be had, one line says so and the tests pass.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod environments;

use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use outhaul_docker::{Engine, Options, UnixSocket};
use outhaul_driver::Driver;
use outhaul_driver_local::{LocalConfig, LocalDriver};
use outhaul_launcher_container::Containers;
use outhaul_snapshot::BlobStore;
use outhaul_testkit::code::tree_of;
use outhaul_testkit::dockerd::{Dockerd, Image, dockerd};
use outhaul_testkit::driver_suite::{Bench, Subject, cases, variants};
use outhaul_types::DockerSpec;

/// This machine with a folder and a home on the engine of its own.
struct Machine {
    folder: tempfile::TempDir,
    blobs: BlobStore,
    driver: Arc<dyn Driver>,
    image: String,
}

impl Machine {
    fn new(dockerd: &Dockerd) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path().join("blobs")).unwrap();
        let sdk = folder.path().join("sdk");
        std::fs::create_dir(&sdk).unwrap();
        let path = std::env::var("PATH").unwrap();
        let host = LocalDriver::open(LocalConfig {
            root: folder.path().join("local"),
            blobs: blobs.clone(),
            sdk,
            environment: vec![("PATH".into(), path.clone())],
            search_path: path.split(':').map(str::to_owned).collect(),
            packages: folder.path().join("packages"),
            docker: dockerd.socket().to_owned(),
            slots: 2,
            detachable: false,
        });
        let options = Options::new(folder.path().file_name().unwrap().to_string_lossy());
        let engine = Engine::connect(UnixSocket(dockerd.socket().to_owned()), options).unwrap();
        Self {
            driver: Arc::new(Containers::new(host.unwrap(), engine)),
            image: dockerd.image(Image::Debian),
            folder,
            blobs,
        }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }
}

impl Bench for Machine {
    fn driver(&self) -> Arc<dyn Driver> {
        Arc::clone(&self.driver)
    }

    fn code(&self, files: &[(&str, &str)]) -> String {
        tree_of(self.folder.path(), &self.blobs, files)
    }

    fn python(&self) -> String {
        "/usr/bin/python3".to_owned()
    }

    fn docker(&self) -> Option<DockerSpec> {
        Some(DockerSpec {
            image: Some(self.image.clone()),
            ..DockerSpec::default()
        })
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// All cases one after the other: an engine of a test's own is slow to start.
fn suite(only: &str) -> Result<(), Failed> {
    let Some(dockerd) = dockerd() else {
        return Ok(());
    };
    let (variant, wrap) = variants().into_iter().find(|(name, _)| *name == only).unwrap();
    let runtime = runtime();
    let mut failed = Vec::new();
    for case in cases() {
        let ended = runtime.block_on(async {
            let bench = Arc::new(Machine::new(dockerd));
            let driver = wrap(bench.driver());
            if !(case.applies)(&driver.capabilities()) {
                return Ok(());
            }
            let subject = Subject {
                driver,
                bench: bench.clone(),
            };
            let ended = tokio::spawn((case.run)(subject)).await;
            environments::nothing_left(dockerd, bench.root()).await;
            ended
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
    let mut trials: Vec<Trial> = ["bare", "layers", "chaos-1"]
        .into_iter()
        .map(|variant| Trial::test(format!("suite::{variant}"), move || suite(variant)))
        .collect();
    trials.extend(environments::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
