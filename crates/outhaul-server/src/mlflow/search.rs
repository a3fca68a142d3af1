//! Searching runs by the protocol.

use std::collections::BTreeMap;

use jiff::Timestamp;
use outhaul_mlflow::metric::by_name;
use outhaul_mlflow::request::Fields;
use outhaul_mlflow::run::{ATTRIBUTES, DELETED_TAG, Lineage, RunView, View, is_deleted};
use outhaul_mlflow::{filter, order, page};
use outhaul_types::RunId;
use outhaul_types::api::RunFilter;
use serde_json::Value;

use super::experiments::paged;
use super::serve::Answer;
use super::store::{INPUTS, OUTPUTS, experiments, failed};
use crate::app::App;

pub(super) async fn search(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let conditions = filter::parse(fields.filter.as_deref().unwrap_or_default(), &ATTRIBUTES)?;
    let orders = order::parse(&fields.order_texts(), &ATTRIBUTES)?;
    fields.check_limit(0, 50_000)?;
    let shown = View::parse(fields.run_view_type.as_deref());
    if conditions.is_empty() && orders.is_empty() {
        return all(app, workspace, fields, shown).await;
    }
    let mut inputs = lineage(app, workspace, INPUTS).await?;
    let mut outputs = lineage(app, workspace, OUTPUTS).await?;
    let mut found = Vec::new();
    for experiment in experiments(app, workspace).await? {
        if !fields.experiment_ids.contains(&experiment.id()) {
            continue;
        }
        let filter = of_experiment(workspace, experiment.name);
        for (run, newest) in app.store.runs_with_metrics(&filter).await.map_err(failed)? {
            if !shown.shows(is_deleted(&run)) {
                continue;
            }
            let id = run.id.to_string();
            let lineage = Lineage {
                inputs: inputs.remove(&id).unwrap_or_default(),
                outputs: outputs.remove(&id).unwrap_or_default(),
            };
            let view = RunView {
                run,
                metrics: by_name(&newest),
                lineage,
            };
            if filter::matches(&view, &conditions) {
                found.push(view);
            }
        }
    }
    found.sort_by(|one, other| {
        let newest_first = other
            .run
            .started_at
            .unwrap_or(other.run.created_at)
            .cmp(&one.run.started_at.unwrap_or(one.run.created_at));
        order::compare(&orders, one, other)
            .then(newest_first)
            .then_with(|| one.run.id.cmp(&other.run.id))
    });
    let (items, next) = page::page(found, fields.page_token.as_deref(), fields.limit(1000, 50_000))?;
    let messages: Vec<Value> = items.iter().map(RunView::message).collect();
    Ok(paged("runs", messages, next))
}

async fn lineage(app: &App, workspace: &str, kind: &str) -> Answer<BTreeMap<String, Value>> {
    Ok(app
        .store
        .documents(workspace, kind)
        .await
        .map_err(failed)?
        .into_iter()
        .collect())
}

/// All runs of experiments, which nobody wants sorted: only those of the page are read whole.
async fn all(app: &App, workspace: &str, fields: &Fields, shown: View) -> Answer {
    let mut found: Vec<(Timestamp, RunId)> = Vec::new();
    for experiment in experiments(app, workspace).await? {
        if !fields.experiment_ids.contains(&experiment.id()) {
            continue;
        }
        let filter = of_experiment(workspace, experiment.name);
        let listed = app.store.list_runs(&filter).await.map_err(failed)?;
        found.extend(
            listed
                .into_iter()
                .filter(|run| shown.shows(run.tags.contains_key(DELETED_TAG)))
                .map(|run| (run.started_at.unwrap_or(run.created_at), run.id)),
        );
    }
    found.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    let (items, next) = page::page(found, fields.page_token.as_deref(), fields.limit(1000, 50_000))?;
    let ids: Vec<RunId> = items.into_iter().map(|(_, id)| id).collect();
    let mut inputs = lineage(app, workspace, INPUTS).await?;
    let mut outputs = lineage(app, workspace, OUTPUTS).await?;
    let runs = app.store.whole_runs(&ids).await.map_err(failed)?;
    let messages = runs.into_iter().map(|(run, newest)| {
        let id = run.id.to_string();
        let lineage = Lineage {
            inputs: inputs.remove(&id).unwrap_or_default(),
            outputs: outputs.remove(&id).unwrap_or_default(),
        };
        let metrics = by_name(&newest);
        RunView {
            run,
            metrics,
            lineage,
        }
        .message()
    });
    Ok(paged("runs", messages.collect(), next))
}

fn of_experiment(workspace: &str, name: String) -> RunFilter {
    RunFilter {
        workspace: Some(workspace.to_owned()),
        experiment: Some(name),
        children: Some(true),
        ..RunFilter::default()
    }
}
