//! The stat index: what every file of one source folder looked like when it was last hashed.
//!
//! It is a cache. One that is missing, unreadable, damaged or of another version is as good as an
//! empty one. A file that was read so soon after its last change that another change could hide
//! (see [`FileStat`]) is not put into it, so it never has to be doubted when it is read.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crate::error::SnapshotError;
use crate::hash::Hash;
use crate::stat::FileStat;

const MAGIC: &[u8] = b"outhaul-index 1\n";
/// Hash of all bytes before it, at the end.
const SUM: usize = 32;
/// After the magic: the id of the tree, then the number of entries.
const HEAD: usize = MAGIC.len() + 32 + 8;

/// For each file of a source folder, its outside and the hash of its content.
#[derive(Clone)]
pub struct StatIndex {
    /// The file's bytes, with magic and checksum: entries are read straight from them, since an
    /// index is read once and in order.
    bytes: Vec<u8>,
}

/// A file of an index.
pub(crate) struct IndexEntry<'a> {
    pub path: &'a [u8],
    pub stat: FileStat,
    pub hash: Hash,
}

impl StatIndex {
    /// Reads the index that is kept in a file. `None` when there is none, or none of any use.
    #[must_use]
    pub fn load(path: &Path) -> Option<Self> {
        Self::from_bytes(fs::read(path).ok()?)
    }

    fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<SUM>()?;
        let sound = body.len() >= HEAD && body.starts_with(MAGIC) && Hash::of(body).as_bytes() == sum;
        sound.then_some(Self { bytes })
    }

    /// Writes the index to a file, whole or not at all.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), SnapshotError> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&self.bytes)?;
            file.persist(path).map_err(|e| e.error)
        };
        write()
            .or_else(|e| match e.kind() {
                io::ErrorKind::NotFound => fs::create_dir_all(folder).and_then(|()| write()),
                _ => Err(e),
            })
            .map(drop)
            .map_err(|e| SnapshotError::io("write the index", path, e))
    }

    /// An index of the files of a tree. They come in the order of the bytes of their paths.
    pub(crate) fn new<'a>(tree: &Hash, files: impl Iterator<Item = (&'a str, FileStat, Hash)>) -> Self {
        let mut bytes = Vec::with_capacity(HEAD + SUM + files.size_hint().0 * 128);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(tree.as_bytes());
        bytes.extend_from_slice(&[0; 8]);
        let mut count = 0_u64;
        for (path, stat, hash) in files {
            count += 1;
            bytes.extend_from_slice(&(path.len() as u64).to_le_bytes());
            bytes.extend_from_slice(path.as_bytes());
            bytes.extend_from_slice(&stat.size.to_le_bytes());
            bytes.extend_from_slice(&stat.mtime.to_le_bytes());
            bytes.extend_from_slice(&stat.ctime.to_le_bytes());
            bytes.extend_from_slice(&stat.inode.to_le_bytes());
            bytes.extend_from_slice(&stat.device.to_le_bytes());
            bytes.extend_from_slice(&stat.mode.to_le_bytes());
            bytes.extend_from_slice(hash.as_bytes());
        }
        bytes[HEAD - 8..HEAD].copy_from_slice(&count.to_le_bytes());
        let sum = Hash::of(&bytes);
        bytes.extend_from_slice(sum.as_bytes());
        Self { bytes }
    }

    /// The id of the tree that the index was saved with.
    pub(crate) fn tree(&self) -> Hash {
        let id = self.bytes[MAGIC.len()..].first_chunk().copied();
        Hash::from_bytes(id.unwrap_or_default())
    }

    /// How many files it has.
    pub(crate) fn len(&self) -> usize {
        let count = self.bytes[HEAD - 8..].first_chunk().copied();
        usize::try_from(u64::from_le_bytes(count.unwrap_or_default())).unwrap_or(usize::MAX)
    }

    /// The files, in the order of the bytes of their paths.
    pub(crate) fn entries(&self) -> impl Iterator<Item = IndexEntry<'_>> {
        let mut rest = &self.bytes[HEAD..self.bytes.len() - SUM];
        std::iter::from_fn(move || next(&mut rest))
    }
}

fn next<'a>(bytes: &mut &'a [u8]) -> Option<IndexEntry<'a>> {
    let len = usize::try_from(u64::from_le_bytes(take(bytes)?)).ok()?;
    let (path, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    let stat = FileStat {
        size: u64::from_le_bytes(take(bytes)?),
        mtime: i64::from_le_bytes(take(bytes)?),
        ctime: i64::from_le_bytes(take(bytes)?),
        inode: u64::from_le_bytes(take(bytes)?),
        device: u64::from_le_bytes(take(bytes)?),
        mode: u32::from_le_bytes(take(bytes)?),
    };
    Some(IndexEntry {
        path,
        stat,
        hash: Hash::from_bytes(take(bytes)?),
    })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

impl std::fmt::Debug for StatIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatIndex")
            .field("tree", &self.tree())
            .field("files", &self.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> StatIndex {
        let stat = |n: u32| FileStat {
            size: u64::from(n),
            mtime: -1,
            ctime: 2,
            inode: u64::MAX,
            device: 4,
            mode: 0o100_644 + n,
        };
        let files = [("a", stat(0), Hash::of(b"a")), ("é/b", stat(1), Hash::of(b"b"))];
        StatIndex::new(&Hash::of(b"tree"), files.into_iter())
    }

    #[test]
    fn goes_to_a_file_and_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new folder/index");
        assert!(StatIndex::load(&path).is_none());
        sample().save(&path).unwrap();
        sample().save(&path).unwrap();
        let back = StatIndex::load(&path).unwrap();
        assert_eq!((back.tree(), back.len()), (Hash::of(b"tree"), 2));
        let entries: Vec<_> = back
            .entries()
            .map(|e| (e.path.to_vec(), e.stat, e.hash))
            .collect();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].0, b"a");
        assert_eq!(entries[1].0, "é/b".as_bytes());
        assert_eq!(
            (entries[1].1.mtime, entries[1].1.mode, entries[1].2),
            (-1, 0o100_645, Hash::of(b"b"))
        );
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "no temporary file stays"
        );
    }

    #[test]
    fn a_damaged_index_is_no_index() {
        let good = sample().bytes;
        for cut in 0..good.len() {
            assert!(
                StatIndex::from_bytes(good[..cut].to_vec()).is_none(),
                "cut at {cut}"
            );
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(StatIndex::from_bytes(bad).is_none(), "byte {at}");
        }
    }
}
