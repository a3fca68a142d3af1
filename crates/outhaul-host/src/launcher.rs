//! The launcher "process": what a run's process is started with, the same on every host. Pure.

use std::collections::BTreeMap;
use std::path::Path;

use outhaul_driver::{NativeRequest, PreparedEnvironment, Problem};

use outhaul_types::{Command, Run, RunSpec};

use crate::run_dir::{Launch, script};

/// The request for one attempt of a run. `sdk` is the folder with the Python package on the host.
#[must_use]
pub fn plan(run: &Run, attempt: u32, environment: &PreparedEnvironment, sdk: &Path) -> NativeRequest {
    request(run, attempt, launch(run, attempt, environment, sdk))
}

/// The request for a process that is started with this.
#[must_use]
pub fn request(run: &Run, attempt: u32, launch: Launch) -> NativeRequest {
    let tree = run.spec.as_ref().map(|spec| spec.snapshot.tree.clone());
    NativeRequest {
        script: script(&launch),
        run_key: run.id.key(attempt),
        tree: tree.unwrap_or_default(),
        command: launch.argv,
        container: None,
        batch: None,
        array: run.spec.as_ref().and_then(|spec| spec.array.clone()),
        secrets: Vec::new(),
    }
}

/// What the process of one attempt of a run is started with.
#[must_use]
pub fn launch(run: &Run, attempt: u32, environment: &PreparedEnvironment, sdk: &Path) -> Launch {
    let mut launch = Launch {
        python_path: vec![sdk.display().to_string()],
        ..Launch::default()
    };
    let mut tree = String::new();
    // The script's output shall be seen as it comes; whoever wants it otherwise can say so.
    launch.variables.insert("PYTHONUNBUFFERED".into(), "1".into());
    if let Some(bin) = &environment.bin {
        launch.path.push(bin.clone());
        if let Some(folder) = Path::new(bin).parent() {
            launch
                .variables
                .insert("VIRTUAL_ENV".into(), folder.display().to_string());
        }
    }
    if let Some(spec) = &run.spec {
        launch.variables.extend(spec.environment.variables.clone());
        launch.variables.extend(spec.variables.clone());
        tree.clone_from(&spec.snapshot.tree);
        launch.argv = match &spec.command {
            Command::Script { script, arguments } => [environment.python.clone(), script.clone()]
                .into_iter()
                .chain(arguments.iter().cloned())
                .collect(),
            Command::Program { argv } => argv.clone(),
        };
    }
    launch
        .variables
        .extend(own_variables(run, attempt, &tree, environment));
    launch
}

/// What a host by itself cannot give.
#[must_use]
pub fn without_cluster(spec: &RunSpec) -> Vec<Problem> {
    without_scheduler(spec)
        .into_iter()
        .chain(without_spark(spec))
        .collect()
}

/// What a target that starts no Spark cannot give.
#[must_use]
pub fn without_spark(spec: &RunSpec) -> Option<Problem> {
    spec.spark.as_ref().map(|_| Problem {
        message: "the target starts no Spark".to_owned(),
        hint: Some(
            "use a target of the kind hdinsight; or leave `--framework pyspark` out: a script that makes its own session runs where its environment holds the package `pyspark`"
                .to_owned(),
        ),
    })
}

fn without_scheduler(spec: &RunSpec) -> Option<Problem> {
    let asked = spec.resources.asked();
    if asked.is_empty() {
        return None;
    }
    Some(Problem {
        message: format!(
            "the target is one machine and cannot give what `{}` asks for",
            asked.join("`, `")
        ),
        hint: Some(
            "leave it out, or use a target that is a cluster; `--max-duration` limits the time anywhere"
                .to_owned(),
        ),
    })
}

/// The variables by which a script knows its run.
fn own_variables(
    run: &Run,
    attempt: u32,
    tree: &str,
    environment: &PreparedEnvironment,
) -> BTreeMap<String, String> {
    let own = [
        ("RUN_ID", run.id.to_string()),
        ("RUN_KEY", run.id.key(attempt).to_string()),
        ("RUN_NAME", run.name.clone()),
        ("EXPERIMENT", run.experiment.clone()),
        ("WORKSPACE", run.workspace.clone()),
        ("TARGET", run.target.clone()),
        ("ATTEMPT", attempt.to_string()),
        ("SNAPSHOT_ID", tree.to_owned()),
        ("ENVIRONMENT_ID", environment.id.clone()),
        // A map of texts always has a JSON form.
        ("TAGS", serde_json::to_string(&run.tags).unwrap_or_default()),
    ];
    let array = run.spec.as_ref().and_then(|spec| spec.array.as_ref());
    let place = array.into_iter().flat_map(|array| {
        [
            ("ARRAY_ID", array.id.to_string()),
            ("ARRAY_INDEX", array.index.to_string()),
            ("ARRAY_COUNT", array.count.to_string()),
        ]
    });
    own.into_iter()
        .chain(place)
        .map(|(name, value)| (format!("OUTHAUL_{name}"), value))
        .collect()
}
