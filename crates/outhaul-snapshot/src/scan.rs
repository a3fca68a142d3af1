//! The walk over a source folder: which files and links a snapshot of it has.

use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ignore::{DirEntry, WalkBuilder, WalkState};

use crate::error::SnapshotError;
use crate::hash::Hash;
use crate::index::StatIndex;
use crate::look::{Found, Look};
use crate::pool;
use crate::stat::FileStat;

/// Left out everywhere: what version control and the interpreter keep for themselves.
const NEVER: [&str; 4] = [".git", ".hg", ".svn", "__pycache__"];
/// Left out at the top: where a run writes.
const WRITTEN_BY_RUNS: [&str; 2] = ["outputs", "logs"];
/// A folder that had fewer files than this last time is walked on the calling thread.
const FEW: usize = 256;

/// What to leave out of a snapshot besides what the ignore files say.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// Folders that are never entered, as absolute paths: the data folder, for one, when it lies
    /// inside the source.
    pub leave_out: Vec<PathBuf>,
}

/// What a walk found.
#[derive(Debug)]
pub struct Scan {
    /// The source folder, absolute and without links.
    pub root: PathBuf,
    /// Files and links, in the order of the bytes of their paths.
    pub entries: Vec<ScanEntry>,
    /// What was passed over and may matter: lines of ignore files that are not understood.
    pub warnings: Vec<String>,
}

/// A file or link that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanEntry {
    /// Path below the source folder with `/` between its components.
    pub path: String,
    /// What is there.
    pub kind: ScanKind,
}

/// What a walk found at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanKind {
    /// A regular file.
    File {
        /// Its outside.
        stat: FileStat,
        /// The hash of its content, where the index has it for this outside.
        hash: Option<Hash>,
    },
    /// A symbolic link, with a target that is relative and does not climb out of the folder.
    Symlink {
        /// Where it points, relative to the folder it is in.
        target: String,
    },
}

/// Walks a source folder. No content is read.
///
/// - Rules in `.amlignore` and `.gitignore` files in the folder, at any depth and in the syntax of
///   git, leave files out; where both kinds have a rule for a file, `.amlignore` decides. Ignore
///   files above the folder and git's own settings do not count: the same folder gives the same
///   tree on every machine. It need not be a git repository.
/// - `.git`, `.hg`, `.svn` and `__pycache__` are always left out, and so are `outputs` and `logs` at
///   the top of the folder, where runs write. Other hidden files are kept.
/// - A symbolic link is kept as a link and must point into the folder; an absolute target is made
///   relative. It may point at something that was left out.
/// - Empty folders are not kept.
///
/// # Errors
///
/// When the folder cannot be read, or has something that a snapshot cannot hold: a link that points
/// outside, a socket, pipe or device, a name that is not UTF-8, a folder that cannot be listed. All
/// such problems are returned together.
pub fn scan(root: &Path, options: &ScanOptions, previous: Option<&StatIndex>) -> Result<Scan, SnapshotError> {
    let unusable = |cause| SnapshotError::Source {
        path: root.to_path_buf(),
        cause,
    };
    let real = fs::canonicalize(root).map_err(unusable)?;
    if !real.is_dir() {
        return Err(unusable(io::ErrorKind::NotADirectory.into()));
    }
    let mut found = walk(&real, options, previous);
    if !found.problems.is_empty() {
        found.problems.sort_by(|a, b| a.path().cmp(b.path()));
        return Err(SnapshotError::Problems(found.problems));
    }
    // Each thread's part is in order already, which this sort makes use of.
    found.entries.sort_by(|a, b| a.path.cmp(&b.path));
    found.warnings.sort();
    found.warnings.dedup();
    if let Some(previous) = previous {
        recall(&mut found.entries, previous);
    }
    Ok(Scan {
        root: real,
        entries: found.entries,
        warnings: found.warnings,
    })
}

/// Fills in the hashes of files that still look as they did. Both sides are in the same order.
fn recall(entries: &mut [ScanEntry], previous: &StatIndex) {
    let mut known = previous.entries().peekable();
    for entry in entries {
        let ScanKind::File { stat, hash } = &mut entry.kind else {
            continue;
        };
        while known
            .next_if(|known| known.path < entry.path.as_bytes())
            .is_some()
        {}
        if let Some(known) = known.next_if(|known| known.path == entry.path.as_bytes())
            && known.stat == *stat
        {
            *hash = Some(known.hash);
        }
    }
}

fn walk(root: &Path, options: &ScanOptions, previous: Option<&StatIndex>) -> Found {
    let few = previous.is_some_and(|index| index.len() < FEW);
    let leave_out = options.leave_out.clone();
    let mut builder = WalkBuilder::new(root);
    builder
        .standard_filters(false)
        .git_ignore(true)
        .require_git(false)
        .add_custom_ignore_filename(".amlignore")
        .filter_entry(move |entry| !is_left_out(entry, &leave_out));
    let look = Look { root };
    let mut all = Found::default();
    if few {
        for result in builder.build() {
            look.at(result, &mut all);
        }
        return all;
    }
    let shared = Mutex::new(all);
    builder.threads(pool::all_threads()).build_parallel().run(|| {
        let mut part = Part {
            found: Found::default(),
            shared: &shared,
        };
        Box::new(move |result| {
            look.at(result, &mut part.found);
            WalkState::Continue
        })
    });
    shared.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn is_left_out(entry: &DirEntry, leave_out: &[PathBuf]) -> bool {
    let name = entry.file_name();
    match entry.depth() {
        0 => false,
        1 if WRITTEN_BY_RUNS.iter().any(|written| name == *written) => true,
        _ => {
            NEVER.iter().any(|never| name == *never)
                || (!leave_out.is_empty() && leave_out.iter().any(|folder| folder == entry.path()))
        }
    }
}

/// What one thread found; added to the rest when the thread ends.
struct Part<'a> {
    found: Found,
    shared: &'a Mutex<Found>,
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        let mut found = mem::take(&mut self.found);
        found.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let mut all = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        all.entries.append(&mut found.entries);
        all.problems.append(&mut found.problems);
        all.warnings.append(&mut found.warnings);
    }
}
