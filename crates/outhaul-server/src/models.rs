//! Models: registered from what is kept of a run or from files that a client has put among the artifacts, found, changed
//! and deleted. Their files are artifacts, so that registering from a run copies nothing. Where a scoring script finds them
//! is said by `outhaul_types::model::layout`.

mod files;
mod wishes;

use jiff::Timestamp;
use outhaul_artifacts::ArtifactError;
use outhaul_store::StoreError;
use outhaul_types::api::{ModelDetails, ModelFilter, ModelLineage, ModelSource, RegisterModel};
use outhaul_types::id::check_name;
use outhaul_types::model::{ModelFiles, ModelOrigin};
use outhaul_types::{ApiError, ChangeModel, ErrorCode, Model, ModelName, NewModel, RunState};

use crate::api::listed;
use crate::app::App;
use crate::errors::{translate, unknown};
use crate::{janitor, tracked};

pub(crate) use wishes::register_wishes;

/// Longest name of a framework, and of its version, in bytes.
const LONGEST_FRAMEWORK: usize = 255;

/// Registers a model. The flag says whether it is new. Asking again with the same id changes nothing.
pub(crate) async fn register(
    app: &App,
    workspace: &str,
    request: RegisterModel,
) -> Result<(Model, bool), ApiError> {
    check_name("model", &request.name).map_err(|error| ApiError::bad_request(error.to_string()))?;
    tracked::check_tags(request.tags.keys())?;
    tracked::check_properties(&request.properties)?;
    check_framework(&request)?;
    let (files, origin) = match request.source {
        ModelSource::Run { run, path } => from_run(app, workspace, &run, &path).await?,
        ModelSource::Tree { tree, path } => {
            let files = from_tree(app, &tree, &path).await?;
            (files, ModelOrigin::Path { path })
        }
    };
    // A model that is recorded has its files on the disk, and not only on their way to it.
    janitor::sync(app)
        .await
        .map_err(|error| ApiError::internal(format!("the data folder cannot be flushed: {error}")))?;
    let new = NewModel {
        id: request.id,
        workspace: workspace.to_owned(),
        name: request.name,
        files,
        origin,
        tags: request.tags,
        properties: request.properties,
        description: request.description.filter(|text| !text.is_empty()),
        framework: request.framework,
        framework_version: request.framework_version,
    };
    let (model, is_new) = app
        .store
        .register_model(new, Timestamp::now())
        .await
        .map_err(translate)?;
    if is_new {
        tracing::info!(model = %model.reference(), workspace, "model.registered");
    }
    Ok((model, is_new))
}

/// The model that a text names.
pub(crate) async fn find(app: &App, workspace: &str, text: &str) -> Result<Model, ApiError> {
    let name = named(text)?;
    match app.store.model(workspace, &name.name, name.version).await {
        Ok(model) => Ok(model),
        Err(StoreError::NotFound { .. }) => Err(not_found(app, workspace, &name).await?),
        Err(error) => Err(translate(error)),
    }
}

/// Models, newest first.
pub(crate) async fn list(
    app: &App,
    workspace: &str,
    mut filter: ModelFilter,
) -> Result<Vec<Model>, ApiError> {
    if let Some(run) = &filter.run {
        filter.run = Some(app.find_run(run).await?.id.to_string());
    }
    app.store.models(workspace, &filter).await.map_err(translate)
}

/// All that is known of a model.
pub(crate) async fn details(app: &App, model: Model) -> Result<ModelDetails, ApiError> {
    let tree = app
        .artifacts
        .tree(&model.files.tree)
        .await
        .map_err(|error| damaged(&model, &error))?;
    let contents = listed(&tree);
    let lineage = match &model.origin {
        ModelOrigin::Run { run, path, .. } => Some(lineage(app, run, path).await?),
        ModelOrigin::Path { .. } => None,
    };
    Ok(ModelDetails {
        model,
        contents,
        lineage,
    })
}

/// A file of a model by its path: its content hash and size.
pub(crate) async fn content(app: &App, model: &Model, path: &str) -> Result<(String, u64), ApiError> {
    let tree = app
        .artifacts
        .tree(&model.files.tree)
        .await
        .map_err(|error| damaged(model, &error))?;
    if let Some(outhaul_snapshot::EntryKind::File { hash, size, .. }) =
        tree.get(path).map(|entry| &entry.kind)
    {
        return Ok((hash.to_hex(), *size));
    }
    let known = tree.entries().iter().map(|entry| entry.path.as_str());
    let list = format!("outhaul model show {}", model.reference());
    Err(unknown("file", path, known, &list))
}

