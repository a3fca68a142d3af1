//! Real environments on this machine, with a small package from the index.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use outhaul_environment::{
    BuildHost, EnvironmentError, EnvironmentManager, ErrorClass, FileFacts, Finished, Guard, HostError,
    LogSink, ManagerOptions, NoLog, PrepareOptions, Step, ThisMachine, Tool, ToolChoice,
};
use outhaul_types::{EnvironmentSpec, Interpreter};

/// This machine, with a count of the steps that were run.
#[derive(Default)]
struct Counting {
    steps: Mutex<Vec<String>>,
}

impl Counting {
    fn count(&self, purpose: &str) -> usize {
        self.steps
            .lock()
            .unwrap()
            .iter()
            .filter(|known| known.as_str() == purpose)
            .count()
    }

    fn all(&self) -> usize {
        self.steps.lock().unwrap().len()
    }
}

#[async_trait]
impl BuildHost for Counting {
    async fn run(&self, step: &Step, log: &dyn LogSink) -> Result<Finished, HostError> {
        self.steps.lock().unwrap().push(step.purpose.clone());
        ThisMachine.run(step, log).await
    }
    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, HostError> {
        ThisMachine.read(path).await
    }
    async fn write_atomic(&self, path: &str, bytes: &[u8]) -> Result<(), HostError> {
        ThisMachine.write_atomic(path, bytes).await
    }
    async fn exists(&self, path: &str) -> Result<bool, HostError> {
        ThisMachine.exists(path).await
    }
    async fn facts(&self, path: &str) -> Result<Option<FileFacts>, HostError> {
        ThisMachine.facts(path).await
    }
    async fn list(&self, path: &str) -> Result<Vec<String>, HostError> {
        ThisMachine.list(path).await
    }
    async fn remove_tree(&self, path: &str) -> Result<(), HostError> {
        ThisMachine.remove_tree(path).await
    }
    async fn place_tree(&self, from: &Path, to: &str) -> Result<(), HostError> {
        ThisMachine.place_tree(from, to).await
    }
    async fn find_executables(&self, names: &[String], folders: &[String]) -> Result<Vec<String>, HostError> {
        ThisMachine.find_executables(names, folders).await
    }
    async fn lock(&self, path: &str) -> Result<Box<dyn Guard>, HostError> {
        ThisMachine.lock(path).await
    }
}

struct Bench {
    host: Arc<Counting>,
    root: PathBuf,
    _own: tempfile::TempDir,
    tool: ToolChoice,
}

fn passed_env() -> Vec<(String, String)> {
    std::env::vars()
        .filter(|(key, _)| {
            let key = key.to_ascii_uppercase();
            ["PIP_", "UV_", "SSL_"].iter().any(|start| key.starts_with(start))
                || ["HOME", "REQUESTS_CA_BUNDLE"].contains(&key.as_str())
                || key.ends_with("_PROXY")
        })
        .collect()
}

fn search_path() -> Vec<String> {
    std::env::var("PATH")
        .unwrap_or_default()
        .split(':')
        .map(str::to_owned)
        .collect()
}

impl Bench {
    fn new(tool: ToolChoice) -> Self {
        let own = tempfile::tempdir().unwrap();
        Self {
            host: Arc::default(),
            root: own.path().join("root"),
            _own: own,
            tool,
        }
    }

    /// Like a new process on the same folder.
    fn manager(&self) -> EnvironmentManager {
        self.manager_with(passed_env())
    }

    fn manager_with(&self, passed_env: Vec<(String, String)>) -> EnvironmentManager {
        let options = ManagerOptions {
            uv: (self.tool == ToolChoice::Auto).then(shared_uv),
            search_path: search_path(),
            passed_env,
            tool: self.tool,
            ..ManagerOptions::default()
        };
        EnvironmentManager::new(self.host.clone(), self.root.to_str().unwrap(), options)
    }

    fn attempts(&self, id: &str) -> usize {
        std::fs::read_dir(self.root.join("envs").join(id)).map_or(0, Iterator::count)
    }
}

