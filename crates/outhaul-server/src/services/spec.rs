//! From what a request says to a whole spec: defaults, models, environment, and all that can be wrong with them.

use std::net::IpAddr;

use outhaul_snapshot::{Hash, Tree};
use outhaul_types::api::{ModelChoice, ServiceChange};
use outhaul_types::model::ModelName;
use outhaul_types::service::ServedModel;
use outhaul_types::spec::is_inside;
use outhaul_types::{ApiError, Interpreter, ServiceSpec, Workspace};

use super::place::Place;
use super::port::free_port;
use crate::app::App;
use crate::{models, submit};

const HOST: &str = "127.0.0.1";
const WORKERS: u16 = 1;
const QUEUE: u32 = 100;
const TIMEOUT_SECONDS: u64 = 3_600;
const MAX_BODY: u64 = 100 << 20;

fn wrong(message: impl Into<String>) -> ApiError {
    ApiError::bad_request(message)
}

/// The spec of a new service; what the request does not say is as written in [`ServiceChange`].
pub(super) async fn first_spec(
    app: &App,
    workspace: &Workspace,
    place: &Place,
    change: &ServiceChange,
) -> Result<ServiceSpec, ApiError> {
    let missing = |what: &str| wrong(format!("a web service needs {what}"));
    let source = change
        .source
        .clone()
        .ok_or_else(|| missing("a folder with its entry script (`source`)"))?;
    let entry = change
        .entry
        .clone()
        .ok_or_else(|| missing("an entry script with `init()` and `run()` (`entry`)"))?;
    if change.environment.is_none() {
        return Err(missing("an environment (`environment`)"));
    }
    let nothing_yet = ServiceSpec {
        models: Vec::new(),
        entry,
        source,
        environment: Default::default(),
        environment_name: None,
        variables: Default::default(),
        host: HOST.to_owned(),
        port: 0,
        workers: WORKERS,
        queue: QUEUE,
        timeout_seconds: TIMEOUT_SECONDS,
        max_body: MAX_BODY,
        cors: None,
        keys: false,
        tls: None,
    };
    changed_spec(app, workspace, place, nothing_yet, change).await
}

/// A spec with what a request changes; all of it is checked.
pub(super) async fn changed_spec(
    app: &App,
    workspace: &Workspace,
    place: &Place,
    mut spec: ServiceSpec,
    change: &ServiceChange,
) -> Result<ServiceSpec, ApiError> {
    if let Some(source) = &change.source {
        spec.source = source.clone();
    }
    if let Some(entry) = &change.entry {
        spec.entry = entry.strip_prefix("./").unwrap_or(entry).to_owned();
    }
    check_entry(&spec, &tree(app, &spec.source.tree)?)?;
    if let Some(models) = &change.models {
        spec.models = chosen_models(app, workspace, models).await?;
    }
    if let Some(choice) = &change.environment {
        let (environment, name) = submit::environment(app, workspace, choice.clone(), change.conda).await?;
        if environment.spark.is_some() {
            return Err(wrong("a web service cannot have an environment for Spark"));
        }
        (spec.environment, spec.environment_name) = (environment, name);
    }
    if let Some(variables) = &change.variables {
        spec.variables.clone_from(variables);
    }
    for (name, value) in spec.variables.iter().chain(&spec.environment.variables) {
        submit::check_variable(name, value)?;
    }
    if let Some(host) = &change.host {
        spec.host.clone_from(host);
    }
    if spec.host.parse::<IpAddr>().is_err() {
        return Err(
            wrong(format!("`{}` is not an IP address to listen on", spec.host))
                .with_hint("127.0.0.1 is this machine only, 0.0.0.0 every machine that reaches it"),
        );
    }
    spec.port = change.port.unwrap_or(spec.port);
    spec.workers = change.workers.unwrap_or(spec.workers);
    spec.queue = change.queue.unwrap_or(spec.queue);
    spec.timeout_seconds = change.timeout_seconds.unwrap_or(spec.timeout_seconds);
    spec.max_body = change.max_body.unwrap_or(spec.max_body);
    spec.keys = change.keys.unwrap_or(spec.keys);
    if let Some(tls) = &change.tls {
        spec.tls = Some(tls.clone());
    }
    if let Some(origin) = &change.cors {
        spec.cors = Some(origin.clone()).filter(|origin| !origin.is_empty());
    }
    check_limits(&spec)?;
    if spec.port == 0 {
        spec.port = free_port(place, &spec.host)?;
    }
    Ok(spec)
}

