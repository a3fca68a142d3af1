//! What a client logs of a run: metrics, params, tags, and what went in and came out.

use std::collections::BTreeMap;

use outhaul_mlflow::MlflowError;
use outhaul_mlflow::error::Code;
use outhaul_mlflow::metric::number;
use outhaul_mlflow::request::{Fields, MetricMessage, Pair, check_key, check_name};
use outhaul_mlflow::run::{DELETED_TAG, is_deleted};
use outhaul_types::tracking::ChangeTags;
use outhaul_types::{ApiError, ErrorCode, MetricKind, MetricValue, Run, RunState};
use serde_json::{Value, json};

use super::serve::Answer;
use super::store::{INPUTS, OUTPUTS, change_model, failed, put, required, run_of};
use crate::app::App;
use crate::tracked;

/// The tag in which old clients keep the models that a run logged.
const HISTORY_TAG: &str = "mlflow.log-model.history";

/// The run that a request writes to. The protocol lets clients write to runs that have ended, too; but whoever still
/// plays a run that was canceled shall hear of it.
pub(super) async fn writable(app: &App, workspace: &str, fields: &Fields) -> Answer<Run> {
    let run = run_of(app, workspace, fields).await?;
    check_writable(&run)?;
    Ok(run)
}

/// Refuses a run that was deleted or canceled.
pub(super) fn check_writable(run: &Run) -> Answer<()> {
    check_there(run)?;
    if run.is_tracked() && run.state == RunState::Canceled {
        return Err(MlflowError::new(
            Code::InvalidState,
            format!("run `{}` was canceled", run.id),
        ));
    }
    Ok(())
}

/// Refuses a run that was deleted, with the code that clients know for this.
pub(super) fn check_there(run: &Run) -> Answer<()> {
    if is_deleted(run) {
        return Err(MlflowError::invalid(format!(
            "run `{}` was deleted; restore it first",
            run.id
        )));
    }
    Ok(())
}

pub(super) async fn metric(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let run = writable(app, workspace, fields).await?;
    let metric = fields
        .metric()
        .filter(|metric| !metric.key.is_empty())
        .ok_or_else(|| MlflowError::invalid("a metric needs a `key` and a `value` that is a number"))?;
    add_metrics(app, workspace, &run, vec![metric]).await?;
    Ok(json!({}))
}

