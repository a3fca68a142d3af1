//! Runs that a client plays, and what clients say about any run: metrics, tags, properties, files.
//!
//! A tracked run has no target and no process: it is what its client says about it, with the same events, the same
//! states and the same lists as all others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use outhaul_store::{Guard, StoreError};
use outhaul_types::api::Output;
use outhaul_types::id::check_name;
use outhaul_types::metric::parse_metric;
use outhaul_types::spec::is_inside;
use outhaul_types::tracking::{ChangeTags, EndRun, TrackRun};
use outhaul_types::workspace::NO_TARGET;
use outhaul_types::{
    ApiError, CancelReason, Failure, FailureClass, MetricValue, NewRun, Run, RunEventKind, RunId, RunState,
};
use serde_json::Value;

use crate::app::App;
use crate::errors::translate;
use crate::{ingest, janitor};

/// Records a run that a client plays. The flag says whether it is new.
pub(crate) async fn track(app: &App, request: TrackRun) -> Result<(Run, bool), ApiError> {
    let wrong = |error: outhaul_types::id::InvalidName| ApiError::bad_request(error.to_string());
    let parent = match &request.parent {
        Some(parent) => Some(app.find_run(parent).await?),
        None => None,
    };
    let workspace = match (&request.workspace, &parent) {
        (None, Some(parent)) => parent.workspace.clone(),
        (name, _) => app.workspace(name.as_deref()).await?.name,
    };
    if let Some(parent) = &parent
        && parent.workspace != workspace
    {
        return Err(ApiError::bad_request(format!(
            "run `{}` is in workspace `{}` and cannot have children in `{workspace}`",
            parent.id.short(),
            parent.workspace
        )));
    }
    let experiment = match (request.experiment, &parent) {
        (Some(experiment), _) => experiment,
        (None, Some(parent)) => parent.experiment.clone(),
        (None, None) => return Err(ApiError::bad_request("`experiment` is missing")),
    };
    check_name("experiment", &experiment).map_err(wrong)?;
    if let Some(name) = &request.name {
        check_name("run", name).map_err(wrong)?;
    }
    check_tags(request.tags.keys())?;
    check_properties(&request.properties)?;
    let new = NewRun {
        name: request
            .name
            .unwrap_or_else(|| format!("{experiment}-{}", request.id.short())),
        id: request.id,
        workspace,
        experiment,
        target: NO_TARGET.to_owned(),
        tags: request.tags,
        parent: parent.map(|parent| parent.id),
        spec: None,
    };
    record(app, new, request.properties).await
}

/// Records a run that was checked, `Running` at once and in one write.
pub(crate) async fn record(
    app: &App,
    new: NewRun,
    properties: BTreeMap<String, String>,
) -> Result<(Run, bool), ApiError> {
    let mut first = vec![RunEventKind::Running];
    if !properties.is_empty() {
        first.push(RunEventKind::PropertiesAdded {
            properties: properties.clone(),
        });
    }
    let begun = app
        .store
        .begin_run(new, first, Timestamp::now())
        .await
        .map_err(translate)?;
    let is_new = !begun.events.is_empty();
    if is_new {
        tracing::info!(run = %begun.run.id, "run.tracked");
        if let Some(parent) = &begun.run.parent {
            app.hub.changed(parent);
        }
    } else if let Some(name) = differing(&begun.run, &properties) {
        return Err(fixed(&begun.run, name));
    }
    Ok((begun.run, is_new))
}

/// Ends a tracked run, and the children that were left open. Ending it again in the same way changes nothing.
pub(crate) async fn end(app: &App, run: &Run, request: EndRun) -> Result<Run, ApiError> {
    let event = match request.state {
        RunState::Completed => RunEventKind::Completed,
        RunState::Canceled => RunEventKind::Canceled,
        RunState::Failed => RunEventKind::Failed {
            failure: Failure::new(
                FailureClass::User,
                request.message.unwrap_or_else(|| "its client said so".to_owned()),
            ),
        },
        other => {
            return Err(
                ApiError::bad_request(format!("`{other}` is not the state of a run that ended"))
                    .with_hint("use Completed, Failed or Canceled"),
            );
        }
    };
    played(run)?;
    if run.state.is_terminal() {
        return if run.state == request.state {
            Ok(run.clone())
        } else {
            Err(ended(run))
        };
    }
    finish(app, run, vec![event]).await
}

