//! What a run on this machine gets of the door: the address, and a token of its own that ends with it.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use outhaul_driver_local::RunVariables;
use outhaul_types::{RunKey, Secret};

use crate::app::App;

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
        let Some((uri, token)) = app.mlflow.of_run(&run.workspace, &id, attempt) else {
            return Vec::new();
        };
        let plain = |text: &str| Secret::new(text.to_owned());
        [
            ("MLFLOW_TRACKING_URI", plain(&uri)),
            ("MLFLOW_TRACKING_TOKEN", token),
            ("MLFLOW_RUN_ID", plain(id.as_str())),
            ("MLFLOW_EXPERIMENT_NAME", plain(&run.experiment)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}