/// Puts a model's files where runs take their code from, so that a run can be given them.
pub(crate) async fn bring_to_blobs(app: &App, model: &Model) -> Result<(), ApiError> {
    let failed = |error: &dyn std::fmt::Display| {
        ApiError::internal(format!("the files of model `{}`: {error}", model.reference()))
    };
    let tree = app
        .artifacts
        .tree(&model.files.tree)
        .await
        .map_err(|error| damaged(model, &error))?;
    for entry in tree.entries() {
        if let outhaul_snapshot::EntryKind::File { hash, .. } = &entry.kind
            && !app.blobs.has(hash)
        {
            let file = app
                .artifacts
                .file(&hash.to_hex())
                .await
                .map_err(|error| damaged(model, &error))?;
            let blobs = app.blobs.clone();
            let put = tokio::task::spawn_blocking(move || blobs.put_file(&file))
                .await
                .map_err(|error| failed(&error))?
                .map_err(|error| failed(&error))?;
            if put.hash != *hash {
                return Err(failed(&format!("`{}` is damaged", entry.path)));
            }
        }
    }
    app.blobs.put_tree(&tree).map_err(|error| failed(&error))?;
    Ok(())
}

/// Changes a version of a model.
pub(crate) async fn change(
    app: &App,
    workspace: &str,
    text: &str,
    change: ChangeModel,
) -> Result<Model, ApiError> {
    tracked::check_tags(change.set_tags.keys())?;
    tracked::check_properties(&change.add_properties)?;
    let (name, version) = exactly(text, "change")?;
    // So that a name that is not there is answered like any other.
    find(app, workspace, text).await?;
    app.store
        .change_model(workspace, &name, version, change)
        .await
        .map_err(translate)
}

/// Deletes a version of a model, unless a service uses it.
pub(crate) async fn delete(app: &App, workspace: &str, text: &str) -> Result<(), ApiError> {
    let (name, version) = exactly(text, "delete")?;
    let model = find(app, workspace, text).await?;
    app.store
        .delete_model(workspace, &name, version)
        .await
        .map_err(translate)?;
    tracing::info!(model = %model.reference(), workspace, "model.deleted");
    Ok(())
}

async fn from_run(
    app: &App,
    workspace: &str,
    run: &str,
    path: &str,
) -> Result<(ModelFiles, ModelOrigin), ApiError> {
    let run = app.find_run(run).await?;
    if run.workspace != workspace {
        return Err(ApiError::bad_request(format!(
            "run `{}` is in workspace `{}` and not in `{workspace}`",
            run.id.short(),
            run.workspace
        ))
        .with_hint(format!("name it: `--workspace {}`", run.workspace)));
    }
    let path = files::plain(path)?;
    let outputs = app.store.outputs(&run.id).await.map_err(translate)?;
    let Some(tree) = files::of_outputs(&outputs, &path)? else {
        if run.state.is_terminal() || run.state == RunState::Finalizing {
            let known = outputs.iter().map(|output| output.path.as_str());
            let list = format!("outhaul runs outputs {}", run.id.short());
            let what = format!("file or folder among the outputs of run `{}`:", run.id.short());
            return Err(unknown(&what, &path, known, &list));
        }
        return Err(ApiError::conflict(format!(
            "run `{}` has not ended ({}), and `{path}` is not among what is kept of it so far",
            run.id.short(),
            run.state
        ))
        .with_hint(format!(
            "what it writes to `outputs` is kept when it ends: `outhaul runs wait {}` first",
            run.id.short()
        )));
    };
    for entry in tree.entries() {
        if let outhaul_snapshot::EntryKind::File { hash, .. } = &entry.kind {
            app.artifacts
                .file(&hash.to_hex())
                .await
                .map_err(|error| ApiError::internal(format!("output `{}`: {error}", entry.path)))?;
        }
    }
    app.artifacts.keep_tree(&tree).await.map_err(cannot_keep)?;
    let origin = ModelOrigin::Run {
        experiment: run.experiment,
        run: run.id,
        path,
    };
    Ok((files::describe(&tree)?, origin))
}