async fn add_metrics(app: &App, workspace: &str, run: &Run, metrics: Vec<MetricMessage>) -> Answer<()> {
    for metric in &metrics {
        check_key("metric", &metric.key)?;
    }
    let values = metrics.iter().map(value).collect();
    tracked::add_metrics(app, &run.id, values).await?;
    let mut of_models: BTreeMap<String, Vec<MetricMessage>> = BTreeMap::new();
    for mut metric in metrics {
        if let Some(model) = metric.model_id.clone().filter(|model| !model.is_empty()) {
            metric.run_id = Some(run.id.to_string());
            of_models.entry(model).or_default().push(metric);
        }
    }
    for (id, metrics) in of_models {
        change_model(app, workspace, &id, |model| {
            for metric in metrics {
                if !model.metrics.contains(&metric) {
                    model.metrics.push(metric);
                }
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}

fn value(metric: &MetricMessage) -> MetricValue {
    MetricValue {
        name: metric.key.clone(),
        kind: MetricKind::Scalar,
        value: number(metric.value),
        step: Some(metric.step),
        time: metric.timestamp as f64 / 1000.0,
    }
}

pub(super) async fn batch(app: &App, workspace: &str, fields: Fields) -> Answer {
    let run = writable(app, workspace, &fields).await?;
    // Before the params are there: a batch that is refused changes nothing.
    tracked::check_tags(fields.tags.iter().map(|tag| &tag.key))?;
    for tag in &fields.tags {
        check_name("tag", &tag.key)?;
    }
    for metric in &fields.metrics {
        check_key("metric", &metric.key)?;
    }
    let run = add_params(app, &run, &fields.params).await?;
    if !fields.metrics.is_empty() {
        add_metrics(app, workspace, &run, fields.metrics).await?;
    }
    set_tags(app, &run, fields.tags).await?;
    Ok(json!({}))
}

pub(super) async fn param(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let run = writable(app, workspace, fields).await?;
    let param = Pair {
        key: required(fields.key.as_deref(), "key")?.to_owned(),
        value: fields.text_value(),
    };
    add_params(app, &run, &[param]).await?;
    Ok(json!({}))
}

/// A param is a property: it is set once.
async fn add_params(app: &App, run: &Run, params: &[Pair]) -> Answer<Run> {
    let mut properties = BTreeMap::new();
    for param in params {
        check_key("param", &param.key)?;
        if properties
            .insert(param.key.clone(), param.value.clone())
            .is_some()
        {
            return Err(MlflowError::invalid(format!(
                "param `{}` is there twice",
                param.key
            )));
        }
    }
    let changed = |error: ApiError| match error.code {
        // The code that clients know for this.
        ErrorCode::Conflict => {
            MlflowError::invalid(format!("changing param values is not allowed: {}", error.message))
        }
        _ => error.into(),
    };
    tracked::add_properties(app, run, properties)
        .await
        .map_err(changed)
}

async fn set_tags(app: &App, run: &Run, tags: Vec<Pair>) -> Answer<()> {
    let set: BTreeMap<String, String> = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    if set.contains_key(DELETED_TAG) {
        return Err(MlflowError::invalid(format!(
            "tag `{DELETED_TAG}` is set by deleting the run"
        )));
    }
    tracked::change_tags(
        app,
        run,
        ChangeTags {
            set,
            ..ChangeTags::default()
        },
    )
    .await?;
    Ok(())
}

pub(super) async fn set_tag(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let run = run_of(app, workspace, fields).await?;
    check_there(&run)?;
    let tag = Pair {
        key: required(fields.key.as_deref(), "key")?.to_owned(),
        value: fields.text_value(),
    };
    check_name("tag", &tag.key)?;
    set_tags(app, &run, vec![tag]).await?;
    Ok(json!({}))
}

pub(super) async fn delete_tag(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let run = run_of(app, workspace, fields).await?;
    check_there(&run)?;
    let key = required(fields.key.as_deref(), "key")?;
    if !run.tags.contains_key(key) || key == DELETED_TAG {
        return Err(MlflowError::missing(format!(
            "run `{}` has no tag `{key}`",
            run.id
        )));
    }
    let remove = [key.to_owned()].into();
    tracked::change_tags(
        app,
        &run,
        ChangeTags {
            remove,
            ..ChangeTags::default()
        },
    )
    .await?;
    Ok(json!({}))
}

pub(super) async fn inputs(app: &App, workspace: &str, fields: Fields) -> Answer {
    let run = writable(app, workspace, &fields).await?;
    let same_dataset = |one: &Value, other: &Value| {
        one["dataset"]["name"] == other["dataset"]["name"]
            && one["dataset"]["digest"] == other["dataset"]["digest"]
    };
    let lists = [
        ("dataset_inputs", fields.datasets, same_dataset as Same),
        ("model_inputs", fields.models, same_model),
    ];
    add(app, workspace, &run, INPUTS, lists).await
}

pub(super) async fn outputs(app: &App, workspace: &str, fields: Fields) -> Answer {
    let run = writable(app, workspace, &fields).await?;
    let lists = [("model_outputs", fields.models, same_model as Same)];
    add(app, workspace, &run, OUTPUTS, lists).await
}

fn same_model(one: &Value, other: &Value) -> bool {
    one["model_id"] == other["model_id"] && one["step"] == other["step"]
}

/// Whether two items of a list are one.
type Same = fn(&Value, &Value) -> bool;

/// Adds to the lists of a document what is not in them yet.
async fn add<const N: usize>(
    app: &App,
    workspace: &str,
    run: &Run,
    kind: &str,
    lists: [(&str, Vec<Value>, Same); N],
) -> Answer {
    let _turn = app.mlflow.turn.lock().await;
    let id = run.id.as_str();
    let mut document = app
        .store
        .document(workspace, kind, id)
        .await
        .map_err(failed)?
        .unwrap_or_else(|| json!({}));
    for (name, items, same) in lists {
        let mut known = document[name].as_array().cloned().unwrap_or_default();
        for item in items {
            if !known.iter().any(|one| same(one, &item)) {
                known.push(item);
            }
        }
        document[name] = Value::Array(known);
    }
    put(app, workspace, kind, id, &document).await?;
    Ok(json!({}))
}

/// The models of clients before 3.0: descriptions in a tag.
pub(super) async fn model(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let text = required(fields.model_json.as_deref(), "model_json")?;
    let model: Value = serde_json::from_str(text)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| MlflowError::invalid("`model_json` is not the JSON of a model"))?;
    let _turn = app.mlflow.turn.lock().await;
    let run = writable(app, workspace, fields).await?;
    let history = run
        .tags
        .get(HISTORY_TAG)
        .and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok());
    let mut history = history.unwrap_or_default();
    history.push(model);
    let tag = Pair {
        key: HISTORY_TAG.to_owned(),
        value: Value::Array(history).to_string(),
    };
    set_tags(app, &run, vec![tag]).await?;
    Ok(json!({}))
}