/// Ends a run that nobody but a client or a parent's script speaks for, because that was asked for.
pub(crate) async fn cancel(app: &App, run: &Run) -> Result<Run, ApiError> {
    let events = vec![
        RunEventKind::CancelRequested {
            reason: CancelReason::User,
        },
        RunEventKind::Canceled,
    ];
    finish(app, run, events).await
}

async fn finish(app: &App, run: &Run, events: Vec<RunEventKind>) -> Result<Run, ApiError> {
    let wanted = events.last().and_then(RunEventKind::leads_to);
    // Before the run itself: a server that dies in between is asked again, and finds the run still open.
    ingest::end_children(app, run, wanted.unwrap_or(RunState::Canceled))
        .await
        .map_err(translate)?;
    // A run that says it has ended has its files on the disk, and not only on their way to it.
    if !app.store.outputs(&run.id).await.map_err(translate)?.is_empty() {
        janitor::sync(app)
            .await
            .map_err(|error| ApiError::internal(format!("the data folder cannot be flushed: {error}")))?;
    }
    match app.apply(&run.id, Guard::Any, events).await {
        Ok(applied) => Ok(applied.run),
        // It was ended in the meantime.
        Err(StoreError::Forbidden(_)) => {
            let now = app.store.run(&run.id).await.map_err(translate)?;
            if Some(now.state) == wanted {
                Ok(now)
            } else {
                Err(ended(&now))
            }
        }
        Err(error) => Err(translate(error)),
    }
}

/// Goes on with a tracked run that had ended, as its next attempt. One that has not ended stays as it is.
pub(crate) async fn resume(app: &App, run: &Run) -> Result<Run, ApiError> {
    played(run)?;
    if !run.state.is_terminal() {
        return Ok(run.clone());
    }
    let attempt = run.attempt.max(1) + 1;
    let resumed = app
        .apply(
            &run.id,
            Guard::Version(run.version),
            vec![RunEventKind::Resumed { attempt }],
        )
        .await;
    match resumed {
        Ok(applied) => Ok(applied.run),
        Err(StoreError::Stale { .. }) => app.store.run(&run.id).await.map_err(translate),
        Err(error) => Err(translate(error)),
    }
}

/// Reads and adds metrics, all or none.
pub(crate) async fn log_metrics(
    app: &App,
    run: &Run,
    records: Vec<BTreeMap<String, Value>>,
) -> Result<(), ApiError> {
    goes_on(run)?;
    let now = Timestamp::now().as_microsecond() as f64 / 1e6;
    let mut values = Vec::with_capacity(records.len());
    for (number, record) in records.into_iter().enumerate() {
        let value = parse_metric(record, now)
            .map_err(|why| ApiError::bad_request(format!("metric {}: {why}", number + 1)))?;
        values.push(value);
    }
    add_metrics(app, &run.id, values).await
}

/// Adds metrics that were read already.
pub(crate) async fn add_metrics(app: &App, id: &RunId, values: Vec<MetricValue>) -> Result<(), ApiError> {
    app.store.log_metrics(id, values).await.map_err(translate)?;
    app.hub.changed(id);
    Ok(())
}

/// Changes the tags of a run, also of one that has ended.
pub(crate) async fn change_tags(app: &App, run: &Run, change: ChangeTags) -> Result<Run, ApiError> {
    check_tags(change.set.keys())?;
    let mut events = Vec::new();
    let names: std::collections::BTreeSet<String> = change
        .remove
        .into_iter()
        .filter(|name| run.tags.contains_key(name) && !change.set.contains_key(name))
        .collect();
    if !names.is_empty() {
        events.push(RunEventKind::TagsRemoved { names });
    }
    let mut tags = change.set;
    tags.retain(|name, value| run.tags.get(name) != Some(value));
    if !tags.is_empty() {
        events.push(RunEventKind::Tagged { tags });
    }
    changed(app, run, events).await
}

/// Adds properties to a run, all or none: one that is there already must have the same value.
pub(crate) async fn add_properties(
    app: &App,
    run: &Run,
    mut properties: BTreeMap<String, String>,
) -> Result<Run, ApiError> {
    check_properties(&properties)?;
    // Two clients at once: whoever comes second must see what the first has set.
    let mut run = run.clone();
    loop {
        if let Some(name) = differing_value(&run, &properties) {
            return Err(fixed(&run, name));
        }
        properties.retain(|name, _| !run.properties.contains_key(name));
        if properties.is_empty() {
            return Ok(run);
        }
        let event = RunEventKind::PropertiesAdded {
            properties: properties.clone(),
        };
        match app.apply(&run.id, Guard::Version(run.version), vec![event]).await {
            Ok(applied) => return Ok(applied.run),
            Err(StoreError::Stale { .. }) => run = app.store.run(&run.id).await.map_err(translate)?,
            Err(error) => return Err(translate(error)),
        }
    }
}

