//! The tree: which paths a snapshot has, and the rules that make one safe to write out anywhere.

use std::collections::HashMap;

use crate::codec;
use crate::error::TreeError;
use crate::hash::Hash;
use crate::links::{self, Fate};

/// Longest path and longest link target, in bytes, as the kernel has it.
const MAX_PATH: usize = 4096;
/// Longest component of a path, in bytes.
const MAX_NAME: usize = 255;
/// How many components may be walked to follow all links of a tree: a second's work.
const LINK_STEPS: usize = 10_000_000;

/// One file or symbolic link of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Relative path with `/` between its components.
    pub path: String,
    /// What is there.
    pub kind: EntryKind,
}

/// What a path of a tree holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// The name of its content.
        hash: Hash,
        /// Its size in bytes.
        size: u64,
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// A symbolic link that stays inside the tree.
    Symlink {
        /// Where it points, relative to the folder it is in.
        target: String,
    },
}

/// A source tree: files and links in the order of the bytes of their paths.
///
/// Folders have no entries of their own, so an empty folder is not kept. Two folders with the same
/// files, executable bits and links are the same tree, with the same [`id`](Tree::id), whatever
/// their owners and dates. Every `Tree` in existence obeys the rules of [`Tree::new`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    entries: Vec<TreeEntry>,
    total_size: u64,
}

impl Tree {
    /// Makes a tree of entries that are already in order.
    ///
    /// # Errors
    ///
    /// When a path is not a plain relative path, entries repeat or are out of order, one lies below
    /// a file or a link, a link leads out of the tree (also through other links), or the sizes
    /// overflow.
    pub fn new(entries: Vec<TreeEntry>) -> Result<Self, TreeError> {
        check_paths(&entries)?;
        check_links(&entries)?;
        let mut total_size = 0_u64;
        for entry in &entries {
            if let EntryKind::File { size, .. } = entry.kind {
                total_size = total_size.checked_add(size).ok_or(TreeError::Size)?;
            }
        }
        Ok(Self { entries, total_size })
    }

    /// The entries, in the order of the bytes of their paths.
    #[must_use]
    pub fn entries(&self) -> &[TreeEntry] {
        &self.entries
    }

    /// The entry at a path, if there is one.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&TreeEntry> {
        find(&self.entries, path)
    }

    /// How many files the tree has, links not counted.
    #[must_use]
    pub fn file_count(&self) -> u64 {
        self.entries
            .iter()
            .filter(|e| matches!(e.kind, EntryKind::File { .. }))
            .count() as u64
    }

    /// The sum of the sizes of all files, in bytes.
    #[must_use]
    pub fn total_size(&self) -> u64 {
        self.total_size
    }

    /// The tree as bytes. Equal trees have equal bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(&self.entries)
    }

    /// Reads a tree back. Safe on any input: what it returns can be written into an empty folder
    /// without touching anything outside it.
    ///
    /// # Errors
    ///
    /// When the bytes are not exactly what [`encode`](Tree::encode) gives for a tree that
    /// [`Tree::new`] allows.
    pub fn decode(bytes: &[u8]) -> Result<Self, TreeError> {
        Self::new(codec::decode(bytes)?)
    }

    /// The name of the tree: the hash of its encoding, which is how a store keeps it.
    #[must_use]
    pub fn id(&self) -> Hash {
        Hash::of(&self.encode())
    }
}

fn find<'a>(entries: &'a [TreeEntry], path: &str) -> Option<&'a TreeEntry> {
    entries
        .binary_search_by(|entry| entry.path.as_str().cmp(path))
        .ok()
        .map(|at| &entries[at])
}

/// The folder part of a path; empty for a path at the top.
pub(crate) fn parent(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..slash])
}

fn check_paths(entries: &[TreeEntry]) -> Result<(), TreeError> {
    let mut before: Option<&str> = None;
    let mut folder = "";
    for entry in entries {
        let path = entry.path.as_str();
        if !is_plain(path) {
            return Err(TreeError::Path(entry.path.clone()));
        }
        if before.is_some_and(|before| before >= path) {
            return Err(TreeError::Order(entry.path.clone()));
        }
        before = Some(path);
        // Neighbours mostly share their folder, so a folder is looked up about once.
        if parent(path) != folder {
            folder = parent(path);
            let mut above = folder;
            while !above.is_empty() {
                if find(entries, above).is_some() {
                    return Err(TreeError::BelowFile(entry.path.clone()));
                }
                above = parent(above);
            }
        }
    }
    Ok(())
}

