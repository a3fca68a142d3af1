//! The reading of what a walk found: every file that is new, changed or lacking, each as it was at
//! one moment.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::libc;

use crate::blobs::BlobStore;
use crate::error::{Problem, SnapshotError, TreeError};
use crate::hash::Hash;
use crate::index::StatIndex;
use crate::ingest::{IngestError, ingest};
use crate::pool;
use crate::progress::Progress;
use crate::scan::{ScanEntry, ScanKind};
use crate::stat::{self, FileStat};
use crate::tree::{EntryKind, Tree, TreeEntry};

/// How often a file that changes while it is read is read before that is an error.
const TRIES: u32 = 3;
/// How long to wait for a writer to be done, before each further try.
const PAUSE: Duration = Duration::from_millis(20);

/// A tree, and what is known of its entries from the outside.
pub(crate) struct Done {
    pub tree: Tree,
    /// For each entry of the tree, the stat that vouches for its content, if one does.
    pub stats: Vec<Option<FileStat>>,
    pub new_bytes: u64,
    pub files_read: u64,
}

impl Done {
    /// What the next call may know by the outside.
    pub fn index(&self, tree_id: &Hash) -> StatIndex {
        let files = self.tree.entries().iter().zip(&self.stats);
        let vouched = files.filter_map(|(entry, stat)| match entry.kind {
            EntryKind::File { hash, .. } => Some((entry.path.as_str(), (*stat)?, hash)),
            EntryKind::Symlink { .. } => None,
        });
        StatIndex::new(tree_id, vouched)
    }
}

/// What came of reading a file.
enum Outcome {
    Read {
        stat: FileStat,
        hash: Hash,
        new_bytes: u64,
        /// Whether the stat proves nothing later on.
        racy: bool,
    },
    /// It was deleted meanwhile.
    Gone,
    Bad(Problem),
}

/// Reads files below a folder, into a store if there is one.
pub(crate) struct Reader<'a> {
    pub root: &'a Path,
    pub store: Option<&'a BlobStore>,
    pub progress: &'a (dyn Fn(Progress<'_>) + Sync),
}

