//! The code of a run: its snapshot, and where it stands in git.

use std::path::Path;

use outhaul_snapshot::{
    BlobStore, Plan, ScanOptions, Snapshot, SnapshotError, TakeOptions, Tree, plan, silent,
    take as take_snapshot,
};
use outhaul_types::{GitState, SnapshotRef};

use crate::context::Context;
use crate::error::CliError;
use crate::home;
use crate::output::SnapshotProgress;

/// A snapshot that is in the store.
pub(in crate::commands) struct Taken {
    snapshot: Snapshot,
    source: String,
}

impl Taken {
    pub(in crate::commands) fn reference(&self, git: Option<GitState>) -> SnapshotRef {
        SnapshotRef {
            tree: self.snapshot.tree_id.to_hex(),
            files: self.snapshot.file_count,
            bytes: self.snapshot.total_size,
            source: self.source.clone(),
            git,
        }
    }
}

/// What is never part of a snapshot: the data folder.
fn leave_out(context: &Context) -> ScanOptions {
    ScanOptions {
        leave_out: context.home.canonicalize().into_iter().collect(),
    }
}

/// Takes the snapshot of a source folder into the store. The script must be part of it.
pub(in crate::commands) fn take(
    context: &Context,
    source: &Path,
    script: Option<&str>,
) -> Result<Taken, CliError> {
    let store = BlobStore::open(home::blobs(&context.home))?;
    let index = home::snapshot_index(&context.home, source);
    let mut options = TakeOptions {
        verify: false,
        scan: leave_out(context),
    };
    let printer = &context.printer;
    let progress = SnapshotProgress::new(printer.watched && !printer.quiet);
    let taken = match take_snapshot(source, &store, &index, &options, &|step| progress.step(step)) {
        // The source still has what the store has lost.
        Err(error) if SnapshotError::is_repairable(&error) => {
            options.verify = true;
            take_snapshot(source, &store, &index, &options, &|step| progress.step(step))
        }
        taken => taken,
    };
    progress.finish();
    let snapshot = taken?;
    warn(context, &snapshot.warnings);
    script_is_in(&snapshot.tree, source, script)?;
    Ok(Taken {
        snapshot,
        source: source.to_string_lossy().into_owned(),
    })
}

/// Finds what would hinder a snapshot, and writes nothing.
pub(super) fn check(context: &Context, source: &Path, script: Option<&str>) -> Result<(), CliError> {
    planned(context, source, script).map(drop)
}

/// What a snapshot would be; writes nothing.
pub(super) fn planned(context: &Context, source: &Path, script: Option<&str>) -> Result<Plan, CliError> {
    let index = home::snapshot_index(&context.home, source);
    let plan = plan(source, &index, &leave_out(context), &silent)?;
    script_is_in(&plan.tree, source, script)?;
    Ok(plan)
}

pub(super) fn warn(context: &Context, warnings: &[String]) {
    for warning in warnings {
        context.printer.warning(warning);
    }
}

fn script_is_in(tree: &Tree, source: &Path, script: Option<&str>) -> Result<(), CliError> {
    match script {
        Some(script) if tree.get(script).is_none() && !below_link(tree, script) => {
            let message = format!(
                "script `{script}` is left out of the snapshot of `{}`",
                source.display()
            );
            Err(CliError::user(message).hint(
                "a line in `.gitignore` or `.amlignore` excludes it (`outputs` and `logs` are always left out); \
                 `!/PATH` in `.amlignore` takes a file in again",
            ))
        }
        _ => Ok(()),
    }
}

/// Whether a folder on the way to the file is a link of the tree.
fn below_link(tree: &Tree, path: &str) -> bool {
    path.match_indices('/')
        .any(|(at, _)| tree.get(&path[..at]).is_some())
}

/// The commit that the source folder stands at; `None` without git or without a commit.
pub(in crate::commands) fn git(source: &Path) -> Option<GitState> {
    let state = outhaul_snapshot::git_state(source)?;
    Some(GitState {
        commit: state.commit?,
        branch: state.branch,
        dirty: state.dirty,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_snapshot::{EntryKind, Hash, TreeEntry};

    #[test]
    fn an_ignored_script_is_noticed() {
        let file = |path: &str| TreeEntry {
            path: path.into(),
            kind: EntryKind::File {
                hash: Hash::of(b""),
                size: 0,
                executable: false,
            },
        };
        let link = TreeEntry {
            path: "link".into(),
            kind: EntryKind::Symlink { target: "src".into() },
        };
        let tree = Tree::new(vec![link, file("src/train.py")]).unwrap();
        let ask = |script| script_is_in(&tree, Path::new("/s"), script);
        assert!(ask(None).is_ok() && ask(Some("src/train.py")).is_ok() && ask(Some("link/train.py")).is_ok());
        let error = ask(Some("outputs/train.py")).unwrap_err();
        assert!(
            error.message.contains("`outputs/train.py` is left out"),
            "{error:?}"
        );
    }
}
