//! Taking snapshots again and again: what is read, what is noticed, what survives.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::common::{Bench, make_executable};
use outhaul_snapshot::{Hash, Progress, SnapshotError, TakeOptions, Tree, materialise, silent, take};

fn content(bench: &Bench, tree: &Tree, path: &str) -> Vec<u8> {
    let dest = tempfile::tempdir().unwrap();
    materialise(tree, &bench.store, dest.path()).unwrap();
    fs::read(dest.path().join(path)).unwrap()
}

fn set_modified(path: &Path, to: SystemTime) {
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(to)
        .unwrap();
}

#[test]
fn an_unchanged_folder_is_not_read_and_nothing_is_written() {
    let bench = Bench::with(&["a", "d/b", "d/c"]);
    bench.link("l", "a");
    let first = bench.settle();
    let index = fs::metadata(bench.index()).unwrap();
    let reads = AtomicU32::new(0);
    let again = take(
        &bench.source(),
        &bench.store,
        &bench.index(),
        &TakeOptions::default(),
        &|step| {
            if matches!(step, Progress::Read { .. } | Progress::FileDone { .. }) {
                reads.fetch_add(1, Ordering::Relaxed);
            }
        },
    );
    let again = again.unwrap();
    assert_eq!(reads.into_inner(), 0);
    assert_eq!((again.files_read, again.new_bytes), (0, 0));
    assert_eq!((again.tree_id, &again.tree), (first.tree_id, &first.tree));
    assert_eq!((again.file_count, again.total_size), (3, 7));
    use std::os::unix::fs::MetadataExt as _;
    assert_eq!(
        fs::metadata(bench.index()).unwrap().ino(),
        index.ino(),
        "the index was written again"
    );
}

/// What is done to a source, and how.
type Change = (&'static str, fn(&Bench));

#[test]
fn every_kind_of_change_is_noticed() {
    let changes: [Change; 7] = [
        ("longer", |b| drop(b.write("a", "longer"))),
        ("new file", |b| drop(b.write("new", "n"))),
        ("deleted", |b| fs::remove_file(b.source().join("a")).unwrap()),
        ("renamed", |b| {
            fs::rename(b.source().join("a"), b.source().join("z")).unwrap();
        }),
        ("executable", |b| make_executable(&b.source().join("a"))),
        ("new link", |b| b.link("l", "a")),
        ("same size and the old date", |b| {
            let path = b.source().join("a");
            let date = fs::metadata(&path).unwrap().modified().unwrap();
            fs::write(&path, "A").unwrap();
            set_modified(&path, date);
        }),
    ];
    for (name, change) in changes {
        let bench = Bench::with(&["a", "b"]);
        let before = bench.settle();
        change(&bench);
        let planned = bench.plan().unwrap();
        let after = bench.take().unwrap();
        assert_ne!(before.tree_id, after.tree_id, "{name}");
        assert_eq!(planned.tree_id, after.tree_id, "{name}");
        assert!(
            after.files_read <= 1,
            "{name}: a file that did not change was read"
        );
        assert_eq!(
            bench.store.get_tree(&after.tree_id).unwrap(),
            after.tree,
            "{name}"
        );
        assert_eq!(bench.settle().tree_id, after.tree_id, "{name}");
    }
}

#[test]
fn a_file_that_may_yet_change_unseen_is_read_again() {
    let bench = Bench::with(&["a", "b"]);
    set_modified(
        &bench.source().join("a"),
        SystemTime::now() + Duration::from_secs(3600),
    );
    bench.take().unwrap();
    for _ in 0..2 {
        assert!(
            bench.take().unwrap().files_read >= 1,
            "a stat from the future was believed"
        );
    }
}

#[test]
fn an_index_that_is_damaged_or_cannot_be_kept_does_no_harm() {
    let bench = Bench::with(&["a", "b"]);
    let first = bench.settle();
    let good = fs::read(bench.index()).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    for bad in [&b""[..], b"nonsense", &good[..good.len() - 1], &flipped] {
        fs::write(bench.index(), bad).unwrap();
        let again = bench.take().unwrap();
        assert_eq!(
            (again.tree_id, again.files_read, again.new_bytes),
            (first.tree_id, 2, 0)
        );
        assert!(again.warnings.is_empty());
    }
    fs::remove_file(bench.index()).unwrap();
    fs::create_dir(bench.index()).unwrap();
    let again = bench.take().unwrap();
    assert_eq!(again.tree_id, first.tree_id);
    assert_eq!(again.warnings.len(), 1, "{:?}", again.warnings);
}

/// Adds a byte to `path` each time it was read, `times` times at most, and takes a snapshot.
fn take_while_growing(bench: &Bench, path: &str, times: u32) -> Result<u32, SnapshotError> {
    let grown = AtomicU32::new(0);
    let full = bench.source().join(path);
    let grow = |step: Progress<'_>| {
        let Progress::Read { path: read, .. } = step else {
            return;
        };
        if read == path && grown.load(Ordering::Relaxed) < times {
            grown.fetch_add(1, Ordering::Relaxed);
            File::options()
                .append(true)
                .open(&full)
                .unwrap()
                .write_all(b"+")
                .unwrap();
        }
    };
    take(
        &bench.source(),
        &bench.store,
        &bench.index(),
        &TakeOptions::default(),
        &grow,
    )?;
    Ok(grown.into_inner())
}

