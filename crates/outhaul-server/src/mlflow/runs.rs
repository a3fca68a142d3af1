//! Runs by the protocol: begun, told, ended, and the history of their metrics.

use std::collections::BTreeMap;

use outhaul_mlflow::MlflowError;
use outhaul_mlflow::error::Code;
use outhaul_mlflow::metric::Point;
use outhaul_mlflow::page;
use outhaul_mlflow::request::Fields;
use outhaul_mlflow::run::{
    DELETED_TAG, Lineage, NAME_TAG, PARENT_TAG, RunView, USER_TAG, is_deleted, plain_name, state,
};
use outhaul_types::tracking::{ChangeTags, EndRun};
use outhaul_types::workspace::NO_TARGET;
use outhaul_types::{NewRun, Run, RunId, RunState};
use serde_json::json;

use super::experiments::paged;
use super::logging::check_there;
use super::serve::Answer;
use super::store::{experiment, failed, required, run, run_of, view};
use crate::app::App;
use crate::tracked;

pub(super) async fn create(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let experiment = experiment(app, workspace, fields.experiment_id.as_deref().unwrap_or("0")).await?;
    if experiment.facts.deleted {
        return Err(MlflowError::new(
            Code::InvalidState,
            format!(
                "experiment `{}` was deleted and takes no runs; restore it first",
                experiment.title()
            ),
        ));
    }
    let id = RunId::generate().map_err(|error| MlflowError::new(Code::InternalError, error.to_string()))?;
    let mut tags: BTreeMap<String, String> = fields
        .tags
        .iter()
        .map(|tag| (tag.key.clone(), tag.value.clone()))
        .collect();
    tracked::check_tags(tags.keys())?;
    // Clients say `unknown` when they do not know it.
    if let Some(user) = fields
        .user_id
        .as_ref()
        .filter(|user| !["", "unknown"].contains(&user.as_str()))
    {
        tags.entry(USER_TAG.to_owned()).or_insert_with(|| user.clone());
    }
    let wanted = fields
        .run_name
        .as_ref()
        .or_else(|| tags.get(NAME_TAG))
        .filter(|name| !name.is_empty())
        .cloned();
    let plain = wanted.as_deref().and_then(plain_name);
    if let Some(wanted) = wanted {
        tags.insert(NAME_TAG.to_owned(), wanted);
    }
    let parent = match tags.get(PARENT_TAG) {
        Some(parent) => run(app, workspace, parent).await.ok().map(|parent| parent.id),
        None => None,
    };
    let new = NewRun {
        name: plain.unwrap_or_else(|| format!("{}-{}", experiment.name, id.short())),
        id,
        workspace: workspace.to_owned(),
        experiment: experiment.name,
        target: NO_TARGET.to_owned(),
        tags,
        parent,
        spec: None,
    };
    let (run, _) = tracked::record(app, new, BTreeMap::new()).await?;
    Ok(json!({"run": view(app, run).await?.message()}))
}

pub(super) async fn get(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let run = run_of(app, workspace, fields).await?;
    Ok(json!({"run": view(app, run).await?.message()}))
}

/// Takes what a client says of its run. A run with a process ends when that ends, whatever a client says.
pub(super) async fn update(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let mut run = run_of(app, workspace, fields).await?;
    check_there(&run)?;
    let wanted = match fields.status.as_deref() {
        None => None,
        Some(text) => Some(
            state(text)
                .ok_or_else(|| MlflowError::invalid(format!("`{text}` is not the status of a run")))?,
        ),
    };
    if let Some(name) = fields.run_name.as_ref().filter(|name| !name.is_empty()) {
        let set = [(NAME_TAG.to_owned(), name.clone())].into();
        run = tracked::change_tags(
            app,
            &run,
            ChangeTags {
                set,
                ..ChangeTags::default()
            },
        )
        .await?;
    }
    if let Some(wanted) = wanted.filter(|_| run.is_tracked()) {
        run = told(app, run, wanted).await?;
    }
    let view = RunView {
        run,
        metrics: BTreeMap::new(),
        lineage: Lineage::default(),
    };
    Ok(json!({"run_info": view.info()}))
}

/// A tracked run of which its client says that it is in `wanted` now.
async fn told(app: &App, run: Run, wanted: RunState) -> Answer<Run> {
    if run.state == wanted {
        return Ok(run);
    }
    if wanted == RunState::Running {
        return Ok(tracked::resume(app, &run).await?);
    }
    // What was canceled stays so: its client may not have heard of it yet.
    if run.state == RunState::Canceled {
        return Ok(run);
    }
    let run = if run.state.is_terminal() {
        tracked::resume(app, &run).await?
    } else {
        run
    };
    let end = EndRun {
        state: wanted,
        message: None,
    };
    Ok(tracked::end(app, &run, end).await?)
}

pub(super) async fn set_deleted(app: &App, workspace: &str, fields: &Fields, deleted: bool) -> Answer {
    let run = run_of(app, workspace, fields).await?;
    let mut change = ChangeTags::default();
    if deleted {
        change
            .set
            .insert(DELETED_TAG.to_owned(), jiff::Timestamp::now().to_string());
    } else {
        change.remove.insert(DELETED_TAG.to_owned());
    }
    if deleted != is_deleted(&run) {
        tracked::change_tags(app, &run, change).await?;
    }
    Ok(json!({}))
}

pub(super) async fn history(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let run = run_of(app, workspace, fields).await?;
    let key = required(fields.metric_key.as_deref(), "metric_key")?;
    let all = values(app, &run, key).await?;
    let (items, next) = page::page(all, fields.page_token.as_deref(), fields.limit(25_000, 25_000))?;
    let messages = items.iter().map(|point| point.message(key)).collect();
    Ok(paged("metrics", messages, next))
}

pub(super) async fn history_bulk(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let key = required(fields.metric_key.as_deref(), "metric_key")?;
    let mut messages = Vec::new();
    for id in &fields.run_ids {
        let run = run(app, workspace, id).await?;
        for point in values(app, &run, key)
            .await?
            .into_iter()
            .take(fields.limit(2500, 25_000))
        {
            let mut message = point.message(key);
            message["run_id"] = json!(run.id);
            messages.push(message);
        }
    }
    Ok(json!({"metrics": messages}))
}

async fn values(app: &App, run: &Run, key: &str) -> Answer<Vec<Point>> {
    let all = app.store.metrics(&run.id).await.map_err(failed)?;
    Ok(all
        .iter()
        .filter(|metric| metric.name == key)
        .filter_map(Point::of)
        .collect())
}