impl Reader<'_> {
    /// Reads every file whose hash is not known or whose content is lacking, and makes the tree.
    pub fn complete(
        &self,
        mut entries: Vec<ScanEntry>,
        lacks: impl Fn(&Hash, u64) -> bool,
    ) -> Result<Done, SnapshotError> {
        let (mut files, mut size, mut unread_size) = (0, 0, 0);
        let mut unread = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let ScanKind::File { stat, hash } = &entry.kind else {
                continue;
            };
            files += 1;
            size += stat.size;
            if hash.is_none_or(|hash| lacks(&hash, stat.size)) {
                unread.push(at);
                unread_size += stat.size;
            }
        }
        let unread_files = unread.len() as u64;
        (self.progress)(Progress::Scanned {
            files,
            size,
            unread_files,
            unread_size,
        });

        let threads = pool::threads_for(unread.len(), unread_size);
        let outcomes = pool::run(unread.len(), threads, |n, buffer| {
            self.read(&entries[unread[n]].path, buffer)
        })?;
        let mut problems = Vec::new();
        let mut racy_files = HashSet::new();
        let mut new_bytes = 0;
        let mut files_read = 0;
        for (at, outcome) in unread.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Read {
                    stat,
                    hash,
                    new_bytes: new,
                    racy,
                } => {
                    entries[at].kind = ScanKind::File {
                        stat,
                        hash: Some(hash),
                    };
                    new_bytes += new;
                    files_read += 1;
                    if racy {
                        racy_files.insert(at);
                    }
                }
                Outcome::Gone => {
                    if let ScanKind::File { hash, .. } = &mut entries[at].kind {
                        *hash = None;
                    }
                }
                Outcome::Bad(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(SnapshotError::Problems(problems));
        }
        let (tree, stats) = tree_of(entries, &racy_files)?;
        Ok(Done {
            tree,
            stats,
            new_bytes,
            files_read,
        })
    }

    /// Reads one file into the store, or only hashes it. An error is one of the store.
    fn read(&self, path: &str, buffer: &mut Vec<u8>) -> Result<Outcome, SnapshotError> {
        let bad = |cause| {
            Ok(Outcome::Bad(Problem::Unreadable {
                path: path.to_owned(),
                cause,
            }))
        };
        let full = self.root.join(path);
        let mut was_gone = false;
        for attempt in 0..TRIES {
            if attempt > 0 && !was_gone {
                thread::sleep(PAUSE);
            }
            let read_at = stat::now();
            let file = match open(&full) {
                Ok(file) => file,
                // Some editors delete a file and write it anew: look twice.
                Err(e) if is_gone(&e) && was_gone => return Ok(Outcome::Gone),
                Err(e) if is_gone(&e) => {
                    was_gone = true;
                    continue;
                }
                // Not a regular file any more.
                Err(e) if matches!(e.raw_os_error(), Some(libc::ELOOP | libc::ENXIO)) => continue,
                Err(e) => return bad(e),
            };
            let before = match file.metadata() {
                Ok(meta) if !meta.is_file() => continue,
                Ok(meta) => FileStat::of(&meta),
                Err(e) => return bad(e),
            };
            let mut on_bytes = |bytes: usize| {
                (self.progress)(Progress::Read {
                    path,
                    bytes: bytes as u64,
                });
            };
            // A byte too many is enough to know that it grew: a writer may be faster than this.
            let mut content = (&file).take(before.size.saturating_add(1));
            let draft = match ingest(&mut content, self.store, buffer, &mut on_bytes) {
                Ok(draft) => draft,
                Err(IngestError::Store(error)) => return Err(error),
                Err(IngestError::Source(cause)) => return bad(cause),
            };
            let after = match file.metadata() {
                Ok(meta) => FileStat::of(&meta),
                Err(e) => return bad(e),
            };
            if before == after && draft.size == before.size {
                let put = draft.keep()?;
                (self.progress)(Progress::FileDone { path });
                let new_bytes = if put.is_new { put.size } else { 0 };
                let racy = after.is_racy(read_at);
                return Ok(Outcome::Read {
                    stat: after,
                    hash: put.hash,
                    new_bytes,
                    racy,
                });
            }
        }
        Ok(Outcome::Bad(Problem::KeepsChanging {
            path: path.to_owned(),
        }))
    }
}

/// Opens a file that was a regular one a moment ago. If it is something else by now, the call
/// neither follows it nor waits for it.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Makes the tree of entries that are all hashed; one without a hash is gone.
fn tree_of(
    entries: Vec<ScanEntry>,
    racy: &HashSet<usize>,
) -> Result<(Tree, Vec<Option<FileStat>>), SnapshotError> {
    let mut stats = Vec::with_capacity(entries.len());
    let mut kept = Vec::with_capacity(entries.len());
    for (at, ScanEntry { path, kind }) in entries.into_iter().enumerate() {
        let kind = match kind {
            ScanKind::File { hash: None, .. } => continue,
            ScanKind::File {
                stat,
                hash: Some(hash),
            } => {
                stats.push((racy.is_empty() || !racy.contains(&at)).then_some(stat));
                EntryKind::File {
                    hash,
                    size: stat.size,
                    executable: stat.is_executable(),
                }
            }
            ScanKind::Symlink { target } => {
                stats.push(None);
                EntryKind::Symlink { target }
            }
        };
        kept.push(TreeEntry { path, kind });
    }
    match Tree::new(kept) {
        Ok(tree) => Ok((tree, stats)),
        // By way of another link of the tree.
        Err(TreeError::Link { path, target }) => Err(SnapshotError::Problems(vec![Problem::LinkLeaves {
            path,
            target,
        }])),
        Err(error) => Err(error.into()),
    }
}
