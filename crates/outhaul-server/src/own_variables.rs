//! What a run's process gets beside what is written down: the address of the tracking door with a token of its own that
//! ends with it, and the keys of the web service that it serves.

use outhaul_driver::NativeRequest;
use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{Run, Secret};

use crate::app::App;
use crate::services;

/// The variables of one attempt of a run, added to what its target is asked. The values go into the process's environment
/// and nowhere else: they are in no command line, no file and no stored spec.
pub(crate) async fn of(app: &App, run: &Run, request: &NativeRequest) -> Vec<(String, Secret)> {
    let mut variables = services::variables(app, run).await;
    // The door is on this machine's loopback, which no other machine and no container has.
    if run.target == LOCAL_TARGET && request.container.is_none() {
        variables.extend(tracking(app, run));
    }
    variables
}

fn tracking(app: &App, run: &Run) -> Vec<(String, Secret)> {
    let Some((uri, token)) = app.mlflow.of_run(&run.workspace, &run.id, run.attempt) else {
        return Vec::new();
    };
    let plain = |text: &str| Secret::new(text.to_owned());
    [
        ("MLFLOW_TRACKING_URI", plain(&uri)),
        ("MLFLOW_TRACKING_TOKEN", token),
        ("MLFLOW_RUN_ID", plain(run.id.as_str())),
        ("MLFLOW_EXPERIMENT_NAME", plain(&run.experiment)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
