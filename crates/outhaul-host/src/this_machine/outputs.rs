//! What an ended run left: the kept folders of its code folder, and its uploads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use outhaul_driver::{Collected, DriverError, OutputSink};

use crate::run_dir::names;

/// Files to keep by their name within the run, and what cannot be kept with the reason.
#[derive(Default)]
struct Found {
    files: BTreeMap<String, PathBuf>,
    skipped: Vec<(String, String)>,
}

pub(super) async fn collect(dir: PathBuf, sink: &dyn OutputSink) -> Result<Collected, DriverError> {
    let found = tokio::task::spawn_blocking(move || find(&dir))
        .await
        .map_err(|error| {
            DriverError::permanent(
                outhaul_driver::ErrorKind::System,
                "collect the run's outputs",
                error.to_string(),
            )
        })?;
    let mut collected = Collected {
        files: 0,
        skipped: found.skipped,
    };
    for (name, file) in found.files {
        match sink.keep(&name, &file).await {
            Ok(()) => collected.files += 1,
            // A full disk on our side is no property of the file: the caller tries all again later.
            Err(error) if error.is_temporary() => return Err(error),
            Err(error) => collected.skipped.push((name, error.message)),
        }
    }
    Ok(collected)
}

fn find(dir: &Path) -> Found {
    let mut found = Found::default();
    // Links are followed only within the run's own directory.
    let Ok(inside) = dir.canonicalize() else {
        return found;
    };
    let code = inside.join(names::CODE);
    for kept in names::KEPT {
        walk(&inside, &code.join(kept), kept, &mut found);
    }
    // What was handed over under a name wins over a file that happens to lie there.
    walk(&inside, &inside.join(names::UPLOADS), "", &mut found);
    found
}

fn walk(inside: &Path, folder: &Path, prefix: &str, found: &mut Found) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => return found.skipped.push((prefix.to_owned(), error.to_string())),
    };
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let Some(file_name) = file_name.to_str() else {
            let shown = format!("{prefix}/{}", entry.file_name().display());
            found
                .skipped
                .push((shown, "the name is not valid UTF-8".to_owned()));
            continue;
        };
        let name = if prefix.is_empty() {
            file_name.to_owned()
        } else {
            format!("{prefix}/{file_name}")
        };
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(inside, &path, &name, found),
            Ok(kind) if kind.is_file() => {
                found.files.insert(name, path);
            }
            Ok(kind) if kind.is_symlink() => match path.canonicalize() {
                Ok(real) if !real.starts_with(inside) => {
                    found.skipped.push((
                        name,
                        format!("it is a link to `{}`, outside the run", real.display()),
                    ));
                }
                Ok(real) if real.is_file() => {
                    found.files.insert(name, real);
                }
                Ok(_) => found.skipped.push((name, "it is a link to a folder".to_owned())),
                Err(error) => found
                    .skipped
                    .push((name, format!("it is a link that leads nowhere: {error}"))),
            },
            Ok(_) => found
                .skipped
                .push((name, "it is neither a file nor a folder".to_owned())),
            Err(error) => found.skipped.push((name, error.to_string())),
        }
    }
}
