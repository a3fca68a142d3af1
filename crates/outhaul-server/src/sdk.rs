//! The Python packages that runs get on their `PYTHONPATH`, carried in this program and laid into the data folder.

mod azureml;

use std::path::{Path, PathBuf};

use outhaul_types::ApiError;

/// A file of the package by its path within it.
macro_rules! file {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../python/", $name)))
    };
}

/// The files of the package, all of them: a script may submit runs itself, and an installed package of the same name
/// would be hidden by this one.
const FILES: &[(&str, &str)] = &[
    file!("outhaul/__init__.py"),
    file!("outhaul/_client/__init__.py"),
    file!("outhaul/_client/attaching.py"),
    file!("outhaul/_client/client.py"),
    file!("outhaul/_client/core.py"),
    file!("outhaul/_client/deployment.py"),
    file!("outhaul/_client/follow.py"),
    file!("outhaul/_client/program.py"),
    file!("outhaul/_client/query.py"),
    file!("outhaul/_client/scoring.py"),
    file!("outhaul/_client/sse.py"),
    file!("outhaul/_client/submission.py"),
    file!("outhaul/_client/transport.py"),
    file!("outhaul/_client/wire.py"),
    file!("outhaul/_display.py"),
    file!("outhaul/_files.py"),
    file!("outhaul/_logs.py"),
    file!("outhaul/_metrics.py"),
    file!("outhaul/_model.py"),
    file!("outhaul/_notebook.py"),
    file!("outhaul/_ops/__init__.py"),
    file!("outhaul/_ops/given.py"),
    file!("outhaul/_ops/models.py"),
    file!("outhaul/_ops/runs.py"),
    file!("outhaul/_ops/services.py"),
    file!("outhaul/_ops/targets.py"),
    file!("outhaul/_ops/workspaces.py"),
    file!("outhaul/_record.py"),
    file!("outhaul/_server_sink.py"),
    file!("outhaul/_service.py"),
    file!("outhaul/_sink.py"),
    file!("outhaul/_spark_driver.py"),
    file!("outhaul/aio/__init__.py"),
    file!("outhaul/aio/arrays.py"),
    file!("outhaul/aio/models.py"),
    file!("outhaul/aio/services.py"),
    file!("outhaul/aio/submitted.py"),
    file!("outhaul/aio/targets.py"),
    file!("outhaul/aio/tracked.py"),
    file!("outhaul/aio/workspace.py"),
    file!("outhaul/arrays.py"),
    file!("outhaul/environment.py"),
    file!("outhaul/errors.py"),
    file!("outhaul/py.typed"),
    file!("outhaul/models.py"),
    file!("outhaul/run.py"),
    file!("outhaul/services.py"),
    file!("outhaul/submitted.py"),
    file!("outhaul/target.py"),
    file!("outhaul/targets.py"),
    file!("outhaul/tracked.py"),
    file!("outhaul/workspace.py"),
];

/// The files of both packages.
fn all() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    FILES.iter().chain(azureml::FILES)
}

/// Lays the packages out, named by its content, so that a run that goes on keeps the one it was started with.
pub(crate) fn install(folder: &Path) -> Result<PathBuf, ApiError> {
    let mut hasher = blake3::Hasher::new();
    for (name, text) in all() {
        hasher
            .update(name.as_bytes())
            .update(&[0])
            .update(text.as_bytes())
            .update(&[0]);
    }
    let place = folder.join(&hasher.finalize().to_hex()[..16]);
    let failed =
        |error: std::io::Error| ApiError::internal(format!("cannot write `{}`: {error}", place.display()));
    if place.is_dir() {
        return Ok(place);
    }
    let fresh = folder.join("new");
    let _ = std::fs::remove_dir_all(&fresh);
    for (name, text) in all() {
        let path = fresh.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(&fresh)).map_err(failed)?;
        std::fs::write(&path, text).map_err(failed)?;
    }
    std::fs::rename(&fresh, &place).map_err(failed)?;
    Ok(place)
}

/// Writes the packages into an empty folder, with what only people at a terminal use.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_for_people(folder: &Path) -> std::io::Result<()> {
    for (name, text) in all().chain(azureml::FOR_PEOPLE) {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(&path, text)?;
    }
    Ok(())
}

/// The files by their paths within `python/`, for machines that they are sent to.
pub(crate) fn files() -> Vec<(String, Vec<u8>)> {
    all()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path
                .extension()
                .is_some_and(|ending| ending == "py" || ending == "typed" || ending == "json")
            {
                found.push(path);
            }
        }
    }

    #[test]
    fn the_whole_packages_are_carried() {
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python");
        let mut found = Vec::new();
        for package in ["outhaul", "azureml", "outhaul_azureml"] {
            walk(&python.join(package), &mut found);
        }
        let mut found: Vec<String> = found
            .iter()
            .filter_map(|path| path.strip_prefix(&python).ok())
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
        // It makes the table and is started in the repository.
        found.retain(|name| name != "outhaul_azureml/table/make.py");
        found.sort();
        let mut carried: Vec<&str> = all().chain(azureml::FOR_PEOPLE).map(|(name, _)| *name).collect();
        carried.sort_unstable();
        assert_eq!(carried, found);
    }
}
