//! The behaviour suite of drivers, written against the trait. A driver's test gives a [`Bench`]; the suite picks its
//! cases by the driver's capabilities and runs each of them bare, through the layers that users get, and through those
//! layers over chaos (lost calls, lost answers, repeated calls).

mod cancel;
mod ends;
mod launch;
mod leavings;
mod logs;
mod services;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use outhaul_driver::layers::{Chaos, Retry, Timeout, Trace, Wrapped};
use outhaul_driver::{
    Capabilities, Driver, DriverError, EnvironmentRequest, NativeId, NativeRequest, Observation, Phase,
    TargetLog,
};
use outhaul_types::{
    Command, DockerSpec, EnvironmentSpec, Exit, Interpreter, NewRun, Run, RunId, RunSpec, SnapshotRef,
};

/// How long anything may take before a case fails. Generous: machines are noisy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A real target made for a test.
#[async_trait]
pub trait Bench: Send + Sync {
    /// The bare driver.
    fn driver(&self) -> Arc<dyn Driver>;
    /// Puts files where the driver takes code from, and gives the id of their tree.
    fn code(&self, files: &[(&str, &str)]) -> String;
    /// An interpreter that is there on the target.
    fn python(&self) -> String;
    /// The container that runs are to be started in.
    fn docker(&self) -> Option<DockerSpec> {
        None
    }
}

/// One case of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// Whether it applies to a driver.
    pub applies: fn(&Capabilities) -> bool,
    /// Runs it.
    pub run: fn(Subject) -> futures::BoxFuture,
}

/// The one future type that cases give.
pub mod futures {
    /// A boxed future without a result: a case fails by panicking.
    pub type BoxFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// All cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    [
        launch::CASES,
        ends::CASES,
        logs::CASES,
        cancel::CASES,
        leavings::CASES,
        services::CASES,
    ]
    .concat()
}

/// Wraps a driver.
pub type Wrap = fn(Arc<dyn Driver>) -> Arc<dyn Driver>;

/// The ways in which the suite is run.
#[must_use]
pub fn variants() -> Vec<(&'static str, Wrap)> {
    vec![
        ("bare", |driver| driver),
        ("layers", outhaul_driver::layers::standard),
        ("chaos-1", |driver| chaotic(driver, 1)),
        ("chaos-2", |driver| chaotic(driver, 2)),
        ("chaos-3", |driver| chaotic(driver, 3)),
    ]
}

fn chaotic(driver: Arc<dyn Driver>, seed: u64) -> Arc<dyn Driver> {
    let chaos = Wrapped::new(Wrapped::new(driver, Trace), Chaos::new(seed, 3));
    // More patient than for users: the point is what repeated and lost calls do, not when one gives up.
    Wrapped::new(
        Wrapped::new(chaos, Timeout::default()),
        Retry {
            attempts: 40,
            pause: Duration::from_micros(100),
        },
    )
}

/// A driver under test with what a case needs.
#[derive(Clone)]
pub struct Subject {
    /// The driver in its layers.
    pub driver: Arc<dyn Driver>,
    /// The target.
    pub bench: Arc<dyn Bench>,
}

impl Subject {
    fn run(&self, argv: &[&str], tree: String) -> Run {
        let spec = RunSpec {
            command: Command::Program {
                argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            },
            snapshot: SnapshotRef {
                tree,
                files: 0,
                bytes: 0,
                source: "suite".into(),
                git: None,
            },
            environment: EnvironmentSpec {
                interpreter: Interpreter::UserManaged {
                    python: self.bench.python(),
                },
                docker: self.bench.docker().map(Box::new),
                ..EnvironmentSpec::default()
            },
            environment_lock: None,
            environment_name: None,
            variables: [("SUITE".to_owned(), "it's $HOME".to_owned())].into(),
            max_duration_seconds: None,
            resources: Default::default(),
            array: None,
            adopted: None,
            spark: None,
            rerun_of: None,
            service: None,
        };
        let new = NewRun {
            id: RunId::generate().expect("random bytes"),
            name: "suite".into(),
            workspace: "default".into(),
            experiment: "suite".into(),
            target: "under-test".into(),
            tags: Default::default(),
            parent: None,
            spec: Some(spec),
        };
        Run::submitted(new, jiff::Timestamp::now()).0
    }

