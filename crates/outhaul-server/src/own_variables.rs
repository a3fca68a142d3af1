//! What a run on this machine gets beside what is written down: the address of the tracking door with a token of its own
//! that ends with it, and the keys of the web service that it serves.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use outhaul_driver_local::RunVariables;
use outhaul_types::{Run, RunKey, Secret};

use crate::app::App;
use crate::services;

/// Asked by the driver of this machine when it starts a process. The values go into the process's environment and
/// nowhere else: they are in no command line, no file and no stored spec.
#[derive(Default)]
pub(crate) struct OwnVariables(OnceLock<Weak<App>>);

impl OwnVariables {
    /// Told once, when there is an application: the driver is made before it.
    pub(crate) fn know(&self, app: &Arc<App>) {
        let _ = self.0.set(Arc::downgrade(app));
    }
}

#[async_trait]
impl RunVariables for OwnVariables {
    async fn of(&self, run_key: &RunKey) -> Vec<(String, Secret)> {
        let Some(app) = self.0.get().and_then(Weak::upgrade) else {
            return Vec::new();
        };
        let Some((id, attempt)) = RunKey::parse(run_key.as_str()) else {
            return Vec::new();
        };
        let Ok(run) = app.store.run(&id).await else {
            return Vec::new();
        };
        let mut variables = services::variables(&app, &run).await;
        variables.extend(tracking(&app, &run, attempt));
        variables
    }
}

fn tracking(app: &App, run: &Run, attempt: u32) -> Vec<(String, Secret)> {
    let Some((uri, token)) = app.mlflow.of_run(&run.workspace, &run.id, attempt) else {
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
