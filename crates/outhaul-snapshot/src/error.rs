//! Everything that can go wrong with a snapshot, in words for the person who asked for it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::hash::Hash;

/// How many problems one error message lists before it says "and more".
const PROBLEMS_SHOWN: usize = 5;

/// Why a snapshot could not be taken, read or written out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The source is missing, or is not a folder.
    #[error("the source folder `{}` cannot be used: {cause}", path.display())]
    Source {
        /// The folder as it was given.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Files of the source that cannot go into a snapshot, sorted by path. Never empty.
    #[error("{}", describe(.0))]
    Problems(Vec<Problem>),
    /// The file system that holds the store or the destination is full (or over a quota).
    #[error("no space left to write `{}`: free some space there and try again", path.display())]
    DiskFull {
        /// What was being written. Nothing of it was kept.
        path: PathBuf,
    },
    /// An operation of the system on the store or the destination failed.
    #[error("cannot {action} `{}`: {cause}", path.display())]
    Io {
        /// What was being done, as a verb: `write`, `create`.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The store lacks a content. `take` with `verify` puts it back if the source still has it.
    #[error("the content {} is missing from the snapshot store: submit the code again, which stores it anew", of_what(hash, path.as_deref()))]
    MissingBlob {
        /// Which content.
        hash: Hash,
        /// The file of the tree that needs it, where that is known.
        path: Option<String>,
    },
    /// A content in the store was not what its name says. It was set aside, so that `take` with
    /// `verify` puts a good one in its place.
    #[error("the content {} was damaged in the snapshot store and has been set aside: submit the code again, which stores it anew", of_what(hash, path.as_deref()))]
    CorruptBlob {
        /// Which content.
        hash: Hash,
        /// The file of the tree that needs it, where that is known.
        path: Option<String>,
    },
    /// A tree is not one that this crate would have written.
    #[error("this is not a usable source tree: {0}")]
    Tree(#[from] TreeError),
    /// Something is already where a file of the tree has to go.
    #[error("`{}` already exists: a snapshot is written into an empty folder", path.display())]
    DestinationTaken {
        /// What is in the way.
        path: PathBuf,
    },
    /// Something that is to be kept as it is cannot be kept.
    #[error("`{}` cannot be kept: {why}", path.display())]
    Unkeepable {
        /// What it is.
        path: PathBuf,
        /// Why, and what to do.
        why: &'static str,
    },
}

impl SnapshotError {
    pub(crate) fn io(action: &'static str, path: &Path, cause: io::Error) -> Self {
        let path = path.to_path_buf();
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { action, path, cause },
        }
    }

    /// Adds the name of the file that needs the content, where the error is about a content.
    #[must_use]
    pub fn for_file(mut self, file: &str) -> Self {
        if let Self::MissingBlob { path, .. } | Self::CorruptBlob { path, .. } = &mut self {
            *path = Some(file.to_owned());
        }
        self
    }

    /// Whether taking the snapshot again with `verify` may put it right.
    #[must_use]
    pub fn is_repairable(&self) -> bool {
        matches!(self, Self::MissingBlob { .. } | Self::CorruptBlob { .. })
    }
}

/// One file of the source that cannot go into a snapshot. Paths are relative to the source folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A symbolic link whose target is outside the source folder.
    #[error(
        "the symbolic link `{path}` points to `{target}`, outside the source folder: copy the target into the folder, or leave the link out with a line `/{path}` in `.amlignore`"
    )]
    LinkLeaves {
        /// The link.
        path: String,
        /// Where it points.
        target: String,
    },
    /// A socket, a named pipe or a device.
    #[error(
        "`{path}` is a {kind}, which a snapshot cannot hold: leave it out with a line `/{path}` in `.amlignore`"
    )]
    Special {
        /// The file.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A name, or the target of a link, that is not UTF-8.
    #[error("the {what} `{escaped}` is not valid UTF-8: rename it, or leave it out with `.amlignore`")]
    NotUtf8 {
        /// Whether it is a file name or the target of a link.
        what: &'static str,
        /// The path with every byte that is not UTF-8 written as `\xNN`.
        escaped: String,
    },
    /// A file or folder that could not be read.
    #[error(
        "`{path}` cannot be read: {cause}; make it readable, or leave it out with a line `/{path}` in `.amlignore`"
    )]
    Unreadable {
        /// The file or folder.
        path: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A file that was being written each time it was read.
    #[error(
        "`{path}` kept changing while it was read: wait until nothing writes to it, or leave it out with a line `/{path}` in `.amlignore`"
    )]
    KeepsChanging {
        /// The file.
        path: String,
    },
}

impl Problem {
    /// The path that the problem is about, relative to the source folder.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::LinkLeaves { path, .. }
            | Self::Special { path, .. }
            | Self::NotUtf8 { escaped: path, .. }
            | Self::Unreadable { path, .. }
            | Self::KeepsChanging { path } => path,
        }
    }
}

/// What is wrong with a tree, or with the encoding of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// The bytes do not start as a tree of a version this program knows.
    #[error("it does not start as a tree of version 1: it is damaged, or from a newer version")]
    Version,
    /// The bytes end inside an entry, or go on after the last one.
    #[error("it is cut short or too long")]
    Length,
    /// An entry of no known kind.
    #[error("it has an entry of the unknown kind {0}")]
    Kind(u8),
    /// A path or link target that is not UTF-8.
    #[error("it has a name that is not UTF-8")]
    NotUtf8,
    /// A path that is empty, absolute, too long, or has an empty, `.` or `..` component or a NUL.
    #[error("it has the path `{}`, which is not a plain relative path", .0.escape_debug())]
    Path(String),
    /// Entries that are not in strictly rising order of the bytes of their paths.
    #[error("the entry `{}` is repeated or out of order", .0.escape_debug())]
    Order(String),
    /// An entry below another entry that is not a folder.
    #[error("the entry `{}` lies below a file or link", .0.escape_debug())]
    BelowFile(String),
    /// A link whose target is outside the tree, or is empty or too long.
    #[error("the link `{}` points to `{}`, outside the tree", path.escape_debug(), target.escape_debug())]
    Link {
        /// The link.
        path: String,
        /// Where it points.
        target: String,
    },
    /// Links that lead through each other so often that following them all takes too long.
    #[error("its links lead through each other too often")]
    Tangle,
    /// Sizes that add up to more than fits.
    #[error("its sizes add up to more than 2^64 bytes")]
    Size,
}

/// Names a content by the file that needs it where that is known, and by its hash.
fn of_what(hash: &Hash, path: Option<&str>) -> String {
    match path {
        Some(path) => format!("of `{path}` (`{hash}`)"),
        None => format!("`{hash}`"),
    }
}

fn describe(problems: &[Problem]) -> String {
    struct Lines<'a>(&'a [Problem]);
    impl fmt::Display for Lines<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for problem in &self.0[..self.0.len().min(PROBLEMS_SHOWN)] {
                write!(f, "\n  {problem}")?;
            }
            match self.0.len().saturating_sub(PROBLEMS_SHOWN) {
                0 => Ok(()),
                more => write!(f, "\n  and {more} more"),
            }
        }
    }
    match problems {
        [one] => one.to_string(),
        many => format!("{} files cannot go into the snapshot:{}", many.len(), Lines(many)),
    }
}
