//! From the options of `deploy` and `service update` to what the server is asked: files are put where it finds them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use outhaul_snapshot::{BlobStore, keep_whole};
use outhaul_types::api::{EnvironmentChoice, ModelChoice, ServiceChange};
use outhaul_types::model::ModelName;
use outhaul_types::service::TlsFiles;
use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{SnapshotRef, WebService};

use crate::args::ServiceWishes;
use crate::commands::run::code;
use crate::commands::run::environment::Wish;
use crate::context::Context;
use crate::error::{self, CliError};
use crate::{env_vars, home};

/// The longest name of a model that is given as a file, as in Azure ML v1.
const LONGEST: usize = 30;

/// What is asked for of a service on a target. `is_known` says that the service is there already.
pub(super) fn change(
    context: &Context,
    wishes: &ServiceWishes,
    is_known: bool,
    target: &str,
) -> Result<ServiceChange, CliError> {
    let is_here = target == LOCAL_TARGET;
    let place = place(context, wishes, is_known)?;
    let models = wishes
        .model
        .iter()
        .map(|text| model(context, text))
        .collect::<Result<Vec<_>, _>>()?;
    let environment = environment(context, wishes, is_known, target)?;
    let variables = variables(wishes)?;
    let tls = match (&wishes.tls_cert, &wishes.tls_key) {
        (Some(certificate), Some(key)) => Some(TlsFiles {
            certificate: file(context, certificate, is_here)?,
            key: file(context, key, is_here)?,
        }),
        _ => None,
    };
    let tags: BTreeMap<String, String> = wishes
        .tag
        .iter()
        .map(|tag| (tag.key.clone(), tag.value.clone()))
        .collect();
    Ok(ServiceChange {
        models: (!models.is_empty()).then_some(models),
        entry: place
            .as_ref()
            .and_then(|place| place.entry.clone())
            .or_else(|| wishes.entry.clone()),
        source: place.map(|place| place.source),
        environment,
        conda: None,
        variables: (!variables.is_empty()).then_some(variables),
        host: wishes.host.map(|host| host.to_string()),
        port: wishes.port,
        workers: wishes.workers,
        queue: wishes.queue,
        timeout_seconds: wishes.timeout.map(|timeout| timeout.as_secs()),
        max_body: wishes.max_body.map(|bytes| bytes as u64),
        cors: wishes.cors.clone(),
        keys: match (wishes.auth_keys, wishes.no_auth_keys) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        },
        tls,
        description: wishes.description.clone(),
        tags: (!tags.is_empty()).then_some(tags),
    })
}

/// The source folder of a service as it is now.
pub(super) fn same_folder(context: &Context, service: &WebService) -> Result<ServiceChange, CliError> {
    let known = &service.spec.source.source;
    let folder = PathBuf::from(known);
    if !folder.is_dir() {
        return Err(CliError::user(format!(
            "the source folder of service `{}`, `{known}`, is not there any more",
            service.name
        ))
        .hint(format!(
            "`outhaul service update {} --source DIR` names another",
            service.name
        )));
    }
    let taken = code::take(context, &folder, Some(&service.spec.entry))?;
    Ok(ServiceChange {
        source: Some(taken.reference(code::git(&folder))),
        ..ServiceChange::default()
    })
}

/// The environment; an update that names none keeps it.
fn environment(
    context: &Context,
    wishes: &ServiceWishes,
    is_known: bool,
    target: &str,
) -> Result<Option<EnvironmentChoice>, CliError> {
    if let Some(spec) = &wishes.environment_spec {
        return Ok(Some(EnvironmentChoice::Spec {
            spec: spec.as_ref().clone(),
        }));
    }
    if is_known && wishes.environment.is_none() && wishes.python.is_none() {
        return Ok(None);
    }
    let mut wish = Wish::of(
        context,
        wishes.environment.as_deref(),
        Some(target),
        wishes.python.as_deref(),
    )?;
    wish.settle(&context.home)?;
    Ok(Some(wish.choice()))
}

struct Place {
    source: SnapshotRef,
    /// The entry script within the source, where it was given as a path to it.
    entry: Option<String>,
}

