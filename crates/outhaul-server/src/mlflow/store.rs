//! What the protocol keeps in the store beside experiments and runs, and how it looks things up there.

use std::collections::BTreeMap;

use outhaul_mlflow::MlflowError;
use outhaul_mlflow::error::Code;
use outhaul_mlflow::experiment::{DEFAULT, ExperimentView, Facts};
use outhaul_mlflow::metric::by_name;
use outhaul_mlflow::model::Model;
use outhaul_mlflow::request::Fields;
use outhaul_mlflow::run::{Lineage, RunView};
use outhaul_store::StoreError;
use outhaul_types::Run;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::serve::Answer;
use crate::app::App;
use crate::errors::translate;

/// Kinds of documents.
pub(super) const EXPERIMENT: &str = "mlflow.experiment";
pub(super) const MODEL: &str = "mlflow.model";
pub(super) const INPUTS: &str = "mlflow.inputs";
pub(super) const OUTPUTS: &str = "mlflow.outputs";

/// A store's error in the protocol's words.
pub(super) fn failed(error: StoreError) -> MlflowError {
    translate(error).into()
}

pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A field that must be there.
pub(super) fn required<'a>(value: Option<&'a str>, name: &str) -> Answer<&'a str> {
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| MlflowError::invalid(format!("missing value for required parameter `{name}`")))
}

fn read<T: DeserializeOwned>(kind: &str, id: &str, document: Value) -> Answer<T> {
    serde_json::from_value(document)
        .map_err(|error| MlflowError::new(Code::InternalError, format!("{kind} `{id}` is damaged: {error}")))
}

/// Keeps a document.
pub(super) async fn put(
    app: &App,
    workspace: &str,
    kind: &str,
    id: &str,
    document: &impl Serialize,
) -> Answer<()> {
    let value = serde_json::to_value(document)
        .map_err(|error| MlflowError::new(Code::InternalError, format!("{kind} `{id}`: {error}")))?;
    app.store
        .put_document(workspace, kind, id, value)
        .await
        .map_err(failed)
}

/// All experiments; the default one is always among them.
pub(super) async fn experiments(app: &App, workspace: &str) -> Answer<Vec<ExperimentView>> {
    let mut documents: BTreeMap<String, Value> = app
        .store
        .documents(workspace, EXPERIMENT)
        .await
        .map_err(failed)?
        .into_iter()
        .collect();
    let mut views = Vec::new();
    for known in app.store.experiments(workspace).await.map_err(failed)? {
        let mut facts: Facts = match documents.remove(&known.name) {
            Some(document) => read("experiment", &known.name, document)?,
            None => Facts::default(),
        };
        if let Some(last) = known.last_run_at {
            facts.updated = facts.updated.max(last.as_millisecond());
        }
        views.push(ExperimentView {
            workspace: workspace.to_owned(),
            name: known.name,
            facts,
        });
    }
    if !views.iter().any(|view| view.name == DEFAULT) {
        views.push(ExperimentView {
            workspace: workspace.to_owned(),
            name: DEFAULT.to_owned(),
            facts: Facts::default(),
        });
    }
    Ok(views)
}

/// The experiment with this id.
pub(super) async fn experiment(app: &App, workspace: &str, id: &str) -> Answer<ExperimentView> {
    let all = experiments(app, workspace).await?;
    all.into_iter().find(|view| view.id() == id).ok_or_else(|| {
        MlflowError::missing(format!(
            "there is no experiment with id `{id}` in workspace `{workspace}`"
        ))
    })
}

/// The run that a request names; one of another workspace is not there.
pub(super) async fn run(app: &App, workspace: &str, id: &str) -> Answer<Run> {
    let missing = || {
        MlflowError::missing(format!(
            "there is no run with id `{id}` in workspace `{workspace}`"
        ))
    };
    let parsed = id.parse().map_err(|_| missing())?;
    match app.store.run(&parsed).await {
        Ok(run) if run.workspace == workspace => Ok(run),
        Ok(_) | Err(StoreError::NotFound { .. }) => Err(missing()),
        Err(error) => Err(failed(error)),
    }
}

/// The run of a request's `run_id`.
pub(super) async fn run_of(app: &App, workspace: &str, fields: &Fields) -> Answer<Run> {
    run(app, workspace, required(fields.run(), "run_id")?).await
}

/// A run with all that the protocol shows of it.
pub(super) async fn view(app: &App, run: Run) -> Answer<RunView> {
    let metrics = by_name(&app.store.newest_metrics(&run.id).await.map_err(failed)?);
    let document = |kind| app.store.document(&run.workspace, kind, run.id.as_str());
    let lineage = Lineage {
        inputs: document(INPUTS).await.map_err(failed)?.unwrap_or_default(),
        outputs: document(OUTPUTS).await.map_err(failed)?.unwrap_or_default(),
    };
    Ok(RunView {
        run,
        metrics,
        lineage,
    })
}

/// A logged model that was not deleted.
pub(super) async fn model(app: &App, workspace: &str, id: &str) -> Answer<Model> {
    let missing = || {
        MlflowError::missing(format!(
            "there is no logged model `{id}` in workspace `{workspace}`"
        ))
    };
    let document = app
        .store
        .document(workspace, MODEL, id)
        .await
        .map_err(failed)?
        .ok_or_else(missing)?;
    let model: Model = read("logged model", id, document)?;
    if model.deleted { Err(missing()) } else { Ok(model) }
}

/// All logged models that were not deleted.
pub(super) async fn models(app: &App, workspace: &str) -> Answer<Vec<Model>> {
    let documents = app.store.documents(workspace, MODEL).await.map_err(failed)?;
    let mut models = Vec::with_capacity(documents.len());
    for (id, document) in documents {
        let model: Model = read("logged model", &id, document)?;
        if !model.deleted {
            models.push(model);
        }
    }
    Ok(models)
}

/// Changes a logged model.
pub(super) async fn change_model(
    app: &App,
    workspace: &str,
    id: &str,
    change: impl FnOnce(&mut Model) -> Answer<()>,
) -> Answer<Model> {
    let _turn = app.mlflow.turn.lock().await;
    let mut model = model(app, workspace, id).await?;
    change(&mut model)?;
    model.updated = now();
    put(app, workspace, MODEL, id, &model).await?;
    Ok(model)
}
