//! `outhaul model register`. The command puts files of this machine straight among the artifacts, as it does with code;
//! the server then takes the tree by its id.

use std::path::{Path, PathBuf};

use outhaul_snapshot::{BlobStore, keep_whole};
use outhaul_types::api::{ModelSource, RegisterModel};
use outhaul_types::{RunId, exit_code};

use crate::args::ModelRegister;
use crate::context::Context;
use crate::error::{CliError, Outcome};
use crate::home;

pub(super) async fn run(context: &Context, args: ModelRegister) -> Outcome {
    let (framework, framework_version) = framework(args.framework, args.framework_version);
    let id = match args.id {
        Some(id) => id,
        None => RunId::generate()
            .map_err(|error| CliError::system(format!("no id can be made for the registration: {error}")))?,
    };
    let (tags, properties) = (
        super::pairs("tag", args.tag)?,
        super::pairs("property", args.property)?,
    );
    // A server of this data folder makes it before anything is put there.
    let client = context.client().await?;
    let source = match args.from_run {
        Some(run) => ModelSource::Run { run, path: args.path },
        None => put(context, &args.path)?,
    };
    let request = RegisterModel {
        id,
        name: args.name,
        source,
        tags,
        properties,
        description: args.description,
        framework,
        framework_version,
    };
    let model = client.register_model(context.workspace(), &request).await?;
    let printer = &context.printer;
    if printer.json {
        printer.json(&model)?;
    } else {
        printer.lines(&model.reference().to_string())?;
    }
    Ok(exit_code::SUCCESS)
}

/// A framework and its version, which may be written as one.
fn framework(name: Option<String>, version: Option<String>) -> (Option<String>, Option<String>) {
    match (name, version) {
        (Some(text), None) => match text.split_once(':') {
            Some((name, version)) => (Some(name.to_owned()), Some(version.to_owned())),
            None => (Some(text), None),
        },
        both => both,
    }
}

/// Puts a file or folder of this machine among the artifacts.
fn put(context: &Context, given: &str) -> Result<ModelSource, CliError> {
    let path = context.here.join(given);
    if let Err(error) = std::fs::metadata(&path) {
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => format!("there is no file or folder `{given}`"),
            _ => format!("`{given}` cannot be read: {error}"),
        };
        return Err(CliError::user(message).hint("`--from-run RUN` takes the path among a run's outputs"));
    }
    let real = path
        .canonicalize()
        .map_err(|error| CliError::user(format!("`{given}` cannot be read: {error}")))?;
    if holds(&real, &context.home) {
        return Err(
            CliError::user(format!("`{given}` holds the data folder of outhaul"))
                .hint("name the file or folder of the model"),
        );
    }
    let name = top(&path, &real)
        .ok_or_else(|| CliError::user(format!("`{given}` has no name that a model's files could have")))?;
    let store = BlobStore::open(home::artifacts(&context.home))?;
    let tree = keep_whole(&real, &name, &store)?;
    if tree.entries().is_empty() {
        return Err(CliError::user(format!("there is no file in folder `{given}`"))
            .hint("a model needs a file at least"));
    }
    let id = store.put_tree(&tree)?;
    Ok(ModelSource::Tree {
        tree: id.to_hex(),
        path: real.to_string_lossy().into_owned(),
    })
}

/// What the file or folder is called: as it was given, or, for `.` and the like, as it is.
fn top(given: &Path, real: &Path) -> Option<String> {
    let last: Option<PathBuf> = given.components().next_back().map(|part| part.as_os_str().into());
    let named = given
        .file_name()
        .filter(|name| last.as_deref() == Some(Path::new(name)));
    named
        .or_else(|| real.file_name())
        .and_then(|name| name.to_str())
        .map(str::to_owned)
}

fn holds(folder: &Path, home: &Path) -> bool {
    home.canonicalize().is_ok_and(|home| home.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_called_what_they_were_given_as() {
        for (given, real, name) in [
            ("/a/model.pkl", "/a/model-3.pkl", Some("model.pkl")),
            ("/a/saved/", "/a/saved", Some("saved")),
            ("/a/saved/.", "/a/saved", Some("saved")),
            ("/a/b/..", "/a", Some("a")),
            ("/", "/", None),
        ] {
            assert_eq!(top(Path::new(given), Path::new(real)).as_deref(), name, "{given}");
        }
    }
}
