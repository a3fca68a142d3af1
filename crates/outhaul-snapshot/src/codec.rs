//! The bytes of a tree, version 1. One tree has one encoding.
//!
//! `MAGIC`, the number of entries, then per entry: a letter for its kind, the length of its path,
//! its path, and for a file (`f`, executable `x`) its size and hash, for a link (`l`) the length of
//! its target and its target. Lengths and counts are 32-bit, sizes 64-bit, little-endian.

use crate::error::TreeError;
use crate::hash::Hash;
use crate::tree::{EntryKind, TreeEntry};

const MAGIC: &[u8] = b"outhaul-tree 1\n";
/// The fewest bytes an entry takes, so that a count may not ask for more memory than there is.
const MIN_ENTRY: usize = 10;

pub(crate) fn encode(entries: &[TreeEntry]) -> Vec<u8> {
    let names: usize = entries.iter().map(|entry| entry.path.len()).sum();
    let mut out = Vec::with_capacity(MAGIC.len() + 4 + names + entries.len() * 45);
    out.extend_from_slice(MAGIC);
    put_len(&mut out, entries.len());
    for entry in entries {
        match &entry.kind {
            EntryKind::File {
                hash,
                size,
                executable,
            } => {
                out.push(if *executable { b'x' } else { b'f' });
                put_text(&mut out, &entry.path);
                out.extend_from_slice(&size.to_le_bytes());
                out.extend_from_slice(hash.as_bytes());
            }
            EntryKind::Symlink { target } => {
                out.push(b'l');
                put_text(&mut out, &entry.path);
                put_text(&mut out, target);
            }
        }
    }
    out
}

/// Reads entries; whether they make a sound tree is for [`crate::Tree::new`] to say.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<TreeEntry>, TreeError> {
    let mut bytes = bytes.strip_prefix(MAGIC).ok_or(TreeError::Version)?;
    let count = take_len(&mut bytes)?;
    if count > bytes.len() / MIN_ENTRY {
        return Err(TreeError::Length);
    }
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        let [letter] = take::<1>(&mut bytes)?;
        if !matches!(letter, b'f' | b'x' | b'l') {
            return Err(TreeError::Kind(letter));
        }
        let path = take_text(&mut bytes)?;
        let kind = if letter == b'l' {
            EntryKind::Symlink {
                target: take_text(&mut bytes)?,
            }
        } else {
            let size = u64::from_le_bytes(take(&mut bytes)?);
            let hash = Hash::from_bytes(take(&mut bytes)?);
            EntryKind::File {
                hash,
                size,
                executable: letter == b'x',
            }
        };
        entries.push(TreeEntry { path, kind });
    }
    if bytes.is_empty() {
        Ok(entries)
    } else {
        Err(TreeError::Length)
    }
}

/// A tree keeps its paths far below 4 GiB, and its entries too: 2^32 paths would not fit memory.
fn put_len(out: &mut Vec<u8>, len: usize) {
    debug_assert!(u32::try_from(len).is_ok());
    out.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_len(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], TreeError> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(TreeError::Length)?;
    *bytes = rest;
    Ok(*head)
}

fn take_len(bytes: &mut &[u8]) -> Result<usize, TreeError> {
    usize::try_from(u32::from_le_bytes(take(bytes)?)).map_err(|_| TreeError::Length)
}

fn take_text(bytes: &mut &[u8]) -> Result<String, TreeError> {
    let len = take_len(bytes)?;
    let (text, rest) = bytes.split_at_checked(len).ok_or(TreeError::Length)?;
    *bytes = rest;
    String::from_utf8(text.to_vec()).map_err(|_| TreeError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tree::Tree;

    fn sample() -> Tree {
        let file = |path: &str, executable| TreeEntry {
            path: path.into(),
            kind: EntryKind::File {
                hash: Hash::of(path.as_bytes()),
                size: 7,
                executable,
            },
        };
        let link = TreeEntry {
            path: "b/l".into(),
            kind: EntryKind::Symlink {
                target: "../a".into(),
            },
        };
        Tree::new(vec![file("a", false), link, file("run.sh", true)]).unwrap()
    }

    #[test]
    fn the_encoding_is_fixed() {
        // A change of this value means that every snapshot ever taken gets a new name: that needs
        // a new version, not a new value here.
        assert_eq!(
            sample().id().to_hex(),
            "328987edc7249e7128022a3ea9d409cbe06e0c14bf1b26074f1c10469d2e1283",
        );
        assert_eq!(Tree::default().encode(), b"outhaul-tree 1\n\0\0\0\0");
    }

    #[test]
    fn hostile_bytes_are_refused() {
        let good = sample().encode();
        assert_eq!(Tree::decode(&good), Ok(sample()));
        for cut in 0..good.len() {
            assert!(Tree::decode(&good[..cut]).is_err(), "cut at {cut}");
        }
        let edit = |at: usize, with: &[u8]| {
            let mut bad = good.clone();
            bad[at..at + with.len()].copy_from_slice(with);
            Tree::decode(&bad)
        };
        let entry = MAGIC.len() + 4;
        assert_eq!(edit(13, b"2"), Err(TreeError::Version));
        assert_eq!(edit(MAGIC.len(), &[255; 4]), Err(TreeError::Length));
        assert_eq!(edit(MAGIC.len(), &[2]), Err(TreeError::Length));
        assert_eq!(edit(entry, b"d"), Err(TreeError::Kind(b'd')));
        assert_eq!(edit(entry + 1, &[255; 4]), Err(TreeError::Length));
        assert_eq!(edit(entry + 5, &[255]), Err(TreeError::NotUtf8));
        assert_eq!(edit(entry + 5, b"/"), Err(TreeError::Path("/".into())));
        assert_eq!(edit(entry + 5, b"z"), Err(TreeError::Order("b/l".into())));
        assert_eq!(
            Tree::decode(&[good.as_slice(), b"x"].concat()),
            Err(TreeError::Length)
        );
    }

    proptest! {
        #[test]
        fn what_decodes_is_what_encodes(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), keep in 0..150_usize) {
            let good = sample().encode();
            let mut mixed = good[..keep.min(good.len())].to_vec();
            mixed.append(&mut bytes);
            if let Ok(tree) = Tree::decode(&mixed) {
                prop_assert_eq!(tree.encode(), mixed);
            }
        }
    }
}
