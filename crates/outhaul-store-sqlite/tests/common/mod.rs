//! Runs that the tests of this crate write.

use std::collections::BTreeMap;

use outhaul_types::{Command, EnvironmentSpec, NewRun, RunId, RunSpec, SnapshotRef};

pub fn id(number: u64) -> RunId {
    format!("{number:016}").parse().unwrap()
}

pub fn new_run(number: u64) -> NewRun {
    NewRun {
        id: id(number),
        name: format!("train-{number}"),
        workspace: "default".into(),
        experiment: "diabetes".into(),
        target: "local".into(),
        tags: BTreeMap::new(),
        parent: None,
        spec: Some(RunSpec {
            command: Command::Script {
                script: "train.py".into(),
                arguments: vec!["--alpha".into(), "0.5".into()],
            },
            snapshot: SnapshotRef {
                tree: "0123456789abcdef".repeat(4),
                files: 20,
                bytes: 34_567,
                source: "/home/someone/project".into(),
                git: None,
            },
            environment: EnvironmentSpec {
                pip: (0..20)
                    .map(|number| format!("package-{number}==1.{number}.0"))
                    .collect(),
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
        }),
    }
}
