//! The launcher "process": what a run's process is started with, the same on every host. Pure.

use std::collections::BTreeMap;
use std::path::Path;

use outhaul_driver::{NativeRequest, PreparedEnvironment};

use outhaul_types::{Command, Run};

use crate::run_dir::{Launch, script};

/// The request for one attempt of a run. `sdk` is the folder with the Python package on the host.
#[must_use]
pub fn plan(run: &Run, attempt: u32, environment: &PreparedEnvironment, sdk: &Path) -> NativeRequest {
    let run_key = run.id.key(attempt);
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
    NativeRequest {
        script: script(&launch),
        run_key,
        tree,
        command: launch.argv,
        container: None,
    }
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
    own.into_iter()
        .map(|(name, value)| (format!("OUTHAUL_{name}"), value))
        .collect()
}
