//! The behaviour suite of drivers on this machine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use outhaul_driver::Driver;
use outhaul_driver_local::{LocalConfig, LocalDriver};
use outhaul_snapshot::BlobStore;
use outhaul_testkit::code::tree_of;
use outhaul_testkit::driver_suite::{Bench, Subject, cases, variants};

/// This machine with a folder of its own.
struct ThisMachine {
    folder: tempfile::TempDir,
    blobs: BlobStore,
    driver: Arc<dyn Driver>,
}

impl ThisMachine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path().join("blobs")).unwrap();
        let path = std::env::var("PATH").unwrap();
        let driver = LocalDriver::open(LocalConfig {
            root: folder.path().join("local"),
            blobs: blobs.clone(),
            sdk: folder.path().join("sdk"),
            environment: vec![("PATH".into(), path.clone())],
            search_path: path.split(':').map(str::to_owned).collect(),
            packages: folder.path().join("packages"),
            docker: folder.path().join("no-docker.sock"),
            slots: 2,
            detachable: false,
        });
        Self {
            folder,
            blobs,
            driver: Arc::new(driver.unwrap()),
        }
    }
}

impl Bench for ThisMachine {
    fn driver(&self) -> Arc<dyn Driver> {
        Arc::clone(&self.driver)
    }

    fn code(&self, files: &[(&str, &str)]) -> String {
        tree_of(self.folder.path(), &self.blobs, files)
    }

    fn python(&self) -> String {
        // Any program that answers the probe; the suite's scripts are shell scripts.
        let output = std::process::Command::new("python3")
            .args(["-c", "import sys; print(sys.executable)"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

fn main() {
    let mut trials = Vec::new();
    for (variant, wrap) in variants() {
        for case in cases() {
            let test = move || {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()?;
                runtime.block_on(async {
                    let bench = Arc::new(ThisMachine::new());
                    let driver = wrap(bench.driver());
                    if (case.applies)(&driver.capabilities()) {
                        (case.run)(Subject { driver, bench }).await;
                    }
                });
                Ok(())
            };
            trials.push(Trial::test(format!("{variant}::{}", case.name), test));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
