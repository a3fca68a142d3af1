//! Environments with packages of a conda channel, on this machine: the channel is a folder that the test packs.

#![cfg(all(target_os = "linux", feature = "conda"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use outhaul_environment::{
    CondaChannels, EnvironmentError, EnvironmentManager, ErrorClass, ManagerOptions, NoLog, PrepareOptions,
    ThisMachine, ToolChoice, packages,
};
use outhaul_testkit::code::wheel;
use outhaul_testkit::conda_channel::{CondaChannel, python_version};
use outhaul_types::{EnvironmentSpec, Interpreter};

struct Bench {
    folder: tempfile::TempDir,
    channel: CondaChannel,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let channel = CondaChannel::build_with_python(&folder.path().join("channel"));
        Self { folder, channel }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn manager(&self, root: &str, tool: ToolChoice) -> EnvironmentManager {
        let options = ManagerOptions {
            search_path: std::env::var("PATH")
                .unwrap()
                .split(':')
                .map(str::to_owned)
                .collect(),
            passed_env: std::env::vars()
                .filter(|(name, _)| {
                    ["HOME", "PIP_", "UV_"]
                        .iter()
                        .any(|start| name.starts_with(start))
                })
                .collect(),
            tool,
            conda: Some(Arc::new(CondaChannels::new(&self.path("packages"), &[]).unwrap())),
            ..ManagerOptions::default()
        };
        let root = self.path(root);
        EnvironmentManager::new(Arc::new(ThisMachine), root.to_str().unwrap(), options)
    }

    fn spec(&self, conda: &[&str], pip: &[&str]) -> EnvironmentSpec {
        let all = |list: &[&str]| list.iter().map(|&line| line.to_owned()).collect();
        EnvironmentSpec {
            conda: all(conda),
            pip: all(pip),
            channels: vec![self.channel.url()],
            ..EnvironmentSpec::default()
        }
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn python_and_packages_come_from_the_channel() {
    let bench = Bench::new();
    let manager = bench.manager("root", ToolChoice::Pip);
    let spec = bench.spec(&["greeter", "numbers=1"], &[]);
    assert_eq!(manager.ready(&spec).await.unwrap(), None);
    let log = Mutex::new(Vec::new());
    let options = PrepareOptions::default();
    let built = manager.prepare(&spec, None, options, &log).await.unwrap();
    let log = String::from_utf8(log.into_inner().unwrap()).unwrap();
    assert!(log.contains("resolving the conda packages"), "{log}");

    // The interpreter is the channel's, and runs where it was put.
    assert!(built.python.starts_with(bench.path("root").to_str().unwrap()));
    let said = run(&built.python, &["-c", "import greeter; greeter.main()"]);
    let prefix = built.bin_dir.strip_suffix("/bin").unwrap();
    assert_eq!(said, format!("hello from {prefix}"));
    assert_eq!(
        run(&format!("{}/greet", built.bin_dir), &[]),
        format!("hello from {prefix}")
    );
    let lock = &built.lock;
    assert_eq!(
        (lock.tool.as_str(), lock.python_version.as_str()),
        ("conda", python_version().as_str())
    );
    assert!(lock.conda.iter().all(|package| package.sha256.is_some()));
    let shown: Vec<String> = packages(lock).iter().map(ToString::to_string).collect();
    assert!(shown.contains(&"numbers 1.1".to_owned()), "{shown:?}");

    // Known from now on, without the channel.
    std::fs::remove_dir_all(bench.channel.folder()).unwrap();
    assert_eq!(manager.ready(&spec).await.unwrap().as_ref(), Some(&built));
    // A rerun elsewhere builds the same from the lock; the packages are kept.
    let other = bench.manager("other", ToolChoice::Pip);
    let again = other
        .prepare(&spec, Some(lock.clone()), options, &NoLog)
        .await
        .unwrap();
    assert_eq!((&again.id, &again.lock), (&built.id, lock));
    assert!(run(&again.python, &["-c", "import greeter; greeter.main()"]).starts_with("hello from"));
    assert_eq!(
        std::fs::read_dir(bench.path("packages/staging")).map_or(0, Iterator::count),
        0
    );
}

#[tokio::test]
async fn pip_adds_to_what_conda_installed() {
    let bench = Bench::new();
    wheel(&bench.path("wheels"));
    let mut spec = bench.spec(&["greeter"], &["addition"]);
    spec.index_options = vec![
        "--no-index".into(),
        format!("--find-links {}", bench.path("wheels").display()),
    ];
    let manager = bench.manager("root", ToolChoice::Pip);
    let built = manager
        .prepare(&spec, None, PrepareOptions::default(), &NoLog)
        .await
        .unwrap();
    assert_eq!(built.lock.tool, "conda+pip");
    let code = "import greeter, addition; print(addition.add(1, 2))";
    assert_eq!(run(&built.python, &["-c", code]), "3");
    let names: Vec<String> = packages(&built.lock).into_iter().map(|p| p.name).collect();
    assert!(
        names.contains(&"addition".to_owned()) && names.contains(&"greeter".to_owned()),
        "{names:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_had_is_told_in_the_solvers_words() {
    let bench = Bench::new();
    let manager = bench.manager("root", ToolChoice::Pip);
    let options = PrepareOptions::default();
    let spec = bench.spec(&["counter", "numbers=2"], &[]);
    let error = manager.prepare(&spec, None, options, &NoLog).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Environment);
    assert!(
        matches!(error, EnvironmentError::Unsolvable { .. }) && error.to_string().contains("numbers"),
        "{error}"
    );
    // It is remembered as other failures by the spec's fault are.
    let again = manager.prepare(&spec, None, options, &NoLog).await.unwrap_err();
    assert!(matches!(again, EnvironmentError::Remembered { .. }), "{again}");

    let mut old = bench.spec(&["greeter"], &[]);
    old.interpreter = Interpreter::Managed {
        version: Some("2.7".into()),
    };
    let error = manager.prepare(&old, None, options, &NoLog).await.unwrap_err();
    assert!(matches!(error, EnvironmentError::Unsolvable { .. }), "{error}");

    let mut gone = bench.spec(&["greeter"], &[]);
    gone.channels = vec!["http://127.0.0.1:9/nothing".into()];
    let error = manager.prepare(&gone, None, options, &NoLog).await.unwrap_err();
    let text = error.to_string();
    assert!(
        error.is_temporary() && error.class() == ErrorClass::Target,
        "{text}"
    );
    for part in ["127.0.0.1:9/nothing", "mirror", "file:///", "--conda pypi"] {
        assert!(text.contains(part), "{text}");
    }
}
