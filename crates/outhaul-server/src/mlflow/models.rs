//! Logged models of MLflow 3.

use outhaul_mlflow::MlflowError;
use outhaul_mlflow::error::Code;
use outhaul_mlflow::model::{self, ATTRIBUTES, Model, is_status};
use outhaul_mlflow::request::Fields;
use outhaul_mlflow::{filter, order, page};
use outhaul_types::RunId;
use serde_json::{Value, json};

use super::experiments::paged;
use super::serve::Answer;
use super::store::{MODEL, change_model, experiment, models, now, put, required, run};
use crate::app::App;

pub(super) async fn create(app: &App, workspace: &str, fields: Fields) -> Answer {
    let experiment = experiment(
        app,
        workspace,
        required(fields.experiment_id.as_deref(), "experiment_id")?,
    )
    .await?;
    let source = match fields.source_run_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => Some(run(app, workspace, id).await?.id.to_string()),
        None => None,
    };
    let id = model::id(random()?);
    let at = now();
    let model = Model {
        experiment_id: experiment.id(),
        name: fields
            .name
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| format!("model-{}", &id[2..10])),
        model_type: fields.model_type.filter(|kind| !kind.is_empty()),
        source_run_id: source,
        status: "LOGGED_MODEL_PENDING".to_owned(),
        tags: fields.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        params: fields
            .params
            .into_iter()
            .map(|param| (param.key, param.value))
            .collect(),
        created: at,
        updated: at,
        model_id: id,
        ..Model::default()
    };
    put(app, workspace, MODEL, &model.model_id, &model).await?;
    Ok(answer(&model))
}

/// 128 bits: two run ids hold 160.
fn random() -> Answer<[u8; 16]> {
    let id = || RunId::generate().map_err(|error| MlflowError::new(Code::InternalError, error.to_string()));
    let hash = blake3::hash(format!("{}{}", id()?, id()?).as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    Ok(bytes)
}

fn answer(model: &Model) -> Value {
    json!({"model": model.message()})
}

pub(super) async fn get(app: &App, workspace: &str, id: &str) -> Answer {
    Ok(answer(&super::store::model(app, workspace, id).await?))
}

pub(super) async fn search(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let conditions = filter::parse(fields.filter.as_deref().unwrap_or_default(), &ATTRIBUTES)?;
    let orders = order::parse(&fields.order_texts(), &ATTRIBUTES)?;
    let of_datasets = |model: &Model| {
        fields.datasets.is_empty()
            || fields.datasets.iter().any(|wanted| {
                model.metrics.iter().any(|metric| {
                    metric.dataset_name.as_deref() == wanted["dataset_name"].as_str()
                        && wanted["dataset_digest"]
                            .as_str()
                            .is_none_or(|digest| metric.dataset_digest.as_deref() == Some(digest))
                })
            })
    };
    let mut all = models(app, workspace).await?;
    all.retain(|model| {
        fields.experiment_ids.contains(&model.experiment_id)
            && filter::matches(model, &conditions)
            && of_datasets(model)
    });
    all.sort_by(|one, other| {
        order::compare(&orders, one, other)
            .then(other.created.cmp(&one.created))
            .then_with(|| one.model_id.cmp(&other.model_id))
    });
    let (items, next) = page::page(all, fields.page_token.as_deref(), fields.limit(100, 50_000))?;
    Ok(paged("models", items.iter().map(Model::message).collect(), next))
}

pub(super) async fn finalize(app: &App, workspace: &str, id: &str, fields: &Fields) -> Answer {
    let status = required(fields.status.as_deref(), "status")?;
    if !is_status(status) {
        return Err(MlflowError::invalid(format!(
            "`{status}` is not the status of a logged model"
        )));
    }
    let model = change_model(app, workspace, id, |model| {
        status.clone_into(&mut model.status);
        Ok(())
    })
    .await?;
    Ok(answer(&model))
}

pub(super) async fn delete(app: &App, workspace: &str, id: &str) -> Answer {
    change_model(app, workspace, id, |model| {
        model.deleted = true;
        Ok(())
    })
    .await?;
    Ok(json!({}))
}

pub(super) async fn set_tags(app: &App, workspace: &str, id: &str, fields: Fields) -> Answer {
    let model = change_model(app, workspace, id, |model| {
        model
            .tags
            .extend(fields.tags.into_iter().map(|tag| (tag.key, tag.value)));
        Ok(())
    })
    .await?;
    Ok(answer(&model))
}

pub(super) async fn delete_tag(app: &App, workspace: &str, id: &str, key: &str) -> Answer {
    change_model(app, workspace, id, |model| match model.tags.remove(key) {
        Some(_) => Ok(()),
        None => Err(MlflowError::missing(format!(
            "logged model `{id}` has no tag `{key}`"
        ))),
    })
    .await?;
    Ok(json!({}))
}

pub(super) async fn log_params(app: &App, workspace: &str, id: &str, fields: Fields) -> Answer {
    change_model(app, workspace, id, |model| {
        for param in fields.params {
            let known = model
                .params
                .entry(param.key.clone())
                .or_insert_with(|| param.value.clone());
            if *known != param.value {
                return Err(MlflowError::invalid(format!(
                    "param `{}` of logged model `{id}` cannot change",
                    param.key
                )));
            }
        }
        Ok(())
    })
    .await?;
    Ok(json!({}))
}
