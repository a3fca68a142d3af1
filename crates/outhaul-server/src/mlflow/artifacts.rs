//! Artifacts through the server. A run's artifacts are its outputs; the files of a logged model lie among the outputs
//! of the run that gave it out.

use axum::body::Body;
use axum::response::Response;
use outhaul_mlflow::MlflowError;
use outhaul_mlflow::artifacts::{self, Owner, join, list};
use outhaul_mlflow::model::{Model, folder};
use outhaul_mlflow::request::Fields;
use outhaul_mlflow::run::RunView;
use outhaul_types::api::Output;
use outhaul_types::{ApiError, Run};
use serde_json::{Value, json};

use super::logging::check_writable;
use super::serve::Answer;
use super::store::{change_model, failed, model, required, run, run_of};
use crate::app::App;
use crate::{api, tracked, uploads};

/// Where files lie.
enum Place {
    /// Among a run's outputs, in a folder of them.
    Run(Box<Run>, String),
    /// With a logged model that no run gave out.
    Model(Box<Model>),
}

impl Place {
    async fn of_model(app: &App, workspace: &str, id: &str) -> Answer<Self> {
        let model = model(app, workspace, id).await?;
        Ok(match &model.source_run_id {
            Some(source) => Self::Run(Box::new(run(app, workspace, source).await?), folder(id)),
            None => Self::Model(Box::new(model)),
        })
    }

    /// The files, with paths below this place.
    async fn files(&self, app: &App) -> Answer<Vec<Output>> {
        match self {
            Self::Model(model) => Ok(model.files.clone()),
            Self::Run(run, folder) => {
                let mut outputs = app.store.outputs(&run.id).await.map_err(failed)?;
                if !folder.is_empty() {
                    outputs.retain_mut(|output| {
                        let below = output
                            .path
                            .strip_prefix(folder.as_str())
                            .and_then(|rest| rest.strip_prefix('/'));
                        let Some(below) = below.map(str::to_owned) else {
                            return false;
                        };
                        output.path = below;
                        true
                    });
                }
                Ok(outputs)
            }
        }
    }
}

/// The place that a path of the artifact routes means, and the path below it.
async fn place<'a>(app: &App, workspace: &str, path: &'a str) -> Answer<(Place, &'a str)> {
    let missing = || MlflowError::missing(format!("`{path}` is not a path of artifacts"));
    let (owner, below) = artifacts::split(path).ok_or_else(missing)?;
    check_stays(below)?;
    let place = match owner {
        Owner::Run(id) => Place::Run(Box::new(run(app, workspace, &id).await?), String::new()),
        Owner::Model(id) => Place::of_model(app, workspace, &id).await?,
    };
    Ok((place, below))
}

/// Refuses a path that leads out of where it begins.
fn check_stays(path: &str) -> Answer<()> {
    if path.split('/').any(|part| part == "..") {
        return Err(MlflowError::invalid(format!(
            "`{path}` is not a path of artifacts"
        )));
    }
    Ok(())
}

pub(super) async fn upload(app: &App, workspace: &str, path: &str, body: Body) -> Answer<axum::Json<Value>> {
    let (place, below) = place(app, workspace, path).await?;
    tracked::check_output(below)?;
    if let Place::Run(run, _) = &place {
        check_writable(run)?;
    }
    let upload = uploads::receive(app, body).await?;
    match place {
        Place::Run(run, folder) => {
            tracked::keep_output(app, &run, &join(&folder, below), upload.path()).await?;
        }
        Place::Model(model) => {
            let kept = app.artifacts.keep(upload.path()).await;
            let kept = kept.map_err(|error| MlflowError::from(ApiError::internal(error.to_string())))?;
            let file = Output {
                path: below.to_owned(),
                size: kept.size,
                hash: kept.hash,
            };
            change_model(app, workspace, &model.model_id, |model| {
                model.files.retain(|known| known.path != file.path);
                model.files.push(file);
                Ok(())
            })
            .await?;
        }
    }
    Ok(axum::Json(json!({})))
}

pub(super) async fn download(app: &App, workspace: &str, path: &str) -> Answer<Response> {
    let (place, below) = place(app, workspace, path).await?;
    let files = place.files(app).await?;
    let file = files
        .iter()
        .find(|file| file.path == below)
        .ok_or_else(|| MlflowError::missing(format!("there is no artifact `{below}`")))?;
    let stored = app.artifacts.file(&file.hash).await;
    let stored = stored.map_err(|error| MlflowError::from(ApiError::internal(error.to_string())))?;
    Ok(api::send_file(&stored, file.size).await?)
}

/// A folder by the artifact routes, which tell names without the folder.
pub(super) async fn list_folder(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let path = required(fields.path.as_deref(), "path")?;
    let (place, below) = place(app, workspace, path).await?;
    Ok(json!({"files": list(&place.files(app).await?, below, str::to_owned)}))
}

/// A folder of a run, with paths from the run's root.
pub(super) async fn list_run(app: &App, workspace: &str, fields: &Fields) -> Answer {
    let run = run_of(app, workspace, fields).await?;
    let folder = fields.path.as_deref().unwrap_or_default();
    check_stays(folder)?;
    let view = RunView {
        run,
        metrics: Default::default(),
        lineage: Default::default(),
    };
    let root = view.info()["artifact_uri"].clone();
    let outputs = app.store.outputs(&view.run.id).await.map_err(failed)?;
    Ok(json!({"root_uri": root, "files": list(&outputs, folder, |name| join(folder, name))}))
}

/// A folder of a logged model, with paths from the model's root.
pub(super) async fn list_model(app: &App, workspace: &str, id: &str, fields: &Fields) -> Answer {
    let root = model(app, workspace, id).await?.message()["info"]["artifact_uri"].clone();
    let place = Place::of_model(app, workspace, id).await?;
    let folder = fields.artifact_directory_path.as_deref().unwrap_or_default();
    Ok(json!({"root_uri": root, "files": list(&place.files(app).await?, folder, |name| join(folder, name))}))
}

/// Removes a file, or all files of a folder.
pub(super) async fn remove(app: &App, workspace: &str, path: &str) -> Answer {
    let (place, below) = place(app, workspace, path).await?;
    let is_meant = |path: &str| below.is_empty() || path == below || path.starts_with(&format!("{below}/"));
    match &place {
        Place::Run(run, folder) => {
            if !run.is_tracked() {
                let message = format!("the outputs of run `{}` are kept as it left them", run.id);
                return Err(MlflowError::invalid(message));
            }
            let files = place.files(app).await?;
            let paths = files
                .iter()
                .filter(|file| is_meant(&file.path))
                .map(|file| join(folder, &file.path));
            app.store
                .remove_outputs(&run.id, paths.collect())
                .await
                .map_err(failed)?;
            app.hub.changed(&run.id);
        }
        Place::Model(model) => {
            change_model(app, workspace, &model.model_id, |model| {
                model.files.retain(|file| !is_meant(&file.path));
                Ok(())
            })
            .await?;
        }
    }
    Ok(json!({}))
}