/// Takes the snapshot of the source folder; `None` when an update names none.
fn place(context: &Context, wishes: &ServiceWishes, is_known: bool) -> Result<Option<Place>, CliError> {
    let entry = wishes.entry.as_deref();
    let (folder, entry) = match (&wishes.source, entry, is_known) {
        (Some(source), entry, _) => (context.here.join(source), entry.map(str::to_owned)),
        (None, Some(entry), false) => {
            // The script's own folder.
            let path = context.here.join(entry);
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .ok_or_else(|| CliError::user(format!("`{entry}` is no script")))?
                .to_owned();
            (path.parent().map(PathBuf::from).unwrap_or_default(), Some(name))
        }
        // What is not named stays.
        (None, _, true) => return Ok(None),
        (None, None, false) => {
            return Err(CliError::user("no entry script is given").hint("name it with `--entry score.py`"));
        }
    };
    let folder = folder.canonicalize().map_err(|error| {
        CliError::user(format!(
            "the source folder `{}` cannot be used: {error}",
            folder.display()
        ))
        .hint("name another with `--source DIR`")
    })?;
    if let Some(entry) = &entry
        && !folder.join(entry).is_file()
    {
        return Err(CliError::user(format!(
            "there is no entry script `{entry}` in `{}`",
            folder.display()
        ))
        .hint("`--entry` is relative to `--source`, or the path of the script when no source is given"));
    }
    let taken = code::take(context, &folder, entry.as_deref())?;
    Ok(Some(Place {
        source: taken.reference(code::git(&folder)),
        entry,
    }))
}

/// The absolute path of a file: of this machine, where it has to be there, or of the one that the service runs on.
fn file(context: &Context, path: &Path, is_here: bool) -> Result<String, CliError> {
    if !is_here {
        let text = path.to_str().filter(|_| path.is_absolute());
        return text.map(str::to_owned).ok_or_else(|| {
            CliError::user(format!("`{}` is not the absolute path of a file", path.display()))
                .hint("it is a file of the target: give its whole path there")
        });
    }
    let file = context.here.join(path);
    let real = file
        .canonicalize()
        .map_err(|error| CliError::user(format!("`{}` cannot be read: {error}", path.display())))?;
    real.into_os_string()
        .into_string()
        .map_err(|_| CliError::user(format!("the path of `{}` is not UTF-8", path.display())))
}

/// A registered model, or a file or folder of this machine that becomes one of the service's own.
fn model(context: &Context, text: &str) -> Result<ModelChoice, CliError> {
    let path = context.here.join(text);
    if !path.exists() {
        let looks_like_path = text.contains('/');
        return match text.parse::<ModelName>() {
            Ok(name) if !looks_like_path => Ok(ModelChoice::Registered {
                name: name.name,
                version: name.version,
            }),
            Ok(_) | Err(_) if looks_like_path => Err(CliError::user(format!(
                "there is no model file or folder `{text}`"
            ))),
            Ok(_) => Err(CliError::user(format!("`{text}` names no model"))),
            Err(error) => Err(error::user(error)),
        };
    }
    let real = path
        .canonicalize()
        .map_err(|error| CliError::user(format!("`{text}` cannot be read: {error}")))?;
    let file = real
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| CliError::user(format!("`{text}` has no name that a model could have")))?
        .to_owned();
    let store = BlobStore::open(home::blobs(&context.home))?;
    let tree = keep_whole(&real, &file, &store)?;
    if tree.entries().is_empty() {
        return Err(CliError::user(format!("there is no file in `{text}`")));
    }
    Ok(ModelChoice::Files {
        name: name_of(&file),
        tree: store.put_tree(&tree)?.to_hex(),
    })
}

/// The name that a file's model gets.
fn name_of(file: &str) -> String {
    let name: String = file
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .take(LONGEST)
        .collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if name.is_empty() {
        "model".to_owned()
    } else {
        name.to_owned()
    }
}

fn variables(wishes: &ServiceWishes) -> Result<BTreeMap<String, String>, CliError> {
    let mut variables = BTreeMap::new();
    for variable in &wishes.env {
        let value = match &variable.value {
            Some(value) => value.clone(),
            None => env_vars::get(&variable.name)
                .and_then(|value| value.into_string().ok())
                .ok_or_else(|| CliError::user(format!("`{}` is not set in this shell", variable.name)))?,
        };
        variables.insert(variable.name.clone(), value);
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_give_models_a_name() {
        for (file, name) in [
            ("model.pkl", "model.pkl"),
            ("my model (1).pkl", "my-model--1-.pkl"),
            ("_x", "x"),
            ("---", "model"),
            (
                "a-very-long-name-of-a-model-file.joblib",
                "a-very-long-name-of-a-model-fi",
            ),
        ] {
            assert_eq!(name_of(file), name, "{file}");
        }
    }
}