fn is_plain(path: &str) -> bool {
    path.len() <= MAX_PATH
        && !path.as_bytes().contains(&0)
        && path
            .split('/')
            .all(|name| !name.is_empty() && name != "." && name != ".." && name.len() <= MAX_NAME)
}

fn check_links(entries: &[TreeEntry]) -> Result<(), TreeError> {
    let links: HashMap<&str, &str> = entries
        .iter()
        .filter_map(|entry| match &entry.kind {
            EntryKind::Symlink { target } => Some((entry.path.as_str(), target.as_str())),
            EntryKind::File { .. } => None,
        })
        .collect();
    let mut steps = LINK_STEPS;
    for entry in entries {
        let EntryKind::Symlink { target } = &entry.kind else {
            continue;
        };
        let sound = !target.is_empty() && target.len() < MAX_PATH && !target.as_bytes().contains(&0);
        let fate = if sound {
            links::follow(&entry.path, &links, &mut steps)
        } else {
            Fate::Leaves
        };
        match fate {
            Fate::Stays => {}
            Fate::Leaves => {
                return Err(TreeError::Link {
                    path: entry.path.clone(),
                    target: target.clone(),
                });
            }
            Fate::TooLong => return Err(TreeError::Tangle),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> TreeEntry {
        let kind = EntryKind::File {
            hash: Hash::of(b""),
            size: 1,
            executable: false,
        };
        TreeEntry {
            path: path.into(),
            kind,
        }
    }

    fn link(path: &str, target: &str) -> TreeEntry {
        TreeEntry {
            path: path.into(),
            kind: EntryKind::Symlink {
                target: target.into(),
            },
        }
    }

    #[test]
    fn only_plain_relative_paths_are_taken() {
        let long_name = "n".repeat(256);
        let long_path = "d/".repeat(2048) + "f";
        for bad in [
            "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.", "a\0b", &long_name, &long_path,
        ] {
            assert_eq!(Tree::new(vec![file(bad)]), Err(TreeError::Path(bad.into())));
        }
        for good in [
            "a",
            ".a",
            "..a",
            "a..",
            "a b",
            "a\nb",
            "é/ü",
            "a\\b",
            &long_name[1..],
        ] {
            assert!(Tree::new(vec![file(good)]).is_ok(), "`{good}` was refused");
        }
    }

    #[test]
    fn entries_rise_and_none_is_below_a_file() {
        let order = |paths: &[&str]| Tree::new(paths.iter().map(|p| file(p)).collect());
        assert!(order(&["a", "a-b", "a.d/e", "b/c", "b/d"]).is_ok());
        assert_eq!(order(&["a", "a"]), Err(TreeError::Order("a".into())));
        assert_eq!(order(&["b", "a"]), Err(TreeError::Order("a".into())));
        // `-` sorts before `/`: the file and what is below it are no neighbours.
        assert_eq!(
            order(&["a", "a-b", "a/b"]),
            Err(TreeError::BelowFile("a/b".into()))
        );
        assert_eq!(order(&["a", "a/b/c"]), Err(TreeError::BelowFile("a/b/c".into())));
        let below_link = Tree::new(vec![link("a", "b"), file("a/x")]);
        assert_eq!(below_link, Err(TreeError::BelowFile("a/x".into())));
    }

    #[test]
    fn sizes_may_not_overflow() {
        let huge = |path: &str| TreeEntry {
            path: path.into(),
            kind: EntryKind::File {
                hash: Hash::of(b""),
                size: u64::MAX,
                executable: false,
            },
        };
        assert_eq!(Tree::new(vec![huge("a")]).unwrap().total_size(), u64::MAX);
        assert_eq!(Tree::new(vec![huge("a"), huge("b")]), Err(TreeError::Size));
    }

    #[test]
    fn links_that_fan_out_through_each_other_end_soon() {
        // Every link walks 1600 components and then the next 39 links: a minute's work.
        let long = "x/../".repeat(800);
        let chain = |n: usize| link(&format!("l{n:04}"), &format!("{long}l{:04}", n + 1));
        assert!(Tree::new((0..20).map(chain).collect()).is_ok());
        assert_eq!(Tree::new((0..1000).map(chain).collect()), Err(TreeError::Tangle));
    }
}