fn check_limits(spec: &ServiceSpec) -> Result<(), ApiError> {
    if spec.workers == 0 || spec.workers > 1024 {
        return Err(wrong("`workers` is not between 1 and 1024"));
    }
    if spec.timeout_seconds == 0 {
        return Err(wrong(
            "`timeout_seconds` is 0: no call of `run()` could end in time",
        ));
    }
    if spec.max_body >= 4 << 30 {
        return Err(wrong("`max_body` is not below 4 GB"));
    }
    if let Some(tls) = &spec.tls {
        for path in [&tls.certificate, &tls.key] {
            if !std::path::Path::new(path).is_absolute() {
                return Err(wrong(format!("`{path}` is not the absolute path of a file")));
            }
        }
    }
    let is_relative =
        matches!(&spec.environment.interpreter, Interpreter::UserManaged { python } if python.is_empty());
    if is_relative {
        return Err(wrong("the environment names no interpreter"));
    }
    Ok(())
}

fn tree(app: &App, id: &str) -> Result<Tree, ApiError> {
    let hash: Hash = id
        .parse()
        .map_err(|_| wrong(format!("`{id}` is not the id of a tree")))?;
    app.blobs.get_tree(&hash).map_err(|error| {
        wrong(format!("the tree `{id}` cannot be read: {error}"))
            .with_hint("ask again: the files are then stored anew")
    })
}

fn check_entry(spec: &ServiceSpec, tree: &Tree) -> Result<(), ApiError> {
    let entry = &spec.entry;
    if !is_inside(entry) || tree.get(entry).is_none() {
        return Err(wrong(format!(
            "entry script `{entry}` is not in the source folder `{}`",
            spec.source.source
        ))
        .with_hint(
            "its path is relative to the source folder; `.amlignore` and `.gitignore` may leave it out",
        ));
    }
    if entry.ends_with(".py") {
        Ok(())
    } else {
        Err(wrong(format!("entry script `{entry}` does not end in `.py`")))
    }
}

/// Copies the models that a request names to where instances are made from, which takes as long as they are large. Whoever
/// has the turn then finds them there.
pub(super) async fn bring_models(
    app: &App,
    workspace: &Workspace,
    change: &ServiceChange,
) -> Result<(), ApiError> {
    let models = change.models.as_deref().unwrap_or_default();
    chosen_models(app, workspace, models).await.map(drop)
}

async fn chosen_models(
    app: &App,
    workspace: &Workspace,
    choices: &[ModelChoice],
) -> Result<Vec<ServedModel>, ApiError> {
    let mut chosen: Vec<ServedModel> = Vec::new();
    for choice in choices {
        let model = match choice {
            ModelChoice::Registered { name, version } => {
                let name = ModelName {
                    name: name.clone(),
                    version: *version,
                };
                let model = models::find(app, &workspace.name, &name.to_string()).await?;
                models::bring_to_blobs(app, &model).await?;
                ServedModel {
                    name: model.name,
                    version: model.version,
                    tree: model.files.tree,
                }
            }
            ModelChoice::Files { name, tree: id } => {
                outhaul_types::id::check_name("model", name).map_err(|error| wrong(error.to_string()))?;
                tree(app, id)?;
                ServedModel {
                    name: name.clone(),
                    version: 0,
                    tree: id.clone(),
                }
            }
        };
        if chosen
            .iter()
            .any(|other| other.name == model.name && other.version == model.version)
        {
            return Err(wrong(format!(
                "model `{}:{}` is given twice",
                model.name, model.version
            )));
        }
        chosen.push(model);
    }
    Ok(chosen)
}
