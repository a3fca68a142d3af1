//! The files of a model as a tree with one entry at its top. Pure.

use outhaul_snapshot::{EntryKind, Tree, TreeEntry};
use outhaul_types::ApiError;
use outhaul_types::api::Output;
use outhaul_types::model::ModelFiles;
use outhaul_types::spec::is_inside;

/// A path among a run's outputs as they are named: without `./` before and `/` behind it.
pub(super) fn plain(path: &str) -> Result<String, ApiError> {
    let mut plain = path.trim_end_matches('/');
    while let Some(rest) = plain.strip_prefix("./") {
        plain = rest;
    }
    if is_inside(plain) {
        Ok(plain.to_owned())
    } else {
        Err(
            ApiError::bad_request(format!("`{path}` cannot be the path of an output"))
                .with_hint("name a file or a folder among the run's outputs, such as `outputs/model.pkl`"),
        )
    }
}

/// The output of this path, or all outputs below it, under the last part of the path; `None` when there is none.
pub(super) fn of_outputs(outputs: &[Output], path: &str) -> Result<Option<Tree>, ApiError> {
    let entry = path.rsplit('/').next().unwrap_or(path);
    let mut entries = Vec::new();
    for output in outputs {
        let place = match output.path.strip_prefix(path) {
            Some("") => entry.to_owned(),
            Some(rest) if rest.starts_with('/') => format!("{entry}{rest}"),
            _ => continue,
        };
        let hash = output
            .hash
            .parse()
            .map_err(|_| ApiError::internal(format!("output `{}` has no sound hash", output.path)))?;
        entries.push(TreeEntry {
            path: place,
            kind: EntryKind::File {
                hash,
                size: output.size,
                executable: false,
            },
        });
    }
    if entries.is_empty() {
        return Ok(None);
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    // A run may have uploaded a file under a name that is a folder's as well.
    let tree = Tree::new(entries).map_err(|error| {
        ApiError::bad_request(format!("`{path}` cannot be written into a folder: {error}"))
    })?;
    Ok(Some(tree))
}

/// What is recorded of a model's tree.
pub(super) fn describe(tree: &Tree) -> Result<ModelFiles, ApiError> {
    let mut tops = tree
        .entries()
        .iter()
        .map(|entry| entry.path.split('/').next().unwrap_or(&entry.path));
    let Some(top) = tops.next() else {
        return Err(ApiError::bad_request(
            "a model needs a file at least: the folder is empty",
        ));
    };
    if tops.any(|other| other != top) {
        return Err(ApiError::bad_request(
            "the tree of a model has one file or one folder at its top",
        ));
    }
    Ok(ModelFiles {
        tree: tree.id().to_hex(),
        entry: top.to_owned(),
        files: tree.file_count(),
        bytes: tree.total_size(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(path: &str) -> Output {
        Output {
            path: path.into(),
            size: 3,
            hash: "0".repeat(64),
        }
    }

    fn paths(path: &str) -> Option<Vec<String>> {
        let outputs = [
            "logs/x",
            "outputs/m",
            "outputs/m-2",
            "outputs/net/a",
            "outputs/net/b/c",
        ]
        .map(output);
        let tree = of_outputs(&outputs, path).unwrap()?;
        let files = describe(&tree).unwrap();
        assert_eq!(files.entry, path.rsplit('/').next().unwrap());
        assert_eq!(files.bytes, 3 * files.files);
        Some(tree.entries().iter().map(|entry| entry.path.clone()).collect())
    }

    #[test]
    fn a_path_names_a_file_or_all_below_a_folder() {
        let found = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(paths("outputs/m"), found(&["m"]));
        assert_eq!(paths("outputs/net"), found(&["net/a", "net/b/c"]));
        assert_eq!(paths("outputs/net/b"), found(&["b/c"]));
        assert_eq!(
            paths("outputs"),
            found(&["outputs/m", "outputs/m-2", "outputs/net/a", "outputs/net/b/c"])
        );
        for none in ["out", "outputs/n", "m", "net"] {
            assert_eq!(paths(none), None, "{none}");
        }
        let both = [output("a"), output("a/b")];
        assert!(of_outputs(&both, "a").is_err());
    }

    #[test]
    fn paths_are_read_as_people_write_them() {
        for (text, read) in [
            ("outputs/m", "outputs/m"),
            ("./outputs/net/", "outputs/net"),
            ("././m", "m"),
        ] {
            assert_eq!(plain(text).unwrap(), read);
        }
        for wrong in ["", ".", "/", "./", "/etc/passwd", "../x", "a//b", "a/../b", "a\0"] {
            assert!(plain(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_model_has_files_and_one_top() {
        assert!(describe(&Tree::default()).unwrap_err().message.contains("empty"));
        let file = |path: &str| TreeEntry {
            path: path.into(),
            kind: EntryKind::File {
                hash: outhaul_snapshot::Hash::of(b""),
                size: 0,
                executable: false,
            },
        };
        let two = Tree::new(vec![file("a"), file("b")]).unwrap();
        assert!(describe(&two).is_err());
    }
}
