//! Putting a whole folder of this machine to another place of it.

use std::io::ErrorKind;
use std::path::Path;

/// Moves the folder, or copies it where it cannot be moved. `to` appears whole or not at all.
pub(super) fn place(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(above) = to.parent() {
        std::fs::create_dir_all(above)?;
    }
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {}
        done => return done,
    }
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let copied = match std::fs::remove_dir_all(part) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => copy(from, part),
    };
    let placed = copied.and_then(|()| std::fs::rename(part, to));
    if placed.is_err() {
        // What is left of it counts for nothing.
        let _ = std::fs::remove_dir_all(part);
    }
    placed
}

/// Copies a folder with its links and rights.
pub(super) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (kind, source, target) = (entry.file_type()?, entry.path(), to.join(entry.file_name()));
        if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&source)?, &target)?;
        } else if kind.is_dir() {
            copy(&source, &target)?;
        } else {
            std::fs::copy(&source, &target)?;
        }
    }
    std::fs::set_permissions(to, std::fs::metadata(from)?.permissions())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn copies_keep_links_and_rights() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir_all(from.join("bin")).unwrap();
        std::fs::write(from.join("bin/tool"), "x").unwrap();
        std::fs::set_permissions(from.join("bin/tool"), PermissionsExt::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("tool", from.join("bin/link")).unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(
            std::fs::read_link(to.join("bin/link")).unwrap(),
            Path::new("tool")
        );
        let mode = std::fs::metadata(to.join("bin/tool"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o755);
        assert!(place(&from, &to).is_err() && from.exists(), "what is there stays");
        place(&from, &folder.path().join("new/place")).unwrap();
        assert!(folder.path().join("new/place/bin/link").exists());
    }
}
