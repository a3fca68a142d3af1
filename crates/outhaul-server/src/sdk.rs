//! The Python package that runs get on their `PYTHONPATH`, carried in this program and laid into the data folder.

use std::path::{Path, PathBuf};

use outhaul_types::ApiError;

/// The files of the package.
const FILES: &[(&str, &str)] = &[
    (
        "outhaul/__init__.py",
        include_str!("../../../python/outhaul/__init__.py"),
    ),
    (
        "outhaul/_files.py",
        include_str!("../../../python/outhaul/_files.py"),
    ),
    (
        "outhaul/_metrics.py",
        include_str!("../../../python/outhaul/_metrics.py"),
    ),
    (
        "outhaul/_record.py",
        include_str!("../../../python/outhaul/_record.py"),
    ),
    (
        "outhaul/_sink.py",
        include_str!("../../../python/outhaul/_sink.py"),
    ),
    (
        "outhaul/_spark_driver.py",
        include_str!("../../../python/outhaul/_spark_driver.py"),
    ),
    (
        "outhaul/py.typed",
        include_str!("../../../python/outhaul/py.typed"),
    ),
    ("outhaul/run.py", include_str!("../../../python/outhaul/run.py")),
];

/// Lays the package out, named by its content, so that a run that goes on keeps the one it was started with.
pub(crate) fn install(folder: &Path) -> Result<PathBuf, ApiError> {
    let mut hasher = blake3::Hasher::new();
    for (name, text) in FILES {
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
    for (name, text) in FILES {
        let path = fresh.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(&fresh)).map_err(failed)?;
        std::fs::write(&path, text).map_err(failed)?;
    }
    std::fs::rename(&fresh, &place).map_err(failed)?;
    Ok(place)
}

/// The files of the package by their paths within it, for machines that it is sent to.
pub(crate) fn files() -> Vec<(String, Vec<u8>)> {
    FILES
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect()
}
