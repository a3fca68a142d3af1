//! One method for each route of the API. In every method a run is named by its id or a unique beginning of it.

mod models;
mod services;
mod targets;

use std::fmt::Display;

use http::Method;
use outhaul_types::api::{
    BuildEnvironment, BuiltEnvironment, CancelAnswer, CreateWorkspace, EventQuery, Experiment, InWorkspace,
    LogQuery, Output, RegisterEnvironment, Rerun, RunArray, RunFilter, RunPlan, RunSummary, ServerStatus,
    SnapshotInfo, SubmitRun, Target, TargetChecks,
};
use outhaul_types::environment::RegisteredEnvironment;
use outhaul_types::log::LogFrame;
use outhaul_types::{ApiError, Lock, MetricValue, Run, RunEvent, Workspace};
use serde_json::Value;

use crate::client::{ByteStream, Call, Client};
use crate::error::ClientError;
use crate::event_stream::EventStream;
use crate::follow::LogPiece;
use crate::query::{segment, segments, with_query};

type Answer<T> = Result<T, ClientError>;

fn of_run(run: &(impl Display + ?Sized), rest: &str) -> String {
    format!("/runs/{}{rest}", segment(&run.to_string()))
}

pub(crate) fn in_workspace(path: &str, workspace: Option<&str>, version: Option<u32>) -> String {
    with_query(
        path,
        &InWorkspace {
            workspace: workspace.map(str::to_owned),
            version,
        },
    )
}

/// The server and its workspaces.
impl Client {
    /// The server as it stands.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn server(&self) -> Answer<ServerStatus> {
        self.typed(Call::get("/server")).await
    }

    /// Asks the server to end; runs go on. Returns when the server has agreed, not when it has ended.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn stop_server(&self) -> Answer<()> {
        self.nothing(Call::post("/server/stop")).await
    }

    /// The OpenAPI document.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn openapi(&self) -> Answer<Value> {
        self.typed(Call::get("/openapi.json")).await
    }

    /// All workspaces.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn workspaces(&self) -> Answer<Vec<Workspace>> {
        self.typed(Call::get("/workspaces")).await
    }

    /// One workspace.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn workspace(&self, name: &str) -> Answer<Workspace> {
        self.typed(Call::get(&format!("/workspaces/{}", segment(name))))
            .await
    }

    /// Makes a workspace, or changes the settings of one.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn put_workspace(&self, name: &str, workspace: &CreateWorkspace) -> Answer<Workspace> {
        self.typed(Call::new(Method::PUT, &format!("/workspaces/{}", segment(name))).json(workspace)?)
            .await
    }

    /// Makes a workspace the one that commands use where they name none.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn use_workspace(&self, name: &str) -> Answer<Workspace> {
        self.typed(Call::post(&format!("/workspaces/{}/use", segment(name))).repeatable())
            .await
    }

    /// The experiments of a workspace.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn experiments(&self, workspace: Option<&str>) -> Answer<Vec<Experiment>> {
        self.typed(Call::get(&in_workspace("/experiments", workspace, None)))
            .await
    }
}

/// Runs.
impl Client {
    /// Records a run, which the server then starts. The same id twice makes one run.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn submit(&self, run: &SubmitRun) -> Answer<Run> {
        self.typed(Call::post("/runs").json(run)?.repeatable()).await
    }

    /// Says what a submission would do, and does nothing.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn plan(&self, run: &SubmitRun) -> Answer<RunPlan> {
        self.typed(Call::post("/runs/plan").json(run)?.repeatable()).await
    }

    /// Records a run for each index of an array. The same id twice makes one array.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn submit_array(&self, run: &SubmitRun) -> Answer<RunArray> {
        self.typed(Call::post("/arrays").json(run)?.repeatable()).await
    }

    /// The array that a run belongs to.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn array(&self, run: &str) -> Answer<RunArray> {
        self.typed(Call::get(&format!("/arrays/{}", segment(run)))).await
    }

    /// Asks for the end of all runs of an array.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn cancel_array(&self, run: &str) -> Answer<Vec<CancelAnswer>> {
        self.typed(Call::post(&format!("/arrays/{}/cancel", segment(run))).repeatable())
            .await
    }

    /// Runs, newest first.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn runs(&self, filter: &RunFilter) -> Answer<Vec<RunSummary>> {
        self.typed(Call::get(&with_query("/runs", filter))).await
    }

    /// One run.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn run(&self, run: &str) -> Answer<Run> {
        self.typed(Call::get(&of_run(run, ""))).await
    }

    /// The metrics of a run in the order in which they were logged.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn metrics(&self, run: &str) -> Answer<Vec<MetricValue>> {
        self.typed(Call::get(&of_run(run, "/metrics"))).await
    }

    /// The files that a run left.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn outputs(&self, run: &str) -> Answer<Vec<Output>> {
        self.typed(Call::get(&of_run(run, "/outputs"))).await
    }

    /// The content of one file that a run left.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn output(&self, run: &str, path: &str) -> Answer<ByteStream> {
        self.stream(Call::get(&of_run(run, &format!("/outputs/{}", segments(path)))))
            .await
    }

    /// Asks for a run's end.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn cancel(&self, run: &str) -> Answer<CancelAnswer> {
        self.typed(Call::post(&of_run(run, "/cancel")).repeatable()).await
    }

    /// Repeats a run with the same code, environment lock and settings. The same new id twice makes one run.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn rerun(&self, run: &str, rerun: &Rerun) -> Answer<Run> {
        self.typed(Call::post(&of_run(run, "/rerun")).json(rerun)?.repeatable())
            .await
    }

    /// The bytes of one log stream, or of all in order of arrival when the query names none.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn log_bytes(&self, run: &str, query: &LogQuery) -> Answer<ByteStream> {
        self.stream(Call::get(&with_query(&of_run(run, "/logs"), query)))
            .await
    }

    /// A log as events over one connection; [`crate::Follow`] survives a lost one.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn log_events(&self, run: &str, query: &LogQuery) -> Answer<EventStream> {
        self.event_stream(Call::get(&with_query(&of_run(run, "/logs"), query)))
            .await
    }

    /// The event log of a run, after the position `after`.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn events(&self, run: &str, after: Option<u64>) -> Answer<Vec<RunEvent>> {
        let query = EventQuery { after, follow: None };
        self.typed(Call::get(&with_query(&of_run(run, "/events"), &query)))
            .await
    }

    /// The event log of a run until it has ended, over one connection; [`crate::Follow`] survives a lost one.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn event_events(&self, run: &str, after: Option<u64>) -> Answer<EventStream> {
        let query = EventQuery {
            after,
            follow: Some(true),
        };
        self.event_stream(Call::get(&with_query(&of_run(run, "/events"), &query)))
            .await
    }

    /// The code of a run.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn snapshot(&self, run: &str) -> Answer<SnapshotInfo> {
        self.typed(Call::get(&of_run(run, "/snapshot"))).await
    }

    /// The content with a hash.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn blob(&self, hash: &str) -> Answer<ByteStream> {
        self.stream(Call::get(&format!("/blobs/{}", segment(hash)))).await
    }

    /// The environment lock of a run.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn lock(&self, run: &str) -> Answer<Lock> {
        self.typed(Call::get(&of_run(run, "/lock"))).await
    }
}

