//! Writing a tree out: real copies, each checked on the way.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::Path;

use crate::blobs::BlobStore;
use crate::error::SnapshotError;
use crate::hash::Hash;
use crate::ingest::PIECE;
use crate::pool;
use crate::tree::{EntryKind, Tree, parent};

/// Contents up to this size are checked before anything of them is written.
const SMALL: u64 = 1024 * 1024;

/// Writes the files and links of a tree into `dest`, which is created when it is missing.
///
/// Files are copies with mode 0644 or 0755 (less the umask), so that what a run does to its code
/// stays with that run. Nothing is replaced: what is in `dest` already stays, and is an error where
/// the tree has an entry of the same name. No link in `dest` is followed, and links of the tree are
/// made last, so nothing is written outside `dest`.
///
/// # Errors
///
/// When a content is missing or damaged (the error names the file that needs it; see
/// [`SnapshotError::is_repairable`]), something is in the way, or `dest` cannot be written. `dest`
/// then holds a part of the tree, and is best removed.
pub fn materialise(tree: &Tree, store: &BlobStore, dest: &Path) -> Result<(), SnapshotError> {
    fs::create_dir_all(dest).map_err(|e| SnapshotError::io("create the folder", dest, e))?;
    let mut files = Vec::new();
    let mut links = Vec::new();
    let mut made = HashSet::new();
    for entry in tree.entries() {
        make_folders(dest, parent(&entry.path), &mut made)?;
        match &entry.kind {
            EntryKind::File {
                hash,
                size,
                executable,
            } => {
                files.push((entry.path.as_str(), hash, *size, *executable));
            }
            EntryKind::Symlink { target } => links.push((entry.path.as_str(), target)),
        }
    }
    let threads = pool::threads_for(files.len(), tree.total_size());
    pool::run(files.len(), threads, |n, buffer| {
        let (path, hash, size, executable) = files[n];
        let mode = if executable { 0o755 } else { 0o644 };
        copy(store, hash, size, &dest.join(path), mode, buffer).map_err(|e| e.for_file(path))
    })?;
    for (path, target) in links {
        let full = dest.join(path);
        symlink(target, &full).map_err(|e| in_the_way("create the link", &full, e))?;
    }
    Ok(())
}

/// Makes a folder of the tree and those above it, as real folders.
fn make_folders<'a>(dest: &Path, folder: &'a str, made: &mut HashSet<&'a str>) -> Result<(), SnapshotError> {
    if folder.is_empty() || made.contains(folder) {
        return Ok(());
    }
    make_folders(dest, parent(folder), made)?;
    let full = dest.join(folder);
    match fs::create_dir(&full) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            let real = fs::symlink_metadata(&full).is_ok_and(|meta| meta.is_dir());
            if !real {
                return Err(SnapshotError::DestinationTaken { path: full });
            }
        }
        Err(e) => return Err(SnapshotError::io("create the folder", &full, e)),
    }
    made.insert(folder);
    Ok(())
}

fn copy(
    store: &BlobStore,
    hash: &Hash,
    size: u64,
    to: &Path,
    mode: u32,
    buffer: &mut Vec<u8>,
) -> Result<(), SnapshotError> {
    if size <= SMALL {
        store.read_into(hash, buffer)?;
        let mut file = create(to, mode)?;
        return file.write_all(buffer).map_err(|e| {
            drop(fs::remove_file(to));
            SnapshotError::io("write", to, e)
        });
    }
    let mut file = create(to, mode)?;
    stream(store, hash, &mut file, to, buffer).inspect_err(|_| drop(fs::remove_file(to)))
}

fn stream(
    store: &BlobStore,
    hash: &Hash,
    file: &mut File,
    to: &Path,
    buffer: &mut Vec<u8>,
) -> Result<(), SnapshotError> {
    let mut content = store.open_verified(hash)?;
    buffer.resize(PIECE, 0);
    loop {
        match content.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => {
                file.write_all(&buffer[..read])
                    .map_err(|e| SnapshotError::io("write", to, e))?;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => {
                let path = store.path_of(hash);
                return Err(e
                    .downcast()
                    .unwrap_or_else(|e| SnapshotError::io("read", &path, e)));
            }
        }
    }
}

fn create(path: &Path, mode: u32) -> Result<File, SnapshotError> {
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    created.map_err(|e| in_the_way("create", path, e))
}

fn in_the_way(action: &'static str, path: &Path, error: io::Error) -> SnapshotError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => SnapshotError::DestinationTaken {
            path: path.to_path_buf(),
        },
        _ => SnapshotError::io(action, path, error),
    }
}
