//! Runs, times and events that the cases use.

use std::collections::BTreeMap;

use jiff::Timestamp;
use outhaul_types::api::RunFilter;
use outhaul_types::{
    Command, EnvironmentSpec, Exit, Failure, FailureClass, NewRun, Run, RunEventKind, RunId, RunSpec,
    SnapshotRef, WorkspaceSettings,
};

use crate::{Guard, Store};

/// A time that is not a whole second; larger numbers are later.
pub(super) fn at(number: i64) -> Timestamp {
    Timestamp::new(1_700_000_000 + number, 123_456_789).unwrap()
}

/// The id that ends with this number.
pub(super) fn id(number: u64) -> RunId {
    format!("{number:016}").parse().unwrap()
}

pub(super) fn spec() -> RunSpec {
    RunSpec {
        command: Command::Script {
            script: "train.py".into(),
            arguments: vec!["--alpha".into(), "0.5".into()],
        },
        snapshot: SnapshotRef {
            tree: "a tree".into(),
            files: 2,
            bytes: 345,
            source: "/home/someone/project".into(),
            git: None,
        },
        environment: EnvironmentSpec {
            pip: vec!["numpy".into()],
            ..EnvironmentSpec::default()
        },
        environment_lock: None,
        environment_name: None,
        variables: BTreeMap::new(),
        max_duration_seconds: None,
        resources: Default::default(),
        array: None,
        adopted: None,
        spark: None,
        rerun_of: None,
        service: None,
    }
}

/// What is submitted for the run with this number.
pub(super) fn new_run(number: u64) -> NewRun {
    NewRun {
        id: id(number),
        name: format!("run-{number}"),
        workspace: "default".into(),
        experiment: "e".into(),
        target: "local".into(),
        tags: BTreeMap::new(),
        parent: None,
        spec: Some(spec()),
    }
}

/// What is submitted for a child run.
pub(super) fn child(number: u64, parent: u64) -> NewRun {
    NewRun {
        parent: Some(id(parent)),
        spec: None,
        ..new_run(number)
    }
}

pub(super) fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Makes the workspace that the runs of [`new_run`] are in.
pub(super) async fn workspace(store: &dyn Store) {
    store
        .put_workspace("default", WorkspaceSettings::default(), at(0))
        .await
        .unwrap();
}

/// Makes the workspace and runs 1 to `count`.
pub(super) async fn runs(store: &dyn Store, count: u64) {
    workspace(store).await;
    for number in 1..=count {
        store
            .create_run(new_run(number), at(i64::try_from(number).unwrap()))
            .await
            .unwrap();
    }
}

/// The events of a life up to the process's end.
pub(super) fn until_exit(id: &RunId, code: i32) -> Vec<RunEventKind> {
    vec![
        RunEventKind::Queued,
        RunEventKind::Preparing,
        RunEventKind::EnvironmentReady {
            environment_id: "env".into(),
        },
        RunEventKind::LaunchIntended {
            attempt: 1,
            run_key: id.key(1),
        },
        RunEventKind::Launched {
            native_id: "4711".into(),
        },
        RunEventKind::Running,
        RunEventKind::Exited {
            exit: Exit::Code { code },
            ran_ms: Some(1500),
        },
    ]
}

/// Leads a run to its end: `Completed` for exit code 0, else `Failed`.
pub(super) async fn finish(store: &dyn Store, number: u64, code: i32) -> Run {
    let id = id(number);
    let mut events = until_exit(&id, code);
    events.push(match code {
        0 => RunEventKind::Completed,
        _ => RunEventKind::Failed {
            failure: Failure::new(FailureClass::User, format!("exit code {code}")),
        },
    });
    store.apply(&id, Guard::Any, events, at(100)).await.unwrap().run
}

/// The numbers of the runs that a filter lists, in the order of the list.
pub(super) async fn listed(store: &dyn Store, filter: RunFilter) -> Vec<u64> {
    let found = store.list_runs(&filter).await.unwrap();
    found.iter().map(|run| run.id.as_str().parse().unwrap()).collect()
}

/// The numbers of runs.
pub(super) fn numbers(runs: &[Run]) -> Vec<u64> {
    runs.iter().map(|run| run.id.as_str().parse().unwrap()).collect()
}

/// A filter of the workspace that the runs of [`new_run`] are in.
pub(super) fn here() -> RunFilter {
    RunFilter {
        workspace: Some("default".into()),
        ..RunFilter::default()
    }
}
