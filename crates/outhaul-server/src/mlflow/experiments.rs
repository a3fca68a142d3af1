//! Experiments by the protocol.

use outhaul_mlflow::MlflowError;
use outhaul_mlflow::error::Code;
use outhaul_mlflow::experiment::{ATTRIBUTES, DEFAULT, ExperimentView, Facts, ORDERS};
use outhaul_mlflow::request::Fields;
use outhaul_mlflow::run::{View, plain_name};
use outhaul_mlflow::{filter, order, page};
use outhaul_types::id::check_name;
use serde_json::{Value, json};

use super::serve::Answer;
use super::store::{EXPERIMENT, experiment, experiments, failed, now, put, required};
use crate::app::App;

pub(super) async fn create(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let title = required(fields.name.as_deref(), "name")?;
    let _turn = app.mlflow.turn.lock().await;
    let all = experiments(app, workspace).await?;
    if let Some(known) = all.iter().find(|view| view.title() == title) {
        let state = if known.facts.deleted {
            "and was deleted; restore it, or use another name"
        } else {
            "already"
        };
        return Err(MlflowError::new(
            Code::ResourceAlreadyExists,
            format!("experiment `{title}` is there {state}"),
        ));
    }
    let name = free_name(title, &all);
    let at = now();
    let facts = Facts {
        title: (name != title).then(|| title.to_owned()),
        tags: fields
            .tags
            .iter()
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect(),
        deleted: false,
        created: at,
        updated: at,
    };
    app.store
        .create_experiment(workspace, &name)
        .await
        .map_err(failed)?;
    put(app, workspace, EXPERIMENT, &name, &facts).await?;
    let view = ExperimentView {
        workspace: workspace.to_owned(),
        name,
        facts,
    };
    Ok(json!({"experiment_id": view.id()}))
}

/// A name that Outhaul can have and no experiment has.
fn free_name(title: &str, all: &[ExperimentView]) -> String {
    let taken = |name: &str| all.iter().any(|view| view.name == name);
    let wanted = if check_name("experiment", title).is_ok() {
        title.to_owned()
    } else {
        plain_name(title).unwrap_or_else(|| "experiment".to_owned())
    };
    let mut name = wanted.clone();
    let mut number = 2;
    while taken(&name) {
        name = format!("{wanted}-{number}");
        number += 1;
    }
    name
}

pub(super) async fn get(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let id = required(fields.experiment_id.as_deref(), "experiment_id")?;
    Ok(json!({"experiment": experiment(app, workspace, id).await?.message()}))
}

pub(super) async fn get_by_name(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let title = required(fields.experiment_name.as_deref(), "experiment_name")?;
    let all = experiments(app, workspace).await?;
    // What MLflow named comes first; our own spelling of it finds it, too, but no name that it had before.
    let spelled =
        |view: &&ExperimentView| view.name == title && plain_name(view.title()).as_ref() == Some(&view.name);
    let found = all
        .iter()
        .find(|view| view.title() == title)
        .or_else(|| all.iter().find(spelled));
    match found {
        Some(view) => Ok(json!({"experiment": view.message()})),
        None => Err(MlflowError::missing(format!(
            "there is no experiment `{title}` in workspace `{workspace}`"
        ))),
    }
}

pub(super) async fn search(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let conditions = filter::parse(fields.filter.as_deref().unwrap_or_default(), &ATTRIBUTES)?;
    let orders = order::parse(&fields.order_texts(), &ORDERS)?;
    fields.check_limit(1, 50_000)?;
    let shown = View::parse(fields.view_type.as_deref());
    let mut all = experiments(app, workspace).await?;
    all.retain(|view| shown.shows(view.facts.deleted) && filter::matches(view, &conditions));
    all.sort_by(|one, other| {
        let newest_first = other.made_at().cmp(&one.made_at());
        order::compare(&orders, one, other).then(newest_first)
    });
    let (items, next) = page::page(all, fields.page_token.as_deref(), fields.limit(1000, 50_000))?;
    let messages: Vec<Value> = items.iter().map(ExperimentView::message).collect();
    Ok(paged("experiments", messages, next))
}

/// A list with the token of its next page.
pub(super) fn paged(name: &str, messages: Vec<Value>, next: Option<String>) -> Value {
    let mut answer = serde_json::Map::from_iter([(name.to_owned(), Value::Array(messages))]);
    if let Some(next) = next {
        answer.insert("next_page_token".to_owned(), Value::String(next));
    }
    Value::Object(answer)
}

pub(super) async fn set_deleted(app: &App, workspace: &str, fields: &Fields, deleted: bool) -> Answer {
    change(app, workspace, fields, |view| {
        if view.name == DEFAULT && deleted {
            return Err(MlflowError::invalid("the default experiment cannot be deleted"));
        }
        if view.facts.deleted == deleted {
            let state = if deleted { "deleted already" } else { "not deleted" };
            return Err(MlflowError::missing(format!(
                "experiment `{}` is {state}",
                view.title()
            )));
        }
        view.facts.deleted = deleted;
        Ok(())
    })
    .await
}

pub(super) async fn rename(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let title = required(fields.new_name.as_deref(), "new_name")?.to_owned();
    let others = experiments(app, workspace).await?;
    change(app, workspace, fields, |view| {
        if others
            .iter()
            .any(|other| other.name != view.name && (other.title() == title || other.name == title))
        {
            return Err(MlflowError::new(
                Code::ResourceAlreadyExists,
                format!("there is an experiment `{title}` already"),
            ));
        }
        // Its name in Outhaul stays: runs, ids and addresses of artifacts hang on it.
        view.facts.title = (view.name != title).then_some(title);
        Ok(())
    })
    .await
}

pub(super) async fn set_tag(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let key = required(fields.key.as_deref(), "key")?.to_owned();
    let value = fields.text_value();
    change(app, workspace, fields, |view| {
        view.facts.tags.insert(key, value);
        Ok(())
    })
    .await
}

pub(super) async fn delete_tag(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let key = required(fields.key.as_deref(), "key")?;
    change(app, workspace, fields, |view| {
        view.facts.tags.remove(key);
        Ok(())
    })
    .await
}

async fn change(
    app: &App,
    workspace: &str,
    fields: &Fields,
    change: impl FnOnce(&mut ExperimentView) -> Answer<()>,
) -> Answer {
    let id = required(fields.experiment_id.as_deref(), "experiment_id")?;
    let _turn = app.mlflow.turn.lock().await;
    let mut view = experiment(app, workspace, id).await?;
    change(&mut view)?;
    view.facts.updated = now();
    app.store
        .create_experiment(workspace, &view.name)
        .await
        .map_err(failed)?;
    put(app, workspace, EXPERIMENT, &view.name, &view.facts).await?;
    Ok(json!({}))
}
