//! Removing a run directory, whatever its script did to the permissions in it.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Removes a folder with all that is in it; one that is not there is no error.
///
/// # Errors
/// When something in it cannot be removed.
pub fn remove(dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        // Package caches, for one, are often left without the right to write.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            open_up(dir)?;
            std::fs::remove_dir_all(dir)
        }
        other => other,
    }
}

/// Gives the owner all rights on every folder. Links are not followed.
fn open_up(dir: &Path) -> std::io::Result<()> {
    std::fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_without_rights_are_opened_up() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("run/code/deep");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join("file"), "x").unwrap();
        std::os::unix::fs::symlink("/", deep.join("link")).unwrap();
        for path in [&deep, &folder.path().join("run/code")] {
            std::fs::set_permissions(path, Permissions::from_mode(0o000)).unwrap();
        }
        open_up(&folder.path().join("run")).unwrap();
        assert_eq!(
            std::fs::metadata(&deep).unwrap().permissions().mode() & 0o777,
            0o700
        );
        remove(&folder.path().join("run")).unwrap();
        remove(&folder.path().join("run")).unwrap();
        assert!(
            std::fs::read_dir("/").unwrap().count() > 5,
            "links are not followed"
        );
    }
}
