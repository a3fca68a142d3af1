//! The behaviour suite of drivers on a machine that is reached by a shell.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use outhaul_driver::Driver;
use outhaul_driver_remote::{Link, RemoteDriver, RemoteDriverConfig, identify};
use outhaul_host::remote::{Installation, Session, Shell};
use outhaul_snapshot::BlobStore;
use outhaul_ssh::{Credential, Hop, HostKeyPolicy, KnownHosts, Route};
use outhaul_testkit::code::tree_of;
use outhaul_testkit::driver_suite::{Bench, Subject, cases, variants};
use outhaul_testkit::local_shell::LocalShell;
use outhaul_testkit::sshd::{Setup, Sshd};
use outhaul_types::Secret;

/// How a machine is reached.
#[derive(Clone, Copy)]
enum Way {
    /// By a shell on this machine, with a home folder of its own.
    Shell,
    /// Over a real SSH server.
    Ssh,
}

/// A machine with a home folder of its own.
struct Machine {
    folder: tempfile::TempDir,
    blobs: BlobStore,
    driver: Arc<dyn Driver>,
    _sshd: Option<Sshd>,
}

fn route(sshd: &Sshd) -> Route {
    Route::new(vec![Hop {
        address: sshd.address().ip().to_string(),
        port: sshd.address().port(),
        username: sshd.username().to_owned(),
        credential: Credential::PrivateKey {
            key: Secret::new(sshd.client_key().to_owned()),
            passphrase: None,
            certificate: None,
        },
        host_key: HostKeyPolicy::KnownHosts(Arc::new(KnownHosts::parse(
            &sshd
                .host_keys()
                .iter()
                .map(|key| format!("[127.0.0.1]:{} {key}\n", sshd.address().port()))
                .collect::<String>(),
        ))),
    }])
}

impl Machine {
    /// `None` where there is no SSH server.
    async fn new(way: Way) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path().join("blobs")).unwrap();
        let (shell, sshd): (Arc<dyn Shell>, _) = match way {
            Way::Shell => {
                let home = folder.path().join("my home");
                std::fs::create_dir(&home).unwrap();
                (Arc::new(LocalShell::new(home)), None)
            }
            Way::Ssh => {
                let sshd = Setup::new().start()?;
                (Link::new("suite", route(&sshd)), Some(sshd))
            }
        };
        let installation = Installation::new("suite", None, &[]).unwrap();
        let session = Session::new(Arc::clone(&shell), installation.clone());
        let (facts, _, _) = identify(&session, false).await.unwrap();
        let driver = RemoteDriver::new(RemoteDriverConfig {
            shell,
            installation,
            blobs: blobs.clone(),
            incoming: folder.path().join("incoming"),
            facts,
            build_environment: Vec::new(),
            packages: Default::default(),
            server: Default::default(),
            slots: 2,
        });
        Some(Self {
            folder,
            blobs,
            driver: Arc::new(driver),
            _sshd: sshd,
        })
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
        "python3".to_owned()
    }
}

fn main() {
    let mut trials = Vec::new();
    for (name, way) in [("shell", Way::Shell), ("ssh", Way::Ssh)] {
        // Layers and chaos are the same above either way: once is enough.
        let all = variants().into_iter();
        for (variant, wrap) in all.filter(|(variant, _)| matches!(way, Way::Ssh) || *variant == "bare") {
            for case in cases() {
                let test = move || {
                    let runtime = tokio::runtime::Builder::new_multi_thread()
                        .worker_threads(2)
                        .enable_all()
                        .build()?;
                    runtime.block_on(async {
                        let Some(machine) = Machine::new(way).await else {
                            return;
                        };
                        let bench = Arc::new(machine);
                        let driver = wrap(bench.driver());
                        if (case.applies)(&driver.capabilities()) {
                            (case.run)(Subject { driver, bench }).await;
                        }
                    });
                    Ok(())
                };
                trials.push(Trial::test(format!("{name}::{variant}::{}", case.name), test));
            }
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
