//! Files from the server into a folder: never outside it, never a half one, never one whose bytes are not what its
//! hash says.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use outhaul_client::ByteStream;
use outhaul_types::spec::is_inside;

use crate::error::CliError;

/// A folder that files are downloaded into.
pub(super) struct Destination {
    root: PathBuf,
}

impl Destination {
    /// Makes the folder when it is missing.
    pub(super) fn open(root: &Path) -> Result<Self, CliError> {
        fs::create_dir_all(root).map_err(|error| cannot("make the folder", root, &error))?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> Result<bool, CliError> {
        let mut entries =
            fs::read_dir(&self.root).map_err(|error| cannot("read the folder", &self.root, &error))?;
        Ok(entries.next().is_none())
    }

    /// Where a file of this path goes, with its folders made. Nothing on the way may be a link: it could lead outside.
    pub(super) fn place(&self, path: &str) -> Result<PathBuf, CliError> {
        if !is_inside(path) {
            let message = format!(
                "the server names a file `{}`, which is not inside a folder",
                path.escape_debug()
            );
            return Err(CliError::system(message).hint("nothing was written outside the folder"));
        }
        let mut place = self.root.clone();
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            place.push(part);
            if parts.peek().is_none() {
                break;
            }
            match fs::create_dir(&place) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let meta =
                        fs::symlink_metadata(&place).map_err(|error| cannot("read", &place, &error))?;
                    if !meta.is_dir() {
                        let message = format!("`{}` is in the way: it is not a folder", place.display());
                        return Err(CliError::user(message).hint("download into another folder"));
                    }
                }
                Err(error) => return Err(cannot("make the folder", &place, &error)),
            }
        }
        Ok(place)
    }

    /// Whether the file is there already, byte for byte.
    pub(super) fn has(&self, path: &str, size: u64, hash: &str) -> bool {
        let Ok(place) = self.place(path) else { return false };
        if !fs::symlink_metadata(&place).is_ok_and(|meta| meta.is_file() && meta.len() == size) {
            return false;
        }
        let mut hasher = blake3::Hasher::new();
        fs::File::open(&place)
            .and_then(|mut file| io::copy(&mut file, &mut hasher))
            .is_ok_and(|_| hasher.finalize().to_hex().as_str() == hash)
    }

    /// Writes one file; it appears under its name when it is whole and its hash is right.
    pub(super) async fn write(
        &self,
        path: &str,
        hash: &str,
        executable: bool,
        mut content: ByteStream,
    ) -> Result<(), CliError> {
        let place = self.place(path)?;
        let folder = place.parent().unwrap_or(&self.root);
        let mode = if executable { 0o777 } else { 0o666 };
        let mut draft = tempfile::Builder::new()
            .prefix(".outhaul-")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder)
            .map_err(|error| cannot("write into", folder, &error))?;
        let mut sink = Hashed {
            inner: draft.as_file_mut(),
            hasher: blake3::Hasher::new(),
        };
        content
            .copy_to(&mut sink, &format!("`{}`", place.display()))
            .await?;
        let found = sink.hasher.finalize().to_hex();
        if found.as_str() != hash {
            let message = format!("`{path}` arrived damaged: its hash is `{found}`, not `{hash}`");
            return Err(CliError::system(message).hint("nothing was written under its name; try again"));
        }
        draft
            .persist(&place)
            .map_err(|error| cannot("write", &place, &error.error))?;
        Ok(())
    }
}

struct Hashed<W> {
    inner: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

pub(super) fn cannot(action: &str, path: &Path, error: &io::Error) -> CliError {
    CliError::user(format!("cannot {action} `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stay_inside() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let to = Destination::open(&folder.path().join("new/deep")).unwrap();
        assert!(to.is_empty().unwrap());
        assert_eq!(to.place("a/b/c").unwrap(), folder.path().join("new/deep/a/b/c"));
        assert!(folder.path().join("new/deep/a/b").is_dir());
        for path in ["../x", "/etc/x", "a/../../x", "", "a//b", "."] {
            assert!(to.place(path).is_err(), "{path:?}");
        }
        std::os::unix::fs::symlink(outside.path(), folder.path().join("new/deep/link")).unwrap();
        assert!(to.place("link/x").unwrap_err().message.contains("is in the way"));
        fs::write(folder.path().join("new/deep/file"), "").unwrap();
        assert!(to.place("file/x").is_err());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_is_there_is_known_by_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let to = Destination::open(folder.path()).unwrap();
        fs::write(folder.path().join("f"), "abc").unwrap();
        let hash = blake3::hash(b"abc").to_hex();
        assert!(to.has("f", 3, &hash));
        assert!(!to.has("f", 4, &hash));
        assert!(!to.has("f", 3, &blake3::hash(b"abd").to_hex()));
        assert!(!to.has("g", 3, &hash));
    }
}
