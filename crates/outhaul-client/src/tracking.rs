//! Routes of what clients say about runs, and of the door for MLflow.

use outhaul_types::Run;
use outhaul_types::tracking::{AskToken, ChangeTags, EndRun, TrackRun, TrackingDoor, TrackingToken};

use crate::client::{Call, Client};
use crate::error::ClientError;
use crate::query::segment;
use crate::routes::in_workspace;

type Answer<T> = Result<T, ClientError>;

impl Client {
    /// Records a run that this client plays. The same id twice makes one run.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn track(&self, run: &TrackRun) -> Answer<Run> {
        self.typed(Call::post("/runs/tracked").json(run)?.repeatable())
            .await
    }

    /// Ends a tracked run.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn end_run(&self, run: &str, end: &EndRun) -> Answer<Run> {
        let path = format!("/runs/{}/end", segment(run));
        self.typed(Call::post(&path).json(end)?.repeatable()).await
    }

    /// Changes a run's tags.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn change_tags(&self, run: &str, change: &ChangeTags) -> Answer<Run> {
        let path = format!("/runs/{}/tags", segment(run));
        self.typed(Call::post(&path).json(change)?.repeatable()).await
    }

    /// How the door for MLflow stands.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn tracking_door(&self, workspace: Option<&str>) -> Answer<TrackingDoor> {
        self.typed(Call::get(&in_workspace("/mlflow", workspace, None)))
            .await
    }

    /// Opens the door for MLflow.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn open_tracking_door(&self, workspace: Option<&str>) -> Answer<TrackingDoor> {
        let path = in_workspace("/mlflow/open", workspace, None);
        self.typed(Call::post(&path).repeatable()).await
    }

    /// Closes the door for MLflow.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn close_tracking_door(&self, workspace: Option<&str>) -> Answer<TrackingDoor> {
        let path = in_workspace("/mlflow/close", workspace, None);
        self.typed(Call::post(&path).repeatable()).await
    }

    /// The token of a workspace at that door.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn tracking_token(&self, workspace: Option<&str>, renew: bool) -> Answer<TrackingToken> {
        let ask = AskToken {
            workspace: workspace.map(str::to_owned),
            renew,
        };
        self.typed(Call::post("/mlflow/token").json(&ask)?.repeatable())
            .await
    }
}