async fn from_tree(app: &App, id: &str, path: &str) -> Result<ModelFiles, ApiError> {
    let missing = |what: &str| {
        ApiError::bad_request(format!(
            "the files of `{path}` are not among the artifacts: {what}"
        ))
        .with_hint("`outhaul model register` puts them there")
    };
    let tree = match app.artifacts.tree(id).await {
        Ok(tree) => tree,
        Err(error) => return Err(missing(&error.to_string())),
    };
    let described = files::describe(&tree)?;
    for entry in tree.entries() {
        let outhaul_snapshot::EntryKind::File { hash, size, .. } = &entry.kind else {
            continue;
        };
        let file = app.artifacts.file(&hash.to_hex()).await;
        let whole = match &file {
            Ok(file) => tokio::fs::metadata(file)
                .await
                .is_ok_and(|meta| meta.len() == *size),
            Err(_) => false,
        };
        if !whole {
            return Err(missing(&format!("`{}` is missing", entry.path)));
        }
    }
    Ok(described)
}

async fn lineage(app: &App, run: &outhaul_types::RunId, path: &str) -> Result<ModelLineage, ApiError> {
    let run = app.store.run(run).await.map_err(translate)?;
    let environment_lock = match &run.environment_id {
        Some(id) => match app.store.lock(id).await {
            Ok(lock) => Some(lock),
            Err(StoreError::NotFound { .. }) => None,
            Err(error) => return Err(translate(error)),
        },
        None => None,
    };
    Ok(ModelLineage {
        run: run.id,
        run_name: run.name,
        run_state: run.state,
        experiment: run.experiment,
        path: path.to_owned(),
        // An adopted job's code is not known.
        snapshot: run
            .spec
            .filter(|spec| spec.adopted.is_none())
            .map(|spec| spec.snapshot),
        environment_id: run.environment_id,
        environment_lock,
    })
}

fn named(text: &str) -> Result<ModelName, ApiError> {
    text.parse()
        .map_err(|error: outhaul_types::model::InvalidModelName| ApiError::bad_request(error.to_string()))
}

/// A name with its version: what is changed or deleted has to be said exactly.
fn exactly(text: &str, what: &str) -> Result<(String, u32), ApiError> {
    let name = named(text)?;
    match name.version {
        Some(version) => Ok((name.name, version)),
        None => Err(ApiError::bad_request(format!(
            "which version of model `{}` to {what} is not said",
            name.name
        ))
        .with_hint(format!("write it as `{}:VERSION`", name.name))),
    }
}

async fn not_found(app: &App, workspace: &str, wanted: &ModelName) -> Result<ApiError, ApiError> {
    let all = app
        .store
        .models(workspace, &ModelFilter::default())
        .await
        .map_err(translate)?;
    let versions: Vec<_> = all.iter().filter(|model| model.name == wanted.name).collect();
    if versions.is_empty() {
        let mut names: Vec<_> = all.iter().map(|model| model.name.as_str()).collect();
        names.dedup();
        return Ok(unknown("model", &wanted.to_string(), names, "outhaul model list"));
    }
    let known: Vec<_> = versions.iter().map(|model| model.version.to_string()).collect();
    let error = ApiError::not_found(format!("there is no model `{wanted}`"));
    Ok(error.with_hint(format!("there is version {} of it", known.join(", "))))
}

fn check_framework(request: &RegisterModel) -> Result<(), ApiError> {
    for (what, text) in [
        ("framework", &request.framework),
        ("version of the framework", &request.framework_version),
    ] {
        let sound = |text: &String| {
            !text.is_empty() && text.len() <= LONGEST_FRAMEWORK && !text.chars().any(char::is_control)
        };
        if !text.as_ref().is_none_or(sound) {
            return Err(ApiError::bad_request(format!(
                "the {what} must be a short text and not empty"
            )));
        }
    }
    Ok(())
}

fn damaged(model: &Model, error: &ArtifactError) -> ApiError {
    ApiError::internal(format!("the files of model `{}`: {error}", model.reference()))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
fn cannot_keep(error: ArtifactError) -> ApiError {
    let api = ApiError::new(ErrorCode::Internal, format!("the model cannot be kept: {error}"));
    match error {
        ArtifactError::DiskFull(_) => api.with_hint("make room on the server's disk"),
        _ => api,
    }
}