/// Targets and environments.
impl Client {
    /// All compute targets.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn targets(&self, workspace: Option<&str>) -> Answer<Vec<Target>> {
        self.typed(Call::get(&in_workspace("/targets", workspace, None)))
            .await
    }

    /// One compute target.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn target(&self, name: &str, workspace: Option<&str>) -> Answer<Target> {
        self.typed(Call::get(&in_workspace(
            &format!("/targets/{}", segment(name)),
            workspace,
            None,
        )))
        .await
    }

    /// Checks a compute target now.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn check_target(&self, name: &str, workspace: Option<&str>) -> Answer<TargetChecks> {
        let path = format!("/targets/{}/check", segment(name));
        self.typed(Call::post(&in_workspace(&path, workspace, None)).repeatable())
            .await
    }

    /// The registered environments.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn environments(&self, workspace: Option<&str>) -> Answer<Vec<RegisteredEnvironment>> {
        self.typed(Call::get(&in_workspace("/environments", workspace, None)))
            .await
    }

    /// One registered environment; its newest version when none is given.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn environment(
        &self,
        name: &str,
        version: Option<u32>,
        workspace: Option<&str>,
    ) -> Answer<RegisteredEnvironment> {
        let path = format!("/environments/{}", segment(name));
        self.typed(Call::get(&in_workspace(&path, workspace, version)))
            .await
    }

    /// Registers an environment under a name.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn register_environment(
        &self,
        environment: &RegisterEnvironment,
    ) -> Answer<RegisteredEnvironment> {
        self.typed(Call::post("/environments").json(environment)?).await
    }

    /// Builds an environment on a target.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn build_environment(&self, environment: &BuildEnvironment) -> Answer<BuildProgress> {
        let call = Call::post("/environments/build").json(environment)?.repeatable();
        Ok(BuildProgress {
            events: self.event_stream(call).await?,
        })
    }
}

/// What building an environment tells.
#[derive(Debug)]
pub enum BuildItem {
    /// It printed something.
    Log(LogPiece),
    /// It is built. The last item.
    Built(Box<BuiltEnvironment>),
    /// It could not be built. The last item.
    Failed(ApiError),
}

/// The progress of building an environment.
#[derive(Debug)]
pub struct BuildProgress {
    events: EventStream,
}

impl BuildProgress {
    /// The next thing that building tells; `None` after the end.
    ///
    /// # Errors
    /// When the connection is lost before the end. The build may have been stopped; asking again starts or joins it.
    pub async fn next(&mut self) -> Answer<Option<BuildItem>> {
        let wrong =
            |error: serde_json::Error| ClientError::Protocol(format!("building an environment: {error}"));
        while let Some(event) = self.events.next().await? {
            return Ok(Some(match event.event.as_str() {
                "log" => {
                    let frame: LogFrame = serde_json::from_str(&event.data).map_err(wrong)?;
                    BuildItem::Log(LogPiece::of(&frame)?)
                }
                "built" => BuildItem::Built(serde_json::from_str(&event.data).map_err(wrong)?),
                "error" => BuildItem::Failed(serde_json::from_str(&event.data).map_err(wrong)?),
                "end" => return Ok(None),
                _ => continue,
            }));
        }
        let ended = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        Err(ClientError::io(
            "the connection to the server was lost while it built the environment",
            ended,
        ))
    }
}
