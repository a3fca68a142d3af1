//! Taking a snapshot, or only saying what it would be: the order of the steps.

use std::fs;
use std::path::Path;

use crate::blobs::BlobStore;
use crate::error::SnapshotError;
use crate::hash::Hash;
use crate::index::StatIndex;
use crate::progress::Progress;
use crate::read::Reader;
use crate::scan::{Scan, ScanOptions, scan};
use crate::tree::Tree;

/// How to take a snapshot.
#[derive(Debug, Clone, Default)]
pub struct TakeOptions {
    /// Look whether every content is in the store, with the right size, and store again what is
    /// not. Without this an unchanged tree whose tree the store has is taken to be all there.
    pub verify: bool,
    /// What to leave out. The store's own folder is always left out.
    pub scan: ScanOptions,
}

/// A snapshot that is in the store.
#[derive(Debug)]
pub struct Snapshot {
    /// The id of the tree, by which [`BlobStore::get_tree`] finds it.
    pub tree_id: Hash,
    /// The tree.
    pub tree: Tree,
    /// How many files it has, links not counted.
    pub file_count: u64,
    /// The sum of their sizes in bytes.
    pub total_size: u64,
    /// How many bytes of content the store did not have before.
    pub new_bytes: u64,
    /// How many files had to be read, because they were new or changed.
    pub files_read: u64,
    /// What did not hinder the snapshot and may matter to the person.
    pub warnings: Vec<String>,
}

/// What a snapshot would be.
#[derive(Debug)]
pub struct Plan {
    /// The id that the tree would have.
    pub tree_id: Hash,
    /// The tree, with the path and size of every file.
    pub tree: Tree,
    /// How many files it has, links not counted.
    pub file_count: u64,
    /// The sum of their sizes in bytes.
    pub total_size: u64,
    /// What would not hinder the snapshot and may matter to the person.
    pub warnings: Vec<String>,
}

/// Takes a snapshot of a source folder (see [`scan`] for what is in it) into a store.
///
/// `index_path` is where the [`StatIndex`] of this folder is kept; keep one per source folder. An
/// unchanged folder costs a walk and one look into the store. Contents are stored before the tree,
/// the tree before the index: after a kill at any point the next call carries on.
///
/// A file that is deleted during the call is not in the snapshot. A file is never a mixture of two
/// states, but two files may be from two moments.
///
/// # Errors
///
/// When the folder has something that a snapshot cannot hold, a file that cannot be read, or one
/// that changes each time it is read; when the store cannot be written. An index that cannot be
/// written is only a warning.
pub fn take(
    root: &Path,
    store: &BlobStore,
    index_path: &Path,
    options: &TakeOptions,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Snapshot, SnapshotError> {
    let mut scan_options = options.scan.clone();
    scan_options.leave_out.extend(fs::canonicalize(store.root()));
    let index = StatIndex::load(index_path);
    let found = scan(root, &scan_options, index.as_ref())?;
    // The store keeps a tree only after its contents. So when it has the tree of the index, it has
    // the contents that the index names, and they need no look each.
    let trusted = !options.verify && index.as_ref().is_some_and(|index| store.has(&index.tree()));
    let lacks = |hash: &Hash, size: u64| !trusted && store.size_of(hash) != Some(size);
    let reader = Reader {
        root: &found.root,
        store: Some(store),
        progress,
    };
    let done = reader.complete(found.entries, lacks)?;

    let encoding = done.tree.encode();
    let tree_id = Hash::of(&encoding);
    if store.size_of(&tree_id) != Some(encoding.len() as u64) {
        store.put_bytes(&encoding)?;
    }
    let mut warnings = found.warnings;
    let known = done.stats.iter().flatten().count();
    let unchanged = index.is_some_and(|index| index.tree() == tree_id && index.len() == known);
    if (done.files_read > 0 || !unchanged)
        && let Err(error) = done.index(&tree_id).save(index_path)
    {
        warnings.push(format!("the next snapshot of this folder will be slow: {error}"));
    }
    Ok(Snapshot {
        tree_id,
        file_count: done.tree.file_count(),
        total_size: done.tree.total_size(),
        tree: done.tree,
        new_bytes: done.new_bytes,
        files_read: done.files_read,
        warnings,
    })
}

/// Says what [`take`] would put into a snapshot, and writes nothing at all.
///
/// The store's folder is not known here: if it lies inside the source, name it in the options.
///
/// # Errors
///
/// As [`take`], but for what has to do with the store.
pub fn plan(
    root: &Path,
    index_path: &Path,
    options: &ScanOptions,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Plan, SnapshotError> {
    let index = StatIndex::load(index_path);
    let Scan {
        root,
        entries,
        warnings,
    } = scan(root, options, index.as_ref())?;
    let done = Reader {
        root: &root,
        store: None,
        progress,
    }
    .complete(entries, |_, _| false)?;
    Ok(Plan {
        tree_id: done.tree.id(),
        file_count: done.tree.file_count(),
        total_size: done.tree.total_size(),
        tree: done.tree,
        warnings,
    })
}