#[test]
fn a_file_that_changes_while_it_is_read_is_read_again_or_named() {
    for size in [10, 600_000] {
        let bench = Bench::with(&["calm"]);
        bench.write("busy", vec![b'x'; size]);
        assert_eq!(take_while_growing(&bench, "busy", 1).unwrap(), 1);
        let taken = bench.take().unwrap();
        let now = fs::read(bench.source().join("busy")).unwrap();
        assert_eq!(now.len(), size + 1);
        assert_eq!(content(&bench, &taken.tree, "busy"), now);

        let bench = Bench::with(&["calm"]);
        bench.write("busy", vec![b'x'; size]);
        let error = take_while_growing(&bench, "busy", u32::MAX)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("`busy` kept changing while it was read"),
            "{error}"
        );
        assert_eq!(fs::read_dir(bench.store.root().join("tmp")).unwrap().count(), 0);
        assert!(bench.take().is_ok());
    }
}

#[test]
fn a_file_deleted_during_the_call_is_not_in_the_snapshot() {
    let bench = Bench::with(&["a", "b"]);
    let gone = bench.source().join("b");
    let delete = |step: Progress<'_>| {
        if matches!(step, Progress::Scanned { .. }) {
            fs::remove_file(&gone).unwrap();
        }
    };
    let taken = take(
        &bench.source(),
        &bench.store,
        &bench.index(),
        &TakeOptions::default(),
        &delete,
    )
    .unwrap();
    assert!(taken.tree.get("a").is_some() && taken.tree.get("b").is_none());
}

#[test]
fn a_file_swapped_for_a_link_or_a_pipe_is_neither_followed_nor_waited_for() {
    let swaps: [fn(&Path); 2] = [
        |path| std::os::unix::fs::symlink("/etc/hostname", path).unwrap(),
        |path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap(),
    ];
    for swap in swaps {
        let bench = Bench::with(&["a"]);
        let path = bench.source().join("a");
        let swapped = |step: Progress<'_>| {
            if matches!(step, Progress::Scanned { .. }) {
                fs::remove_file(&path).unwrap();
                swap(&path);
            }
        };
        let error = take(
            &bench.source(),
            &bench.store,
            &bench.index(),
            &TakeOptions::default(),
            &swapped,
        );
        assert!(error.unwrap_err().to_string().starts_with("`a` kept changing"));
    }
}

/// The word of the error that follows, and what leads to it.
type Spoil<'a> = (&'static str, Box<dyn Fn() + 'a>);

#[test]
fn a_missing_or_damaged_content_is_named_and_verify_brings_it_back() {
    let verify = TakeOptions {
        verify: true,
        ..TakeOptions::default()
    };
    for size in [5, 2_000_000] {
        let bench = Bench::with(&["a"]);
        bench.write("b", vec![b'b'; size]);
        let taken = bench.settle();
        let hash = Hash::of(&vec![b'b'; size]);
        let blob = bench.store.path_of(&hash);

        let spoil: [Spoil<'_>; 3] = [
            ("missing", Box::new(|| fs::remove_file(&blob).unwrap())),
            (
                "damaged",
                Box::new(|| {
                    fs::remove_file(&blob).unwrap();
                    fs::write(&blob, vec![b'B'; size]).unwrap();
                }),
            ),
            (
                "damaged",
                Box::new(|| {
                    fs::remove_file(&blob).unwrap();
                    fs::write(&blob, b"b").unwrap();
                }),
            ),
        ];
        for (n, (word, spoil)) in spoil.iter().enumerate() {
            spoil();
            let dest = bench.beside(&format!("dest{n}"));
            assert_eq!(
                bench.take().unwrap().files_read,
                0,
                "the tree is taken to be all there"
            );
            let error = materialise(&taken.tree, &bench.store, &dest).unwrap_err();
            assert!(error.is_repairable());
            let text = error.to_string();
            assert!(
                text.contains("`b`") && text.contains(word) && text.contains("again"),
                "{text}"
            );
            assert!(!dest.join("b").exists(), "a damaged file was left");
            let mended = bench.take_with(&verify).unwrap();
            assert_eq!((mended.files_read, mended.new_bytes), (1, size as u64));
            assert_eq!(content(&bench, &mended.tree, "b"), vec![b'b'; size]);
        }
        assert_eq!(bench.take_with(&verify).unwrap().files_read, 0);
    }
}