/// Path of a uv that one manager installed for all tests, kept in the target folder for the next time.
fn shared_uv() -> String {
    static UV: Mutex<Option<String>> = Mutex::new(None);
    let mut uv = UV.lock().unwrap();
    uv.get_or_insert_with(|| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("environment-uv");
        let options = ManagerOptions {
            search_path: search_path(),
            passed_env: passed_env(),
            ..ManagerOptions::default()
        };
        let manager = EnvironmentManager::new(Arc::new(ThisMachine), root.to_str().unwrap(), options);
        let facts = block_on_thread(async move {
            manager
                .prepare(
                    &EnvironmentSpec::default(),
                    None,
                    PrepareOptions::default(),
                    &NoLog,
                )
                .await
                .unwrap();
            manager.tools().await.unwrap()
        });
        facts.uv.expect("uv was installed").path
    })
    .clone()
}

fn block_on_thread<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    std::thread::spawn(|| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(future)
    })
    .join()
    .unwrap()
}

fn six() -> EnvironmentSpec {
    EnvironmentSpec {
        pip: vec!["six==1.17.0".into()],
        ..EnvironmentSpec::default()
    }
}

fn runs(python: &str, code: &str) -> String {
    let output = std::process::Command::new(python)
        .args(["-c", code])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn built_once_and_reused(tool: ToolChoice, name: Tool) {
    let bench = Bench::new(tool);
    // Two managers are like two processes; two calls on one are like two runs of one server.
    let (one, two) = (bench.manager(), bench.manager());
    let mut spec = six();
    spec.variables.insert("A".into(), "b".into());
    assert_eq!(one.ready(&spec).await.unwrap(), None);
    let log = Mutex::new(Vec::new());
    let options = PrepareOptions::default();
    let (a, b, c) = tokio::join!(
        one.prepare(&spec, None, options, &log),
        one.prepare(&spec, None, options, &NoLog),
        two.prepare(&spec, None, options, &NoLog),
    );
    let built = a.unwrap();
    assert_eq!((b.unwrap(), c.unwrap()), (built.clone(), built.clone()));
    assert_eq!(bench.host.count("resolving the packages"), 1);
    assert_eq!(bench.host.count("making the environment"), 1);
    assert_eq!(bench.host.count("installing the packages"), 1);
    assert_eq!(bench.attempts(&built.id), 1);
    assert_eq!(built.lock.tool, name.to_string());
    assert!(
        outhaul_environment::is_hashed(&built.lock),
        "{}",
        built.lock.requirements
    );
    assert_eq!(
        outhaul_environment::packages(&built.lock)[0].to_string(),
        "six 1.17.0"
    );
    assert_eq!(built.variables["A"], "b");
    assert_eq!(
        runs(&built.python, "import six; print(six.__version__)"),
        "1.17.0"
    );
    assert!(Path::new(&built.bin_dir).join("python").exists());
    assert_eq!(
        runs(
            &built.python,
            "import sys; print('%d.%d.%d' % sys.version_info[:3])"
        ),
        built.lock.python_version.to_string()
    );

    // Warm: no process, and fast.
    let before = bench.host.all();
    let start = std::time::Instant::now();
    for _ in 0..50 {
        assert_eq!(two.ready(&spec).await.unwrap().as_ref(), Some(&built));
    }
    // It takes about a tenth of a millisecond; the bound leaves room for a machine under load.
    let each = start.elapsed() / 50;
    assert!(each < std::time::Duration::from_millis(10), "{each:?}");
    assert_eq!(two.prepare(&spec, None, options, &NoLog).await.unwrap(), built);
    assert_eq!(bench.host.all(), before);

    // The same content from another spec is the same environment.
    let mut other = six();
    other.pip = vec!["six<1.18,>=1.17".into()];
    let shared = two.prepare(&other, None, options, &NoLog).await.unwrap();
    assert_eq!((&shared.id, &shared.python), (&built.id, &built.python));
    assert_ne!(shared.spec_id, built.spec_id);
    assert_eq!(bench.host.count("making the environment"), 1);

    let listed = one.list().await.unwrap();
    assert_eq!(
        (listed.len(), listed[0].spec_ids.len(), &listed[0].id),
        (1, 2, &built.id)
    );
    assert!(one.remove(&built.id).await.unwrap());
    assert!(!one.remove(&built.id).await.unwrap());
    assert!(!one.remove("../x").await.unwrap());
    assert_eq!(one.ready(&spec).await.unwrap(), None);

    // A rerun with its lock: no resolving.
    let resolved = bench.host.count("resolving the packages");
    let again = one
        .prepare(&spec, Some(built.lock.clone()), options, &NoLog)
        .await
        .unwrap();
    assert_eq!((&again.id, &again.lock), (&built.id, &built.lock));
    assert_eq!(bench.host.count("resolving the packages"), resolved);
    assert_eq!(
        runs(&again.python, "import six; print(six.__version__)"),
        "1.17.0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn uv_builds_once_and_reuses() {
    built_once_and_reused(ToolChoice::Auto, Tool::Uv).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pip_builds_once_and_reuses() {
    built_once_and_reused(ToolChoice::Pip, Tool::Pip).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_half_built_does_not_count() {
    let bench = Bench::new(ToolChoice::Auto);
    let manager = bench.manager();
    let options = PrepareOptions::default();
    let built = manager.prepare(&six(), None, options, &NoLog).await.unwrap();
    // As if the builder had died before its end: packages missing, no marker.
    std::fs::remove_file(bench.root.join("built").join(format!("{}.json", built.id))).unwrap();
    std::fs::remove_dir_all(Path::new(&built.bin_dir).parent().unwrap().join("lib")).unwrap();
    assert_eq!(manager.ready(&six()).await.unwrap(), None);
    let again = manager.prepare(&six(), None, options, &NoLog).await.unwrap();
    assert_ne!(again.python, built.python);
    assert_eq!(bench.attempts(&built.id), 1, "the stale attempt is gone");
    assert_eq!(
        bench.host.count("resolving the packages"),
        1,
        "the stored lock is used"
    );
    assert_eq!(
        runs(&again.python, "import six; print(six.__version__)"),
        "1.17.0"
    );

    // A marker without its interpreter does not count either.
    std::fs::remove_file(&again.python).unwrap();
    assert_eq!(manager.ready(&six()).await.unwrap(), None);
}

async fn failures_are_remembered(tool: ToolChoice, words: &str) {
    let bench = Bench::new(tool);
    let manager = bench.manager();
    let spec = EnvironmentSpec {
        pip: vec!["outhaul-has-no-such-package==1.0".into()],
        ..EnvironmentSpec::default()
    };
    let options = PrepareOptions::default();
    let error = manager.prepare(&spec, None, options, &NoLog).await.unwrap_err();
    let EnvironmentError::Unsolvable { message, log } = &error else {
        panic!("{error:?}")
    };
    assert!(
        message.contains(words) && message.contains("outhaul-has-no-such-package"),
        "{message}"
    );
    assert_eq!(error.class(), ErrorClass::Environment);
    let log = std::fs::read_to_string(log.as_ref().unwrap()).unwrap();
    assert!(log.contains(words), "{log}");

    let before = bench.host.all();
    let again = bench
        .manager()
        .prepare(&spec, None, options, &NoLog)
        .await
        .unwrap_err();
    assert!(matches!(again, EnvironmentError::Remembered { .. }), "{again:?}");
    assert!(again.to_string().contains(message.as_str()), "{again}");
    assert!(
        again.to_string().contains("outhaul environment build FILE"),
        "{again}"
    );
    assert_eq!(bench.host.all(), before, "nothing was run");

    let retry = PrepareOptions {
        retry: true,
        ..options
    };
    let retried = manager.prepare(&spec, None, retry, &NoLog).await.unwrap_err();
    assert!(
        matches!(retried, EnvironmentError::Unsolvable { .. }),
        "{retried:?}"
    );
    assert_eq!(bench.host.count("resolving the packages"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn uv_failures_are_remembered_in_its_own_words() {
    failures_are_remembered(ToolChoice::Auto, "No solution found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pip_failures_are_remembered_in_its_own_words() {
    failures_are_remembered(ToolChoice::Pip, "No matching distribution").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_is_retried_on_request() {
    let bench = Bench::new(ToolChoice::Auto);
    let manager = bench.manager();
    let options = PrepareOptions::default();
    let built = manager.prepare(&six(), None, options, &NoLog).await.unwrap();
    let mut lock = built.lock;
    // A hash that no file has: found out only when installing.
    lock.requirements = format!("six==1.16.0 --hash=sha256:{}\n", "0".repeat(64));
    let error = manager
        .prepare(&six(), Some(lock.clone()), options, &NoLog)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Environment, "{error}");
    assert!(error.to_string().contains("six"), "{error}");
    let again = manager
        .prepare(&six(), Some(lock.clone()), options, &NoLog)
        .await
        .unwrap_err();
    assert!(matches!(again, EnvironmentError::Remembered { .. }), "{again:?}");
    let made = bench.host.count("making the environment");
    let retry = PrepareOptions {
        retry: true,
        ..options
    };
    let retried = manager
        .prepare(&six(), Some(lock), retry, &NoLog)
        .await
        .unwrap_err();
    assert!(
        !matches!(retried, EnvironmentError::Remembered { .. }),
        "{retried:?}"
    );
    assert_eq!(bench.host.count("making the environment"), made + 1);
    // The spec's own environment is none the worse.
    assert!(manager.ready(&six()).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_index_is_temporary() {
    for tool in [ToolChoice::Auto, ToolChoice::Pip] {
        let bench = Bench::new(tool);
        // pip is installed first, while the index is there.
        bench
            .manager()
            .prepare(
                &EnvironmentSpec::default(),
                None,
                PrepareOptions::default(),
                &NoLog,
            )
            .await
            .unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut env = passed_env();
        env.retain(|(key, _)| !key.to_ascii_uppercase().ends_with("_PROXY") && !key.starts_with("UV_"));
        env.push(("UV_HTTP_RETRIES".into(), "0".into()));
        env.push(("PIP_RETRIES".into(), "1".into()));
        let manager = bench.manager_with(env);
        let spec = EnvironmentSpec {
            pip: vec!["outhaul-nowhere".into()],
            index_options: vec![format!("--index-url http://127.0.0.1:{port}/simple")],
            ..EnvironmentSpec::default()
        };
        for _ in 0..2 {
            let error = manager
                .prepare(&spec, None, PrepareOptions::default(), &NoLog)
                .await
                .unwrap_err();
            assert!(matches!(error, EnvironmentError::Temporary { .. }), "{error:?}");
            assert_eq!(error.class(), ErrorClass::Target);
        }
    }
}

#[tokio::test]
async fn a_persons_own_interpreter_is_probed_once() {
    let bench = Bench::new(ToolChoice::Pip);
    let manager = bench.manager();
    let found = manager.tools().await.unwrap().interpreters;
    let python = &found.first().expect("an interpreter").executable;
    let spec = EnvironmentSpec {
        interpreter: Interpreter::UserManaged {
            python: python.clone(),
        },
        ..EnvironmentSpec::default()
    };
    let options = PrepareOptions::default();
    let built = manager.prepare(&spec, None, options, &NoLog).await.unwrap();
    assert_eq!(
        (&built.python, built.lock.tool.clone()),
        (python, Tool::None.to_string())
    );
    let before = bench.host.all();
    assert_eq!(manager.ready(&spec).await.unwrap(), Some(built.clone()));
    assert_eq!(
        manager.prepare(&spec, None, options, &NoLog).await.unwrap(),
        built
    );
    assert_eq!(bench.host.all(), before);

    let text = bench.root.join("text");
    std::fs::write(&text, "x").unwrap();
    let script = bench.root.join("script");
    std::fs::write(&script, "#!/bin/sh\necho no python >&2; exit 3\n").unwrap();
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    for (path, words) in [
        (bench.root.join("none"), "there is no such file"),
        (text, "not an executable file"),
        (bench.root.clone(), "not an executable file"),
        (script, "it does not run: no python"),
    ] {
        let python = path.to_str().unwrap().to_owned();
        let spec = EnvironmentSpec {
            interpreter: Interpreter::UserManaged { python },
            ..EnvironmentSpec::default()
        };
        let error = manager.prepare(&spec, None, options, &NoLog).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.class(), ErrorClass::Environment);
        assert_eq!(manager.ready(&spec).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_wrapper_script_is_asked_every_time() {
    let bench = Bench::new(ToolChoice::Pip);
    let manager = bench.manager();
    let python = manager.tools().await.unwrap().interpreters[0].executable.clone();
    let shim = bench.root.join("shim");
    std::fs::write(&shim, format!("#!/bin/sh\nexec '{python}' \"$@\"\n")).unwrap();
    std::fs::set_permissions(&shim, PermissionsExt::from_mode(0o755)).unwrap();
    let spec = EnvironmentSpec {
        interpreter: Interpreter::UserManaged {
            python: shim.to_str().unwrap().to_owned(),
        },
        ..EnvironmentSpec::default()
    };
    let built = manager
        .prepare(&spec, None, PrepareOptions::default(), &NoLog)
        .await
        .unwrap();
    assert_eq!(built.python, python, "runs skip the wrapper");
    assert_eq!(
        manager.ready(&spec).await.unwrap(),
        None,
        "it may lead elsewhere tomorrow"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interpreter_that_nobody_has() {
    let spec = EnvironmentSpec {
        interpreter: Interpreter::Managed {
            version: Some(">=3.99".into()),
        },
        ..EnvironmentSpec::default()
    };
    for (tool, advice) in [
        (ToolChoice::Pip, "install one"),
        (ToolChoice::Auto, "fetching one failed too"),
    ] {
        let bench = Bench::new(tool);
        let error = bench
            .manager()
            .prepare(&spec, None, PrepareOptions::default(), &NoLog)
            .await
            .unwrap_err();
        assert!(
            matches!(error, EnvironmentError::NoInterpreter { .. }),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(
            text.contains(">=3.99") && text.contains("found: 3.") && text.contains(advice),
            "{text}"
        );
        assert_eq!(error.class(), ErrorClass::Target);
    }
}

struct Signal(tokio::sync::Notify, AtomicUsize);

impl LogSink for Signal {
    fn line(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        self.1.store(text.trim().parse().unwrap(), Ordering::SeqCst);
        self.0.notify_one();
    }
}

/// True while the process is there and no zombie.
fn alive(pid: usize) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit_once(')')
            .is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
    })
}

#[tokio::test]
async fn a_cancelled_step_dies_with_its_children() {
    let step = Step {
        purpose: "waiting".into(),
        argv: ["/bin/sh", "-c", "sleep 600 & echo $!; wait"]
            .map(str::to_owned)
            .to_vec(),
        env: vec![("PATH".into(), search_path().join(":"))],
        cwd: None,
        files: vec![],
    };
    let signal = Signal(tokio::sync::Notify::new(), AtomicUsize::new(0));
    tokio::select! {
        finished = ThisMachine.run(&step, &signal) => panic!("{finished:?}"),
        () = signal.0.notified() => {}
    }
    let pid = signal.1.load(Ordering::SeqCst);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while alive(pid) {
        assert!(std::time::Instant::now() < end, "the child {pid} lives on");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_step_that_leaves_children_behind_ends() {
    let log = Mutex::new(Vec::new());
    let step = Step {
        purpose: "leaving".into(),
        argv: [
            "/bin/sh",
            "-c",
            "sleep 600 & echo out; echo err >&2; printf rest; exit 3",
        ]
        .map(str::to_owned)
        .to_vec(),
        env: vec![("PATH".into(), search_path().join(":"))],
        cwd: None,
        files: vec![],
    };
    let finished = ThisMachine.run(&step, &log).await.unwrap();
    assert_eq!((finished.code, finished.signal), (Some(3), None));
    assert_eq!(
        (finished.stdout.as_slice(), finished.stderr.as_slice()),
        (&b"out\nrest"[..], &b"err\n"[..])
    );
    let log = String::from_utf8(log.into_inner().unwrap()).unwrap();
    assert!(
        log.contains("out\n") && log.contains("err\n") && log.contains("rest"),
        "{log}"
    );
    let missing = Step {
        argv: vec!["/no/such/program".into()],
        ..step
    };
    let error = ThisMachine.run(&missing, &NoLog).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("could not start `/no/such/program`"),
        "{error}"
    );
}

#[tokio::test]
async fn locks_exclude_and_are_freed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b.lock");
    let path = path.to_str().unwrap();
    let held = ThisMachine.lock(path).await.unwrap();
    let waiting = ThisMachine.lock(path);
    tokio::pin!(waiting);
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(waiting.as_mut().poll(cx).is_pending())).await);
    drop(held);
    drop(waiting.await.unwrap());
}