async fn changed(app: &App, run: &Run, events: Vec<RunEventKind>) -> Result<Run, ApiError> {
    if events.is_empty() {
        return Ok(run.clone());
    }
    let applied = app.apply(&run.id, Guard::Any, events).await.map_err(translate)?;
    Ok(applied.run)
}

/// Keeps a file of this machine among a run's outputs, in place of the one that has its path.
pub(crate) async fn keep_output(
    app: &App,
    run: &Run,
    path: &str,
    file: &std::path::Path,
) -> Result<Output, ApiError> {
    let kept = app.artifacts.keep(file).await.map_err(|error| {
        ApiError::internal(format!(
            "output `{path}` of run `{}` cannot be kept: {error}",
            run.id.short()
        ))
    })?;
    let output = Output {
        path: path.to_owned(),
        size: kept.size,
        hash: kept.hash,
    };
    app.store
        .put_outputs(&run.id, vec![output.clone()])
        .await
        .map_err(translate)?;
    app.hub.changed(&run.id);
    Ok(output)
}

/// Refuses a path that an output cannot have.
pub(crate) fn check_output(path: &str) -> Result<(), ApiError> {
    if is_inside(path) && path.len() <= 4096 {
        Ok(())
    } else {
        Err(
            ApiError::bad_request(format!("`{path}` cannot be the path of an output"))
                .with_hint("use a relative path with `/`, without `..` and without empty parts"),
        )
    }
}

/// Refuses a run that has ended.
pub(crate) fn goes_on(run: &Run) -> Result<(), ApiError> {
    if run.state.is_terminal() {
        Err(ended(run))
    } else {
        Ok(())
    }
}

/// Refuses a run whose files are not a client's to remove: what a process left is evidence.
pub(crate) fn may_lose(run: &Run) -> Result<(), ApiError> {
    if run.is_tracked() {
        goes_on(run)
    } else {
        Err(ApiError::conflict(format!(
            "the outputs of run `{}` are kept as it left them",
            run.id.short()
        )))
    }
}

/// Refuses a run whose beginning and end are not a client's to tell.
fn played(run: &Run) -> Result<(), ApiError> {
    if run.is_tracked() {
        return Ok(());
    }
    let (why, hint) = if run.spec.is_some() {
        (
            "ends when its process ends",
            "`outhaul runs cancel` asks for its end",
        )
    } else {
        (
            "is played by its parent's script",
            "the script ends it, or the end of its parent does",
        )
    };
    Err(ApiError::conflict(format!("run `{}` {why}", run.id.short())).with_hint(hint))
}

fn ended(run: &Run) -> ApiError {
    let error = ApiError::conflict(format!("run `{}` has ended: {}", run.id.short(), run.state));
    if run.is_tracked() {
        error.with_hint("resume it, or begin a new run; tags can still be changed, and properties added")
    } else {
        error.with_hint("tags can still be changed, and properties added")
    }
}

fn fixed(run: &Run, name: &str) -> ApiError {
    ApiError::conflict(format!(
        "property `{name}` of run `{}` is `{}` and cannot change",
        run.id.short(),
        run.properties.get(name).map_or("not set", String::as_str)
    ))
    .with_hint("a property is set once; use a tag for what changes")
}

/// The first property that a run has with another value.
fn differing_value<'a>(run: &Run, wanted: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let differs =
        |(name, value): &(&String, &String)| run.properties.get(*name).is_some_and(|known| known != *value);
    wanted.iter().find(differs).map(|(name, _)| name.as_str())
}

/// The first property that a run does not have with this value.
fn differing<'a>(run: &Run, wanted: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let differs = |(name, value): &(&String, &String)| run.properties.get(*name) != Some(*value);
    wanted.iter().find(differs).map(|(name, _)| name.as_str())
}

pub(crate) fn check_tags<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), ApiError> {
    for name in names {
        if name.is_empty() || name.contains('=') {
            return Err(ApiError::bad_request(format!(
                "tag name `{name}` is not allowed: it must not be empty or hold `=`"
            )));
        }
    }
    Ok(())
}

pub(crate) fn check_properties(properties: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if properties.contains_key("") {
        return Err(ApiError::bad_request("the name of a property must not be empty"));
    }
    Ok(())
}
