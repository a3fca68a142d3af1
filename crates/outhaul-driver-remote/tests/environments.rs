//! Environments on a machine that is reached by a shell, with packages that come from the server's machine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a test that cannot run says so")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use outhaul_driver::{Driver, EnvironmentRequest, ErrorKind, LogSink};
use outhaul_driver_remote::{RemoteDriver, RemoteDriverConfig, ServerSide, identify};
use outhaul_host::remote::{Installation, Session, Shell};
use outhaul_snapshot::BlobStore;
use outhaul_testkit::conda_channel::{CondaChannel, python_version};
use outhaul_testkit::local_shell::LocalShell;
use outhaul_types::EnvironmentSpec;
use outhaul_types::target::PackageSource;

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
        let shell = LocalShell::new(self.path("my home"));
        self.driver_over(shell, PackageSource::Auto).await
    }

    async fn driver_over(&self, shell: LocalShell, packages: PackageSource) -> RemoteDriver {
        let shell: Arc<dyn Shell> = Arc::new(shell);
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
            packages,
            server: ServerSide {
                packages: self.path("packages"),
                search_path: std::env::var("PATH")
                    .unwrap()
                    .split(':')
                    .map(str::to_owned)
                    .collect(),
                environment: std::env::vars()
                    .filter(|(name, _)| {
                        ["HOME", "PIP_", "UV_"]
                            .iter()
                            .any(|start| name.starts_with(start))
                    })
                    .collect(),
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
    assert_eq!(run(&format!("{bin}/greet"), &[]), greeting);
    let conf = std::fs::read_to_string(format!("{prefix}/etc/textual.conf")).unwrap();
    assert_eq!(conf, format!("root = {prefix}/share\n"));
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

/// Whether this machine reaches the package index; where it does not, tests that need it say so and pass.
fn index_is_there() -> bool {
    use std::net::ToSocketAddrs as _;
    let reached = std::env::var("PIP_INDEX_URL").is_ok()
        || ("pypi.org", 443).to_socket_addrs().is_ok_and(|mut all| {
            all.any(|at| std::net::TcpStream::connect_timeout(&at, std::time::Duration::from_secs(5)).is_ok())
        });
    if !reached {
        println!("not run: the package index cannot be reached");
    }
    reached
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn packages_are_shipped_to_a_target_without_internet() {
    if !index_is_there() {
        return;
    }
    let bench = Bench::new();
    let closed = "http://127.0.0.1:9/simple";
    let shell = || {
        LocalShell::new(bench.path("my home"))
            .with("PIP_INDEX_URL", closed)
            .with("UV_INDEX_URL", closed)
            .with("UV_DEFAULT_INDEX", closed)
            .with("PIP_RETRIES", "0")
    };
    let driver = bench.driver_over(shell(), PackageSource::Ship).await;
    let wanted = EnvironmentRequest {
        spec: EnvironmentSpec {
            pip: vec!["six==1.17.0".into(), "markupsafe".into()],
            ..EnvironmentSpec::default()
        },
        lock: None,
        retry: false,
    };
    // The target alone cannot.
    let alone = bench.driver_over(shell(), PackageSource::Target).await;
    assert!(alone.prepare_environment(&wanted, &Log::default()).await.is_err());

    let log = Log::default();
    let built = driver.prepare_environment(&wanted, &log).await;
    let log = log.0.into_inner().unwrap();
    let built = built.unwrap_or_else(|error| panic!("{}\n{log}", error.message));
    assert!(log.contains("shipping 2 packages to the target: "), "{log}");
    let output = std::process::Command::new(&built.python)
        .args(["-c", "import six, markupsafe._speedups; print(six.__version__)"])
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "1.17.0");

    let driver = bench.driver_over(shell(), PackageSource::Ship).await;
    let ready = driver.environment_ready(&wanted).await.unwrap().unwrap();
    assert_eq!(ready.id, built.id);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_has_no_wheel_is_named() {
    if !index_is_there() {
        return;
    }
    let bench = Bench::new();
    let driver = bench
        .driver_over(LocalShell::new(bench.path("my home")), PackageSource::Ship)
        .await;
    // Only ever published as source.
    let wanted = EnvironmentRequest {
        spec: EnvironmentSpec {
            pip: vec!["docopt==0.6.2".into()],
            ..EnvironmentSpec::default()
        },
        lock: None,
        retry: false,
    };
    let error = driver
        .prepare_environment(&wanted, &Log::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Environment, "{}", error.message);
    for part in ["docopt", "wheel", "--find-links"] {
        assert!(error.message.contains(part), "{}", error.message);
    }
}
