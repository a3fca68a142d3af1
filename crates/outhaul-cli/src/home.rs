//! Where the data folder is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::env_vars;
use crate::error::CliError;

/// Where everything is kept on disk. Nothing is made here.
///
/// # Errors
/// When neither `OUTHAUL_HOME` nor a home folder is known.
pub(crate) fn data_folder() -> Result<PathBuf, CliError> {
    let here = std::env::current_dir()
        .map_err(|error| CliError::user(format!("the current folder cannot be used: {error}")))?;
    choose(&here, cfg!(target_os = "macos"), env_vars::get).ok_or_else(|| {
        CliError::user("the data folder is not known: neither `OUTHAUL_HOME` nor `HOME` is set")
            .hint("set `OUTHAUL_HOME` to a folder of yours")
    })
}

fn choose(here: &Path, macos: bool, get: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(home) = get(env_vars::OUTHAUL_HOME) {
        return Some(plain(&here.join(home)));
    }
    if macos {
        return Some(PathBuf::from(get(env_vars::HOME)?).join("Library/Application Support/outhaul"));
    }
    // The convention says that a relative path is to be ignored.
    let data = get(env_vars::XDG_DATA_HOME)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let data = match data {
        Some(data) => data,
        None => PathBuf::from(get(env_vars::HOME)?).join(".local/share"),
    };
    Some(plain(&here.join(data).join("outhaul")))
}

/// The path without `.` components and a slash at the end, so that the same folder is always named the same way.
fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

/// The folder of snapshot contents.
pub(crate) fn blobs(home: &Path) -> PathBuf {
    home.join("blobs")
}

/// The folder of what runs leave and models are made of.
pub(crate) fn artifacts(home: &Path) -> PathBuf {
    home.join("artifacts")
}

/// Where it is kept what the files of a source folder looked like at its last snapshot.
pub(crate) fn snapshot_index(home: &Path, source: &Path) -> PathBuf {
    let name = outhaul_snapshot::Hash::of(source.as_os_str().as_encoded_bytes()).to_hex();
    home.join("snapshot-index").join(&name[..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_set_wins() {
        let choose = |macos: bool, set: &[(&str, &str)]| {
            choose(Path::new("/here"), macos, |name| {
                set.iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| value.into())
            })
        };
        let all = [("OUTHAUL_HOME", "/o"), ("XDG_DATA_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(choose(false, &all), Some("/o".into()));
        assert_eq!(choose(true, &all), Some("/o".into()));
        assert_eq!(choose(false, &all[1..]), Some("/x/outhaul".into()));
        assert_eq!(choose(false, &all[2..]), Some("/h/.local/share/outhaul".into()));
        assert_eq!(
            choose(true, &all[1..]),
            Some("/h/Library/Application Support/outhaul".into())
        );
        assert_eq!(
            choose(false, &[("XDG_DATA_HOME", "rel"), ("HOME", "/h")]),
            Some("/h/.local/share/outhaul".into())
        );
        assert_eq!(
            choose(false, &[("OUTHAUL_HOME", "./a/./b/")]),
            Some("/here/a/b".into())
        );
        assert_eq!(choose(false, &[]), None);
    }

    #[test]
    fn each_source_has_its_index() {
        let home = Path::new("/h");
        let one = snapshot_index(home, Path::new("/a"));
        assert_eq!(one, snapshot_index(home, Path::new("/a")));
        assert_ne!(one, snapshot_index(home, Path::new("/b")));
        assert!(one.starts_with("/h/snapshot-index"));
    }
}
