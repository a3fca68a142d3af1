//! Keeping a file or a folder as it is: every file of it, whatever ignore rules say. Snapshots of code are made by
//! [`crate::take`]; this is for what was made to be kept, such as a model.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use crate::blobs::BlobStore;
use crate::error::SnapshotError;
use crate::stat::FileStat;
use crate::tree::{EntryKind, Tree, TreeEntry};

/// How deep folders may lie in each other.
const DEEPEST: usize = 200;

/// Keeps a file, or a folder with all that is in it, under a name at the top of a new tree. The tree is not stored.
///
/// Links to files are followed, so that a tree holds files only. Empty folders are not kept, and a folder without any
/// file makes an empty tree.
///
/// # Errors
///
/// When there is nothing at the path, something in it is no file or cannot be read, is a link to a folder, has a name
/// that is not UTF-8 or changes while it is read; when the store cannot be written.
pub fn keep_whole(path: &Path, name: &str, store: &BlobStore) -> Result<Tree, SnapshotError> {
    let meta = fs::metadata(path).map_err(|cause| SnapshotError::io("read", path, cause))?;
    let mut entries = Vec::new();
    if meta.is_dir() {
        walk(path, name, store, 0, &mut entries)?;
    } else {
        entries.push(file(path, name.to_owned(), &meta, store)?);
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(Tree::new(entries)?)
}

fn walk(
    folder: &Path,
    below: &str,
    store: &BlobStore,
    depth: usize,
    entries: &mut Vec<TreeEntry>,
) -> Result<(), SnapshotError> {
    if depth > DEEPEST {
        return Err(unkeepable(folder, "its folders lie too deep in each other"));
    }
    let failed = |cause| SnapshotError::io("read", folder, cause);
    for listed in fs::read_dir(folder).map_err(failed)? {
        let path = listed.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| unkeepable(&path, "its name is not UTF-8"))?;
        let at = format!("{below}/{name}");
        let own = fs::symlink_metadata(&path).map_err(|cause| SnapshotError::io("read", &path, cause))?;
        if own.is_dir() {
            walk(&path, &at, store, depth + 1, entries)?;
            continue;
        }
        let meta = fs::metadata(&path).map_err(|cause| SnapshotError::io("read", &path, cause))?;
        if meta.is_dir() {
            return Err(unkeepable(
                &path,
                "it is a link to a folder: put the folder itself in its place",
            ));
        }
        entries.push(file(&path, at, &meta, store)?);
    }
    Ok(())
}

fn file(path: &Path, at: String, meta: &Metadata, store: &BlobStore) -> Result<TreeEntry, SnapshotError> {
    if !meta.is_file() {
        return Err(unkeepable(path, "it is neither a file nor a folder"));
    }
    let before = FileStat::of(meta);
    let put = store.put_file(path)?;
    let after = fs::metadata(path).map_err(|cause| SnapshotError::io("read", path, cause))?;
    if FileStat::of(&after) != before || put.size != before.size {
        return Err(unkeepable(
            path,
            "it changed while it was read: try again when nothing writes to it",
        ));
    }
    Ok(TreeEntry {
        path: at,
        kind: EntryKind::File {
            hash: put.hash,
            size: put.size,
            executable: before.is_executable(),
        },
    })
}

fn unkeepable(path: &Path, why: &'static str) -> SnapshotError {
    SnapshotError::Unkeepable {
        path: PathBuf::from(path),
        why,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn bench() -> (tempfile::TempDir, BlobStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path().join("store")).unwrap();
        fs::create_dir_all(folder.path().join("m/outputs/.git")).unwrap();
        fs::create_dir_all(folder.path().join("m/empty")).unwrap();
        for (path, content) in [
            ("m/.gitignore", "*"),
            ("m/outputs/.git/x", "1"),
            ("m/model.bin", ""),
            ("beside", "weights"),
        ] {
            fs::write(folder.path().join(path), content).unwrap();
        }
        symlink("../beside", folder.path().join("m/linked")).unwrap();
        (folder, store)
    }

    #[test]
    fn a_folder_is_kept_with_all_that_is_in_it() {
        let (folder, store) = bench();
        let tree = keep_whole(&folder.path().join("m"), "top", &store).unwrap();
        let paths: Vec<_> = tree.entries().iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "top/.gitignore",
                "top/linked",
                "top/model.bin",
                "top/outputs/.git/x"
            ]
        );
        let Some(EntryKind::File { hash, size, .. }) = tree.get("top/linked").map(|entry| &entry.kind) else {
            panic!("no file");
        };
        assert_eq!((store.read(hash).unwrap(), *size), (b"weights".to_vec(), 7));
    }

    #[test]
    fn a_file_is_kept_alone() {
        let (folder, store) = bench();
        for path in ["beside", "m/linked"] {
            let tree = keep_whole(&folder.path().join(path), "model.pkl", &store).unwrap();
            assert_eq!((tree.entries().len(), tree.total_size()), (1, 7), "{path}");
            assert!(tree.get("model.pkl").is_some());
        }
    }

    #[test]
    fn what_cannot_be_kept_is_named() {
        let (folder, store) = bench();
        let at = |path: &str| folder.path().join(path);
        assert!(
            keep_whole(&at("m/empty"), "m", &store)
                .unwrap()
                .entries()
                .is_empty()
        );
        symlink("..", at("m/up")).unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        for (path, says) in [
            ("m", "a link to a folder"),
            ("dangling", "cannot read"),
            ("none", "cannot read"),
        ] {
            let error = keep_whole(&at(path), "m", &store).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let error = keep_whole(Path::new("/dev/null"), "m", &store)
            .unwrap_err()
            .to_string();
        assert!(error.contains("neither a file nor a folder"), "{error}");
    }
}