    /// The request for a shell text, run in an otherwise empty code folder.
    async fn request(&self, shell: &str) -> NativeRequest {
        self.request_with(shell, &[("code.txt", "code\n")]).await
    }

    async fn request_with(&self, shell: &str, files: &[(&str, &str)]) -> NativeRequest {
        let run = self.run(&["sh", "-c", shell], self.bench.code(files));
        let environment = run.spec.as_ref().expect("it has one").environment.clone();
        let wanted = EnvironmentRequest {
            spec: environment,
            lock: None,
            retry: false,
        };
        let environment = match self.driver.environment_ready(&wanted).await.expect("it answers") {
            Some(environment) => environment,
            None => self
                .driver
                .prepare_environment(&wanted, &NoLog)
                .await
                .expect("an interpreter that is there is enough"),
        };
        self.driver.plan(&run, 1, &environment)
    }

    async fn start(&self, shell: &str) -> NativeId {
        let request = self.request(shell).await;
        self.driver.submit(&request).await.expect("it starts")
    }

    async fn look(&self, id: &NativeId) -> Option<Observation> {
        self.driver
            .observe(std::slice::from_ref(id))
            .await
            .expect("it answers")
            .pop()
    }

    /// Asks until the answer is as wished for.
    async fn until(&self, id: &NativeId, what: &str, done: impl Fn(&Observation) -> bool) -> Observation {
        let asking = async {
            loop {
                if let Some(seen) = self.look(id).await
                    && done(&seen)
                {
                    return seen;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asking)
            .await
            .unwrap_or_else(|_| panic!("not seen in time: {what}"))
    }

    async fn end(&self, id: &NativeId) -> Exit {
        match self
            .until(id, "the end", |seen| matches!(seen.phase, Phase::Ended { .. }))
            .await
            .phase
        {
            Phase::Ended { exit, .. } => exit,
            _ => unreachable!("it has ended"),
        }
    }

    /// Waits until the run has written something.
    async fn has_written(&self, id: &NativeId) {
        self.until(id, "output", |seen| {
            seen.sizes
                .iter()
                .any(|(log, size)| *log == TargetLog::Stdout && *size > 0)
        })
        .await;
    }

    /// A whole log, read in pieces of `piece` bytes.
    async fn log(&self, id: &NativeId, log: TargetLog, piece: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let read = self
                .driver
                .read_log(id, log, bytes.len() as u64, piece)
                .await
                .expect("it can be read");
            assert!(read.bytes.len() <= piece, "more than was asked for");
            if read.bytes.is_empty() {
                return bytes;
            }
            bytes.extend(read.bytes);
        }
    }

    async fn text(&self, id: &NativeId, log: TargetLog) -> String {
        String::from_utf8(self.log(id, log, 1 << 20).await).expect("text")
    }
}

/// Drops what a build prints.
struct NoLog;

impl outhaul_driver::LogSink for NoLog {
    fn write(&self, _: &[u8]) {}
}

/// Takes outputs into memory.
#[derive(Default)]
struct Basket(std::sync::Mutex<std::collections::BTreeMap<String, Vec<u8>>>);

#[async_trait]
impl outhaul_driver::OutputSink for Basket {
    async fn keep(&self, path: &str, file: &std::path::Path) -> Result<(), DriverError> {
        let bytes = std::fs::read(file).map_err(|error| DriverError::io("keep", file.display(), error))?;
        self.0
            .lock()
            .expect("no case panics in here")
            .insert(path.to_owned(), bytes);
        Ok(())
    }
}
