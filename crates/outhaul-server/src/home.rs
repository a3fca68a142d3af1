//! The data folder: its layout, its version, and the lock that keeps it to one server.

use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{ApiError, RunId};

/// Version of the layout that this program writes.
const VERSION: u32 = 1;

/// A data folder that this process holds the lock of.
pub(crate) struct Home {
    root: PathBuf,
    _lock: File,
}

impl Home {
    /// Opens the data folder, making it where it is not there, and takes its lock.
    ///
    /// # Errors
    /// When another server has it, a newer program wrote it, it is somebody else's folder, or it cannot be written.
    pub(crate) fn open(root: &Path) -> Result<Self, ApiError> {
        let failed = |path: &Path, error: std::io::Error| {
            ApiError::internal(format!(
                "the data folder cannot be used: `{}`: {error}",
                path.display()
            ))
            .with_hint("set OUTHAUL_HOME to a folder that you may write")
        };
        check_ours(root)?;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .map_err(|error| failed(root, error))?;
        std::fs::set_permissions(root, Permissions::from_mode(0o700)).map_err(|error| failed(root, error))?;
        let lock_path = root.join("server.lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|error| failed(&lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(ApiError::conflict(format!(
                    "a server is already running for the data folder `{}`",
                    root.display()
                ))
                .with_hint("see `outhaul server status`; `outhaul server stop` ends it (runs go on)"));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(failed(&lock_path, error)),
        }
        let version = root.join("version");
        if !version.exists() {
            let fresh = root.join("version.new");
            std::fs::write(&fresh, format!("{VERSION}\n"))
                .and_then(|()| std::fs::rename(&fresh, &version))
                .map_err(|error| failed(&version, error))?;
        }
        Ok(Self {
            root: root.to_owned(),
            _lock: lock,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.root.join("outhaul.db")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn artifacts(&self) -> PathBuf {
        self.root.join("artifacts")
    }

    /// Collected logs, a folder for each run.
    pub(crate) fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// The port of the door for MLflow, as long as it shall be open.
    pub(crate) fn mlflow_port(&self) -> PathBuf {
        self.root.join("mlflow-port")
    }

    /// Files that are on their way from a client.
    pub(crate) fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.root.join("targets").join(name)
    }

    /// Makes the folder in which instances of web services on this machine meet, for its owner only, where it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn make_meeting(&self) -> Result<(), ApiError> {
        let folder = self.target(LOCAL_TARGET).join("services");
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|error| {
                ApiError::internal(format!(
                    "the folder `{}` cannot be made: {error}",
                    folder.display()
                ))
            })
    }

    /// The key that secrets are sealed with, unless another one is given.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.root.join("master.key")
    }

    /// A name of this data folder that no other one has: what is ours on other machines lies under it.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub(crate) fn server_id(&self) -> Result<String, ApiError> {
        let path = self.root.join("server-id");
        let failed = |error: &dyn std::fmt::Display| {
            ApiError::internal(format!(
                "the data folder cannot be used: `{}`: {error}",
                path.display()
            ))
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => match text.trim().parse::<RunId>() {
                Ok(id) => return Ok(id.to_string()),
                Err(error) => return Err(failed(&error)),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&error)),
        }
        let id = RunId::generate().map_err(|error| failed(&error))?.to_string();
        let fresh = self.root.join("server-id.new");
        std::fs::write(&fresh, format!("{id}\n"))
            .and_then(|()| std::fs::rename(&fresh, &path))
            .map_err(|error| failed(&error))?;
        Ok(id)
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.root.join("python")
    }
}

/// Refuses a folder of a newer program, and one that holds somebody else's files.
fn check_ours(root: &Path) -> Result<(), ApiError> {
    match std::fs::read_to_string(root.join("version")) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(version) if version <= VERSION => Ok(()),
            Ok(version) => Err(ApiError::conflict(format!(
                "the data folder `{}` is of version {version}, and this program knows versions up to {VERSION}",
                root.display()
            ))
            .with_hint("use a newer outhaul, or set OUTHAUL_HOME to another folder; nothing was changed")),
            Err(_) => Err(ApiError::internal(format!("`{}` does not hold a version", root.join("version").display()))
                .with_hint("restore the file from a backup, or set OUTHAUL_HOME to another folder")),
        },
        Err(_) => {
            // What the command that starts the server may have made before it.
            let ours = ["start.lock", "server.lock", "server.log", "server.sock", "version.new"];
            let foreign = std::fs::read_dir(root)
                .into_iter()
                .flatten()
                .flatten()
                .find(|entry| !entry.file_name().to_str().is_some_and(|name| ours.contains(&name)));
            match foreign {
                None => Ok(()),
                Some(entry) => Err(ApiError::bad_request(format!(
                    "`{}` is not a data folder of outhaul and is not empty (it holds `{}`)",
                    root.display(),
                    entry.file_name().display()
                ))
                .with_hint("set OUTHAUL_HOME to an empty folder or one that does not exist yet; nothing was changed")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_it_and_others_see_it_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("home");
        let home = Home::open(&root).unwrap();
        assert_eq!(
            std::fs::metadata(&root).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert!(
            Home::open(&root)
                .err()
                .unwrap()
                .message
                .contains("already running")
        );
        drop(home);
        Home::open(&root).unwrap();
    }

    #[test]
    fn a_newer_folder_and_a_foreign_one_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("version"), "99\n").unwrap();
        assert!(
            Home::open(folder.path())
                .err()
                .unwrap()
                .message
                .contains("version 99")
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::rename(folder.path().join("version"), folder.path().join("thesis.tex")).unwrap();
        assert!(
            Home::open(folder.path())
                .err()
                .unwrap()
                .message
                .contains("thesis.tex")
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
