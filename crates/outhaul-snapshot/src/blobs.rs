//! The folder of contents: one read-only file per content, named by its hash.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

use crate::error::SnapshotError;
use crate::hash::Hash;
use crate::ingest::{IngestError, ingest};
use crate::tree::Tree;

/// Where contents are written until they are whole.
const TEMPORARY: &str = "tmp";
/// Where contents go that are not what their name says.
const DAMAGED: &str = "damaged";

/// A content-addressed folder store: `<root>/<2 hex>/<62 hex>`, every file read-only.
///
/// A content appears under its name by one rename when it is whole, so a kill at any moment leaves
/// at most a file in `<root>/tmp`, and any number of processes may write at once. Nothing is
/// synced to disk on the way: after a power cut a content may be short or empty, which every read
/// notices (the hash is checked) and `take` with `verify` mends.
#[derive(Debug, Clone)]
pub struct BlobStore {
    root: PathBuf,
}

/// A content that is now in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// Its name.
    pub hash: Hash,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it was not there before.
    pub is_new: bool,
}

impl BlobStore {
    /// Opens the store in a folder, which is created when it is missing.
    ///
    /// # Errors
    ///
    /// When the folder cannot be created.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, SnapshotError> {
        let root = root.into();
        let temporary = root.join(TEMPORARY);
        fs::create_dir_all(&temporary).map_err(|e| SnapshotError::io("create the folder", &temporary, e))?;
        Ok(Self { root })
    }

    /// The folder of the store.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a content is kept, whether or not it is there.
    #[must_use]
    pub fn path_of(&self, hash: &Hash) -> PathBuf {
        let hex = hash.to_hex();
        let mut path = String::with_capacity(65);
        path.push_str(&hex[..2]);
        path.push('/');
        path.push_str(&hex[2..]);
        self.root.join(path)
    }

    /// Whether a content is there. Its bytes are not looked at.
    #[must_use]
    pub fn has(&self, hash: &Hash) -> bool {
        self.size_of(hash).is_some()
    }

    /// The size in bytes of a content that is there.
    #[must_use]
    pub fn size_of(&self, hash: &Hash) -> Option<u64> {
        fs::symlink_metadata(self.path_of(hash))
            .ok()
            .filter(fs::Metadata::is_file)
            .map(|meta| meta.len())
    }

    /// Stores a file's content in one pass, with constant memory. A symbolic link is followed.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or the store not written; the store then keeps nothing of it.
    pub fn put_file(&self, path: &Path) -> Result<Put, SnapshotError> {
        let unreadable = |e| SnapshotError::io("read", path, e);
        self.put_reader(&mut File::open(path).map_err(unreadable)?)
            .map_err(|e| match e {
                IngestError::Source(cause) => unreadable(cause),
                IngestError::Store(error) => error,
            })
    }

    /// Stores a content held in memory.
    ///
    /// # Errors
    ///
    /// When the store cannot be written; it then keeps nothing of the content.
    pub fn put_bytes(&self, mut bytes: &[u8]) -> Result<Put, SnapshotError> {
        let hash = Hash::of(bytes);
        let size = bytes.len() as u64;
        if self.size_of(&hash) == Some(size) {
            return Ok(Put {
                hash,
                size,
                is_new: false,
            });
        }
        self.put_reader(&mut bytes).map_err(|e| match e {
            IngestError::Source(cause) => SnapshotError::io("read", Path::new("memory"), cause),
            IngestError::Store(error) => error,
        })
    }

    fn put_reader(&self, source: &mut impl Read) -> Result<Put, IngestError> {
        let mut buffer = Vec::new();
        let draft = ingest(source, Some(self), &mut buffer, &mut |_| {})?;
        draft.keep().map_err(IngestError::Store)
    }

    /// Reads a content into memory and checks it.
    ///
    /// # Errors
    ///
    /// When the content is missing, cannot be read, or is damaged (it is then set aside).
    pub fn read(&self, hash: &Hash) -> Result<Vec<u8>, SnapshotError> {
        let mut content = Vec::new();
        self.read_into(hash, &mut content)?;
        Ok(content)
    }

    /// As [`read`](Self::read), into a buffer that is emptied first and may be used again.
    pub(crate) fn read_into(&self, hash: &Hash, buffer: &mut Vec<u8>) -> Result<(), SnapshotError> {
        buffer.clear();
        let mut file = self.open_file(hash)?;
        file.read_to_end(buffer)
            .map_err(|e| SnapshotError::io("read", &self.path_of(hash), e))?;
        if Hash::of(buffer) == *hash {
            Ok(())
        } else {
            Err(self.set_aside(hash))
        }
    }

    /// Opens a content for reading piece by piece. It is checked on the way: the reader reports its
    /// end only when the whole content was as its name says.
    ///
    /// # Errors
    ///
    /// When the content is missing or cannot be opened.
    pub fn open_verified(&self, hash: &Hash) -> Result<VerifiedReader<'_>, SnapshotError> {
        let file = self.open_file(hash)?;
        Ok(VerifiedReader {
            store: self,
            hash: *hash,
            file,
            hasher: blake3::Hasher::new(),
        })
    }

    fn open_file(&self, hash: &Hash) -> Result<File, SnapshotError> {
        let path = self.path_of(hash);
        File::open(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => SnapshotError::MissingBlob {
                hash: *hash,
                path: None,
            },
            _ => SnapshotError::io("read", &path, e),
        })
    }

    /// Stores a tree, as the content of its encoding, and returns its id.
    ///
    /// # Errors
    ///
    /// When the store cannot be written.
    pub fn put_tree(&self, tree: &Tree) -> Result<Hash, SnapshotError> {
        Ok(self.put_bytes(&tree.encode())?.hash)
    }

    /// Reads a tree by its id.
    ///
    /// # Errors
    ///
    /// When the tree is missing or damaged, or the content is not a sound tree.
    pub fn get_tree(&self, id: &Hash) -> Result<Tree, SnapshotError> {
        Ok(Tree::decode(&self.read(id)?)?)
    }

    /// Forgets a tree, so that the next [`crate::take`] of its folder looks for each content and stores again what is
    /// missing. To be called when a tree turned out not to be whole. A tree that is not there is no error.
    ///
    /// # Errors
    ///
    /// When the file cannot be removed.
    pub fn forget_tree(&self, id: &Hash) -> Result<(), SnapshotError> {
        let path = self.path_of(id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(SnapshotError::io("remove", &path, error))
            }
            _ => Ok(()),
        }
    }

    /// Removes what killed writers left in `<root>/tmp` at least `age` ago, and says how many files
    /// that were. A living writer's file is younger than any sensible `age` (a day).
    ///
    /// # Errors
    ///
    /// When the folder cannot be listed. A file that cannot be removed is passed over.
    pub fn remove_leftovers(&self, age: Duration) -> Result<u64, SnapshotError> {
        let folder = self.temporary_folder();
        let listed = fs::read_dir(&folder).map_err(|e| SnapshotError::io("list", &folder, e))?;
        let now = SystemTime::now();
        let mut removed = 0;
        for file in listed.flatten() {
            let changed = file.metadata().and_then(|meta| meta.modified());
            let old = changed.is_ok_and(|at| now.duration_since(at).is_ok_and(|since| since >= age));
            if old && fs::remove_file(file.path()).is_ok() {
                removed += 1;
            }
        }
        Ok(removed)
    }

    pub(crate) fn temporary_folder(&self) -> PathBuf {
        self.root.join(TEMPORARY)
    }

    /// An empty file in `tmp` that is removed again unless it is adopted.
    pub(crate) fn temporary(&self) -> Result<NamedTempFile, SnapshotError> {
        let folder = self.temporary_folder();
        // Read-only from birth: the mode counts for later opens, not for this one.
        let create = || {
            tempfile::Builder::new()
                .permissions(Permissions::from_mode(0o444))
                .tempfile_in(&folder)
        };
        create()
            .or_else(|e| match e.kind() {
                io::ErrorKind::NotFound => fs::create_dir_all(&folder).and_then(|()| create()),
                _ => Err(e),
            })
            .map_err(|e| SnapshotError::io("create a file in", &folder, e))
    }

    /// Gives a whole file its name.
    pub(crate) fn adopt(&self, file: NamedTempFile, hash: &Hash) -> Result<(), SnapshotError> {
        let path = self.path_of(hash);
        let retry = match file.persist(&path) {
            Ok(_) => return Ok(()),
            Err(e) if e.error.kind() == io::ErrorKind::NotFound => e.file,
            Err(e) => return Err(SnapshotError::io("write", &path, e.error)),
        };
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(|e| SnapshotError::io("create the folder", folder, e))?;
        retry
            .persist(&path)
            .map(drop)
            .map_err(|e| SnapshotError::io("write", &path, e.error))
    }

    /// Takes a damaged content out of the way, so that a good one can take its name.
    fn set_aside(&self, hash: &Hash) -> SnapshotError {
        let folder = self.root.join(DAMAGED);
        let moved = fs::create_dir_all(&folder)
            .and_then(|()| fs::rename(self.path_of(hash), folder.join(hash.to_hex())));
        match moved {
            Ok(()) => SnapshotError::CorruptBlob {
                hash: *hash,
                path: None,
            },
            // Another reader was first.
            Err(e) if e.kind() == io::ErrorKind::NotFound => SnapshotError::CorruptBlob {
                hash: *hash,
                path: None,
            },
            Err(e) => SnapshotError::io("set aside the damaged content", &self.path_of(hash), e),
        }
    }
}

