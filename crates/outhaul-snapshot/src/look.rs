//! What the walk does with each thing it comes across: keep it, or say why it cannot be kept.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use ignore::DirEntry;

use crate::error::Problem;
use crate::links;
use crate::scan::{ScanEntry, ScanKind};
use crate::stat::FileStat;

/// A folder of nothing but problems does not have to fill the memory.
const MANY_PROBLEMS: usize = 1000;

/// What was found so far.
#[derive(Default)]
pub(crate) struct Found {
    pub entries: Vec<ScanEntry>,
    pub problems: Vec<Problem>,
    pub warnings: Vec<String>,
}

/// Judges what the walk comes across.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    /// The source folder, absolute and without links.
    pub root: &'a Path,
}

impl Look<'_> {
    /// Judges one thing.
    pub fn at(self, result: Result<DirEntry, ignore::Error>, found: &mut Found) {
        if found.problems.len() >= MANY_PROBLEMS {
            return;
        }
        let entry = match result {
            Ok(entry) => entry,
            Err(error) => return self.failed(error, self.root, found),
        };
        if let Some(error) = entry.error() {
            found
                .warnings
                .push(format!("a line of an ignore file was passed over: {error}"));
        }
        let Some(kind) = entry.file_type() else { return };
        let Some(path) = self.utf8(entry.path()) else {
            // What is in a folder with such a name is not reported again.
            if entry.file_name().to_str().is_none() {
                let escaped = escape(self.below(entry.path()));
                found.problems.push(Problem::NotUtf8 {
                    what: "file name",
                    escaped,
                });
            }
            return;
        };
        if kind.is_dir() {
            return;
        }
        if kind.is_symlink() {
            self.link(path, entry.path(), found);
        } else if kind.is_file() {
            match entry.metadata() {
                Ok(meta) => {
                    let kind = ScanKind::File {
                        stat: FileStat::of(&meta),
                        hash: None,
                    };
                    found.entries.push(ScanEntry {
                        path: path.to_owned(),
                        kind,
                    });
                }
                Err(error) => self.failed(error, entry.path(), found),
            }
        } else {
            let kind = match () {
                () if kind.is_socket() => "socket",
                () if kind.is_fifo() => "named pipe",
                () => "device",
            };
            found.problems.push(Problem::Special {
                path: path.to_owned(),
                kind,
            });
        }
    }

    fn link(self, path: &str, full: &Path, found: &mut Found) {
        let target = match fs::read_link(full) {
            Ok(target) => target,
            Err(cause) => return unreadable(path, cause, found),
        };
        let Some(text) = target.to_str() else {
            let escaped = escape(target.as_os_str().as_bytes());
            return found.problems.push(Problem::NotUtf8 {
                what: "target of a link",
                escaped,
            });
        };
        let root = self.root.to_string_lossy();
        let kept = links::keep_inside(&root, path, text).or_else(|| {
            // The folder may be known by another name, itself by way of a link.
            let real = fs::canonicalize(full).ok()?;
            links::keep_inside(&root, path, real.to_str()?)
        });
        match kept {
            Some(target) => {
                found.entries.push(ScanEntry {
                    path: path.to_owned(),
                    kind: ScanKind::Symlink { target },
                });
            }
            None => {
                let (path, target) = (path.to_owned(), text.to_owned());
                found.problems.push(Problem::LinkLeaves { path, target });
            }
        }
    }

    fn failed(self, error: ignore::Error, path: &Path, found: &mut Found) {
        let below = match path_of(&error).unwrap_or(path) {
            path if path == self.root => ".".to_owned(),
            path => escape(self.below(path)),
        };
        let text = error.to_string();
        let cause = error.into_io_error().unwrap_or_else(|| io::Error::other(text));
        unreadable(&below, cause, found);
    }

    /// The bytes of a path below the root.
    fn below(self, path: &Path) -> &[u8] {
        let bytes = path.as_os_str().as_bytes();
        let root = self.root.as_os_str().as_bytes();
        let rest = bytes.strip_prefix(root).unwrap_or(bytes);
        rest.strip_prefix(b"/").unwrap_or(rest)
    }

    fn utf8(self, path: &Path) -> Option<&str> {
        std::str::from_utf8(self.below(path)).ok()
    }
}

/// What is gone between being listed and being looked at was never there.
fn unreadable(path: &str, cause: io::Error, found: &mut Found) {
    if cause.kind() != io::ErrorKind::NotFound {
        found.problems.push(Problem::Unreadable {
            path: path.to_owned(),
            cause,
        });
    }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

/// The bytes as text, with every byte that is not UTF-8 as `\xNN`.
fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}