#[test]
fn an_index_is_not_believed_by_a_store_that_lacks_its_tree() {
    let bench = Bench::with(&["a", "b"]);
    let first = bench.settle();
    fs::remove_dir_all(bench.store.root()).unwrap();
    let again = bench.take().unwrap();
    assert_eq!((again.tree_id, again.files_read), (first.tree_id, 2));
    assert_eq!(content(&bench, &again.tree, "a"), b"a");
}

#[test]
fn what_a_killed_call_left_is_built_upon() {
    let bench = Bench::with(&["a", "b"]);
    // Killed after one content, while another was being written.
    bench.store.put_bytes(b"a").unwrap();
    fs::write(bench.store.root().join("tmp/half"), b"ha").unwrap();
    let taken = bench.take().unwrap();
    assert_eq!(taken.new_bytes, 1);
    // Killed before the tree, or before the index.
    fs::remove_file(bench.store.path_of(&taken.tree_id)).unwrap();
    assert_eq!(bench.take().unwrap().tree_id, taken.tree_id);
    fs::remove_file(bench.index()).unwrap();
    let again = bench.take().unwrap();
    assert_eq!((again.tree_id, again.new_bytes), (taken.tree_id, 0));
    assert_eq!(bench.store.get_tree(&again.tree_id).unwrap(), taken.tree);
}

#[test]
fn many_at_once_agree() {
    let bench = Bench::new();
    for n in 0..200 {
        bench.write(&format!("d{}/f{n}", n % 7), format!("content {}", n % 150));
    }
    bench.write("large", vec![1; 700_000]);
    let ids = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for n in 0..6 {
            let (bench, ids) = (&bench, &ids);
            scope.spawn(move || {
                // Some share an index.
                let index = bench.beside(&format!("index{}", n % 4));
                let taken = take(
                    &bench.source(),
                    &bench.store,
                    &index,
                    &TakeOptions::default(),
                    &silent,
                );
                ids.lock().unwrap().push(taken.unwrap().tree_id);
            });
        }
    });
    let ids = ids.into_inner().unwrap();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(fs::read_dir(bench.store.root().join("tmp")).unwrap().count(), 0);
    let tree = bench.store.get_tree(&ids[0]).unwrap();
    materialise(&tree, &bench.store, &bench.beside("dest")).unwrap();
    assert_eq!(fs::read(bench.beside("dest/d3/f199")).unwrap(), b"content 49");
}

#[test]
fn a_plan_writes_nothing_and_says_what_a_snapshot_would_be() {
    let bench = Bench::with(&["a", "d/b"]);
    let planned = bench.plan().unwrap();
    assert!(!bench.index().exists());
    assert_eq!(fs::read_dir(bench.store.root()).unwrap().count(), 1, "only `tmp`");
    let taken = bench.take().unwrap();
    assert_eq!((planned.tree_id, planned.tree), (taken.tree_id, taken.tree));
    assert_eq!((planned.file_count, planned.total_size), (2, 4));
}

#[test]
fn progress_adds_up() {
    let bench = Bench::with(&["a", "b"]);
    bench.write("large", vec![0; 600_000]);
    let (read, done, scanned) = (Mutex::new(0), AtomicU32::new(0), Mutex::new(None));
    let count = |step: Progress<'_>| match step {
        Progress::Scanned {
            files,
            size,
            unread_files,
            unread_size,
        } => {
            *scanned.lock().unwrap() = Some((files, size, unread_files, unread_size));
        }
        Progress::Read { bytes, .. } => *read.lock().unwrap() += bytes,
        Progress::FileDone { .. } => drop(done.fetch_add(1, Ordering::Relaxed)),
        _ => {}
    };
    take(
        &bench.source(),
        &bench.store,
        &bench.index(),
        &TakeOptions::default(),
        &count,
    )
    .unwrap();
    assert_eq!(scanned.into_inner().unwrap(), Some((3, 600_002, 3, 600_002)));
    assert_eq!((read.into_inner().unwrap(), done.into_inner()), (600_002, 3));
}

#[test]
fn a_large_file_streams() {
    let bench = Bench::new();
    let path = bench.write("large", b"");
    // Sparse: the size counts, not the disk.
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(16 * 1024 * 1024)
        .unwrap();
    let taken = bench.take().unwrap();
    assert_eq!(taken.total_size, 16 * 1024 * 1024);
    materialise(&taken.tree, &bench.store, &bench.beside("dest")).unwrap();
    let mut copy = Vec::new();
    File::open(bench.beside("dest/large"))
        .unwrap()
        .read_to_end(&mut copy)
        .unwrap();
    assert!(copy.len() == 16 * 1024 * 1024 && copy == vec![0; copy.len()]);
}
