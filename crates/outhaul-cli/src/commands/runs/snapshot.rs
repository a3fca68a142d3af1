//! `outhaul runs snapshot`.

use std::os::unix::fs::symlink;

use outhaul_snapshot::{EntryKind, Tree, TreeEntry};
use outhaul_types::api::{SnapshotFile, SnapshotInfo};
use outhaul_types::exit_code;

use crate::args::SnapshotArgs;
use crate::commands::download::{Destination, cannot};
use crate::context::Context;
use crate::error::{CliError, Outcome};
use crate::output::{Cell, Table, plural, size};

pub(super) async fn run(context: &Context, args: &SnapshotArgs) -> Outcome {
    let printer = &context.printer;
    let client = context.client().await?;
    let info = client.snapshot(&args.run).await?;
    if let Some(folder) = &args.download {
        let tree = tree(&info)?;
        let to = Destination::open(&context.here.join(folder))?;
        if !to.is_empty()? {
            return Err(
                CliError::user(format!("folder `{}` is not empty", folder.display()))
                    .hint("code is downloaded into a new or empty folder"),
            );
        }
        let mut links = Vec::new();
        for entry in tree.entries() {
            match &entry.kind {
                EntryKind::File { hash, executable, .. } => {
                    let hash = hash.to_hex();
                    to.write(&entry.path, &hash, *executable, client.blob(&hash).await?)
                        .await?;
                }
                EntryKind::Symlink { target } => links.push((&entry.path, target)),
            }
        }
        // Last, so that no file is written through one.
        for (path, target) in links {
            let place = to.place(path)?;
            symlink(target, &place).map_err(|error| cannot("make the link", &place, &error))?;
        }
        let count = plural(tree.file_count(), "file");
        printer.note(&format!(
            "{count}, {}, in `{}`, checked",
            size(tree.total_size()),
            folder.display()
        ));
    }
    if printer.json {
        printer.json(&info)?;
    } else if args.download.is_none() {
        let mut table = Table::new(["PATH", "SIZE"]);
        for file in info.files {
            let what = file
                .link
                .map_or_else(|| size(file.size), |link| format!("-> {link}"));
            table.row([Cell::new(file.path), Cell::right(what)]);
        }
        printer.lines(&table.show(printer.out))?;
    }
    Ok(exit_code::SUCCESS)
}

/// The files as a tree: it can only be made of entries that stay inside a folder, links included.
fn tree(info: &SnapshotInfo) -> Result<Tree, CliError> {
    let mut entries = info.files.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Tree::new(entries).map_err(|error| {
        CliError::system(format!(
            "the code that the server names cannot be written out: {error}"
        ))
    })
}

fn entry(file: &SnapshotFile) -> Result<TreeEntry, CliError> {
    let unsound = || {
        CliError::system(format!(
            "the server names no content for `{}`",
            file.path.escape_debug()
        ))
    };
    let kind = match (&file.link, &file.hash) {
        (Some(target), _) => EntryKind::Symlink {
            target: target.clone(),
        },
        (None, Some(hash)) => EntryKind::File {
            hash: hash.parse().map_err(|_| unsound())?,
            size: file.size,
            executable: file.executable,
        },
        (None, None) => return Err(unsound()),
    };
    Ok(TreeEntry {
        path: file.path.clone(),
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_types::SnapshotRef;

    fn file(path: &str, hash: Option<&str>, link: Option<&str>) -> SnapshotFile {
        let owned = |text: &str| text.to_owned();
        SnapshotFile {
            path: path.into(),
            size: 0,
            hash: hash.map(owned),
            executable: false,
            link: link.map(owned),
        }
    }

    #[test]
    fn code_that_would_leave_the_folder_is_refused() {
        let hash = "0".repeat(64);
        let ask = |files: Vec<SnapshotFile>| {
            let snapshot = SnapshotRef {
                tree: String::new(),
                files: 0,
                bytes: 0,
                source: String::new(),
                git: None,
            };
            tree(&SnapshotInfo { snapshot, files })
        };
        let good = || file("b/c", Some(&hash), None);
        assert_eq!(
            ask(vec![good(), file("a", None, Some("b"))])
                .unwrap()
                .entries()
                .len(),
            2
        );
        for bad in [
            file("../x", Some(&hash), None),
            file("/x", Some(&hash), None),
            file("x", None, Some("../y")),
            file("x", None, Some("/etc")),
            file("x", None, None),
            file("x", Some("../../etc/passwd"), None),
        ] {
            assert!(ask(vec![good(), bad.clone()]).is_err(), "{bad:?}");
        }
    }
}
