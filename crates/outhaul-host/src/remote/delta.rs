//! What has to travel when a machine has another tree already. Pure.

use std::collections::HashSet;

use outhaul_snapshot::{EntryKind, Tree, TreeEntry};

/// The way from one tree to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Delta {
    /// Entries that are new or different.
    pub(super) changed: Vec<TreeEntry>,
    /// Paths that are gone: files, links and whole folders.
    pub(super) removed: Vec<String>,
    /// Bytes of the changed files.
    pub(super) bytes: u64,
}

fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// The way from `base` to `wanted`; `None` where a path turns from a file into a folder or back, or where a name could
/// not stand on a line.
pub(super) fn delta(base: &Tree, wanted: &Tree) -> Option<Delta> {
    let mut delta = Delta::default();
    for entry in wanted.entries() {
        if base.get(&entry.path) != Some(entry) {
            if let EntryKind::File { size, .. } = entry.kind {
                delta.bytes += size;
            }
            delta.changed.push(entry.clone());
        }
    }
    let all = |tree: &Tree| -> HashSet<String> {
        let paths = tree.entries().iter();
        paths
            .flat_map(|entry| folders(&entry.path))
            .map(str::to_owned)
            .collect()
    };
    let (had, has) = (all(base), all(wanted));
    let turned =
        |tree: &Tree, folders: &HashSet<String>| folders.iter().any(|folder| tree.get(folder).is_some());
    if turned(base, &has) || turned(wanted, &had) {
        return None;
    }
    let mut removed = HashSet::new();
    for entry in base.entries() {
        if wanted.get(&entry.path).is_none() {
            let whole = folders(&entry.path).find(|folder| !has.contains(*folder));
            let path = whole.unwrap_or(&entry.path);
            if path.contains('\n') {
                return None;
            }
            removed.insert(path.to_owned());
        }
    }
    delta.removed = removed.into_iter().collect();
    delta.removed.sort();
    Some(delta)
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_snapshot::Hash;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut entries: Vec<_> = files
            .iter()
            .map(|(path, text)| TreeEntry {
                path: (*path).to_owned(),
                kind: EntryKind::File {
                    hash: Hash::of(text.as_bytes()),
                    size: text.len() as u64,
                    executable: false,
                },
            })
            .collect();
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        Tree::new(entries).unwrap()
    }

    #[test]
    fn only_what_differs_travels() {
        let base = tree(&[
            ("a", "1"),
            ("b", "2"),
            ("old/deep/x", "3"),
            ("old/deep/y", "4"),
            ("keep/x", "5"),
            ("keep/y", "6"),
        ]);
        let wanted = tree(&[("a", "1"), ("b", "22"), ("keep/x", "5"), ("new/z", "7")]);
        let found = delta(&base, &wanted).unwrap();
        let changed: Vec<_> = found.changed.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!((changed, found.bytes), (vec!["b", "new/z"], 3));
        assert_eq!(found.removed, ["keep/y", "old"]);
    }

    #[test]
    fn a_file_that_becomes_a_folder_is_no_delta() {
        let (file, folder) = (tree(&[("x", "1")]), tree(&[("x/y", "1")]));
        assert!(delta(&file, &folder).is_none() && delta(&folder, &file).is_none());
        assert!(delta(&tree(&[("a\nb", "1")]), &tree(&[])).is_none());
    }
}
