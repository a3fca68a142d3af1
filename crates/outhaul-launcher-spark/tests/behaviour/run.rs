//! One Spark run from its plan to its end, for tests.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use outhaul_driver::{EnvironmentRequest, LogSink, NativeId, Observation, Phase, TargetLog};
use outhaul_testkit::driver_suite::Bench;
use outhaul_types::{
    Command, EnvironmentSpec, Exit, Interpreter, NewRun, Run, RunId, RunSpec, SnapshotRef, SparkSpec,
};

use crate::host::Host;

const PATIENCE: Duration = Duration::from_secs(240);

struct NoLog;

impl LogSink for NoLog {
    fn write(&self, _: &[u8]) {}
}

/// What the script `train.py` of this text is started with.
pub(crate) struct Wanted<'a> {
    pub(crate) script: &'a str,
    pub(crate) files: &'a [(&'a str, &'a str)],
    pub(crate) spark: SparkSpec,
    pub(crate) variables: BTreeMap<String, String>,
}

impl<'a> Wanted<'a> {
    pub(crate) fn script(script: &'a str) -> Self {
        Self {
            script,
            files: &[],
            spark: SparkSpec::default(),
            variables: BTreeMap::new(),
        }
    }
}

/// Starts a run.
pub(crate) async fn start(host: &Host, wanted: Wanted<'_>) -> NativeId {
    let environment = EnvironmentSpec {
        interpreter: Interpreter::UserManaged {
            python: host.python(),
        },
        ..EnvironmentSpec::default()
    };
    let files: Vec<(&str, &str)> = wanted
        .files
        .iter()
        .copied()
        .chain([("train.py", wanted.script)])
        .collect();
    let spec = RunSpec {
        command: Command::Script {
            script: "train.py".into(),
            arguments: vec!["one".into(), "two words".into()],
        },
        snapshot: SnapshotRef {
            tree: host.code(&files),
            files: 1,
            bytes: 0,
            source: "test".into(),
            git: None,
        },
        environment: environment.clone(),
        environment_lock: None,
        environment_name: None,
        variables: wanted.variables,
        max_duration_seconds: None,
        resources: Default::default(),
        spark: Some(wanted.spark),
        array: None,
        adopted: None,
        rerun_of: None,
        service: None,
    };
    let new = NewRun {
        id: RunId::generate().unwrap(),
        name: "test".into(),
        workspace: "default".into(),
        experiment: "test".into(),
        target: "spark".into(),
        tags: BTreeMap::new(),
        parent: None,
        spec: Some(spec),
    };
    let run = Run::submitted(new, Default::default()).0;
    let asked = EnvironmentRequest {
        spec: environment,
        lock: None,
        retry: false,
    };
    let driver = host.driver();
    let prepared = match driver.environment_ready(&asked).await.unwrap() {
        Some(ready) => ready,
        None => driver.prepare_environment(&asked, &NoLog).await.unwrap(),
    };
    let request = driver.plan(&run, 1, &prepared);
    driver.submit(&request).await.unwrap()
}

/// Waits until it is seen so.
pub(crate) async fn until(host: &Host, id: &NativeId, holds: impl Fn(&Observation) -> bool) -> Observation {
    let begin = Instant::now();
    loop {
        let seen = host
            .driver()
            .observe(std::slice::from_ref(id))
            .await
            .unwrap()
            .pop();
        if let Some(seen) = &seen
            && holds(seen)
        {
            return seen.clone();
        }
        if begin.elapsed() > PATIENCE {
            panic!("{seen:?}\n{}", text(host, id, TargetLog::Stderr).await);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// How it ends.
pub(crate) async fn end(host: &Host, id: &NativeId) -> Exit {
    let seen = until(host, id, |seen| matches!(seen.phase, Phase::Ended { .. })).await;
    match seen.phase {
        Phase::Ended { exit, .. } => exit,
        other => panic!("{other:?}"),
    }
}

/// What it wrote.
pub(crate) async fn text(host: &Host, id: &NativeId, log: TargetLog) -> String {
    let read = host.driver().read_log(id, log, 0, 1 << 20).await.unwrap();
    String::from_utf8_lossy(&read.bytes).into_owned()
}