/// A content of a [`BlobStore`], checked while it is read.
///
/// A damaged content shows as an error of the kind [`io::ErrorKind::InvalidData`] in place of the
/// end; what was read before must then be thrown away.
#[derive(Debug)]
pub struct VerifiedReader<'a> {
    store: &'a BlobStore,
    hash: Hash,
    file: File,
    hasher: blake3::Hasher,
}

impl Read for VerifiedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        if read > 0 {
            self.hasher.update(&buffer[..read]);
        } else if !buffer.is_empty() && Hash::from(self.hasher.finalize()) != self.hash {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                self.store.set_aside(&self.hash),
            ));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::PIECE;

    fn store() -> (tempfile::TempDir, BlobStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path().join("store")).unwrap();
        (folder, store)
    }

    fn leftovers(store: &BlobStore) -> usize {
        fs::read_dir(store.temporary_folder()).unwrap().count()
    }

    #[test]
    fn contents_of_all_sizes_come_back() {
        let (folder, store) = store();
        for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let content: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let path = folder.path().join("source");
            fs::write(&path, &content).unwrap();
            let put = store.put_file(&path).unwrap();
            assert_eq!(
                put,
                Put {
                    hash: Hash::of(&content),
                    size: size as u64,
                    is_new: true
                }
            );
            assert_eq!(store.read(&put.hash).unwrap(), content);
            let mut streamed = Vec::new();
            store
                .open_verified(&put.hash)
                .unwrap()
                .read_to_end(&mut streamed)
                .unwrap();
            assert_eq!(streamed, content);
            assert!(!store.put_file(&path).unwrap().is_new);
            assert!(!store.put_bytes(&content).unwrap().is_new);
            let mode = fs::metadata(store.path_of(&put.hash))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o222, 0, "a content of {size} bytes can be written to");
        }
        assert_eq!(leftovers(&store), 0);
    }

    #[test]
    fn a_source_that_breaks_off_leaves_nothing() {
        struct Breaks(usize);
        impl Read for Breaks {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if self.0 == 0 {
                    return Err(io::Error::other("gone"));
                }
                let now = self.0.min(buffer.len());
                self.0 -= now;
                Ok(now)
            }
        }
        let (_folder, store) = store();
        for size in [10, 2 * PIECE] {
            assert!(store.put_reader(&mut Breaks(size)).is_err());
            assert_eq!(leftovers(&store), 0);
        }
        assert_eq!(fs::read_dir(store.root()).unwrap().count(), 1, "only `tmp`");
    }

    #[test]
    fn a_full_disk_is_named() {
        let error = SnapshotError::io("write", Path::new("/store/x"), io::ErrorKind::StorageFull.into());
        assert!(matches!(error, SnapshotError::DiskFull { .. }));
        assert_eq!(
            error.to_string(),
            "no space left to write `/store/x`: free some space there and try again"
        );
    }

    #[test]
    fn a_damaged_content_is_found_set_aside_and_replaced() {
        let (_folder, store) = store();
        for size in [100, 2 * PIECE] {
            let content = vec![7; size];
            let hash = store.put_bytes(&content).unwrap().hash;
            let spoil = || {
                let mut spoilt = content.clone();
                spoilt[size / 2] ^= 1;
                fs::remove_file(store.path_of(&hash)).unwrap();
                fs::write(store.path_of(&hash), &spoilt).unwrap();
            };
            spoil();
            assert!(matches!(
                store.read(&hash),
                Err(SnapshotError::CorruptBlob { .. })
            ));
            assert!(!store.has(&hash));
            assert!(store.put_bytes(&content).unwrap().is_new);
            spoil();
            let error = store
                .open_verified(&hash)
                .unwrap()
                .read_to_end(&mut Vec::new())
                .unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(matches!(
                store.read(&hash),
                Err(SnapshotError::MissingBlob { .. })
            ));
            // A cut content is replaced without having been read.
            fs::write(store.path_of(&hash), b"cut").unwrap();
            assert!(store.put_bytes(&content).unwrap().is_new);
            assert_eq!(store.read(&hash).unwrap(), content);
        }
    }

    #[test]
    fn trees_are_contents_and_only_sound_ones_are_read() {
        let (_folder, store) = store();
        let id = store.put_tree(&Tree::default()).unwrap();
        assert_eq!(id, Tree::default().id());
        assert_eq!(store.get_tree(&id).unwrap(), Tree::default());
        let other = store.put_bytes(b"no tree").unwrap().hash;
        assert!(matches!(store.get_tree(&other), Err(SnapshotError::Tree(_))));
    }

    #[test]
    fn only_old_leftovers_are_removed() {
        let (_folder, store) = store();
        fs::write(store.temporary_folder().join("left"), b"half").unwrap();
        assert_eq!(store.remove_leftovers(Duration::from_secs(3600)).unwrap(), 0);
        assert_eq!(store.remove_leftovers(Duration::ZERO).unwrap(), 1);
        assert_eq!(leftovers(&store), 0);
    }
}
