//! Environments on a machine that is reached by a shell, with packages that come from the server's machine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use outhaul_driver::{Driver, EnvironmentRequest, ErrorKind, LogSink};
use outhaul_driver_remote::{RemoteDriver, RemoteDriverConfig, ServerSide, identify};
use outhaul_host::remote::{Installation, Session, Shell};
use outhaul_snapshot::BlobStore;
use outhaul_testkit::conda_channel::{CondaChannel, python_version};
use outhaul_testkit::local_shell::LocalShell;
use outhaul_types::EnvironmentSpec;

/// A server's machine and a target.
struct Bench {
    folder: tempfile::TempDir,
}

#[derive(Default)]
struct Log(Mutex<String>);

impl LogSink for Log {
    fn write(&self, bytes: &[u8]) {
        self.0.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
    }
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("my home")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A driver like that of a server that has just started.
    async fn driver(&self) -> RemoteDriver {
        let shell: Arc<dyn Shell> = Arc::new(LocalShell::new(self.path("my home")));
        let installation = Installation::new("suite", None, &[]).unwrap();
        let session = Session::new(Arc::clone(&shell), installation.clone());
        let (facts, _, _) = identify(&session, false).await.unwrap();
        RemoteDriver::new(RemoteDriverConfig {
            shell,
            installation,
            blobs: BlobStore::open(self.path("blobs")).unwrap(),
            incoming: self.path("incoming"),
            facts,
            build_environment: Vec::new(),
            packages: Default::default(),
            server: ServerSide {
                packages: self.path("packages"),
                ..ServerSide::default()
            },
            slots: 2,
        })
    }
}

fn request(channel: &CondaChannel, conda: &[&str]) -> EnvironmentRequest {
    EnvironmentRequest {
        spec: EnvironmentSpec {
            conda: conda.iter().map(|&line| line.to_owned()).collect(),
            channels: vec![channel.url()],
            ..EnvironmentSpec::default()
        },
        lock: None,
        retry: false,
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn conda_packages_are_sent_as_a_whole_environment() {
    let bench = Bench::new();
    let driver = bench.driver().await;
    let channel = CondaChannel::build_with_python(&bench.path("channel"));
    let wanted = request(&channel, &["greeter", "textual"]);
    assert!(driver.environment_ready(&wanted).await.unwrap().is_none());
    let log = Log::default();
    let built = driver.prepare_environment(&wanted, &log).await.unwrap();
    let bin = built.bin.clone().unwrap();
    assert!(
        built.python.starts_with(bench.path("my home").to_str().unwrap()),
        "{}",
        built.python
    );
    assert_eq!(built.lock.python_version, python_version());
    let run = |program: &str, arguments: &[&str]| {
        let output = std::process::Command::new(program)
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    // Links and rights came along: `python` is a link, the commands may be run.
    let prefix = bin.strip_suffix("/bin").unwrap();
    let greeting = format!("hello from {prefix}");
    let code = "import greeter; greeter.main()";
    assert_eq!(run(&format!("{bin}/python"), &["-c", code]), greeting);
    assert!(
        std::fs::symlink_metadata(format!("{bin}/python"))
            .unwrap()
            .is_symlink()
    );
    assert!(run(&format!("{bin}/textual"), &[]).starts_with(&format!("home={prefix}")));
    assert!(!PathBuf::from(prefix).join(".outhaul-whole").exists());

    // Another server start finds it, without the channel.
    std::fs::remove_dir_all(channel.folder()).unwrap();
    let driver = bench.driver().await;
    let ready = driver.environment_ready(&wanted).await.unwrap().unwrap();
    assert_eq!((&ready.id, &ready.python), (&built.id, &built.python));
    let again = driver.prepare_environment(&wanted, &log).await.unwrap();
    assert_eq!(again.id, built.id);

    // A rerun on a machine that lost everything builds the lock from what the server's machine kept.
    let other = bench.path("my home");
    std::fs::remove_dir_all(&other).unwrap();
    std::fs::create_dir(&other).unwrap();
    let driver = bench.driver().await;
    let locked = EnvironmentRequest {
        lock: Some(built.lock.clone()),
        ..wanted
    };
    let rebuilt = driver.prepare_environment(&locked, &log).await.unwrap();
    assert_eq!(rebuilt.id, built.id);
    assert!(run(&rebuilt.python, &["-c", code]).starts_with("hello from"));
}

#[tokio::test]
async fn what_cannot_be_solved_is_the_environments_fault() {
    let bench = Bench::new();
    let driver = bench.driver().await;
    let channel = CondaChannel::build(&bench.path("channel"));
    let wanted = request(&channel, &["numbers=7"]);
    let error = driver
        .prepare_environment(&wanted, &Log::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Environment);
    assert!(error.message.contains("numbers"), "{}", error.message);
}
