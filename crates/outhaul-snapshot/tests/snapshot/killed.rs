//! A snapshot that is killed with SIGKILL while it writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use outhaul_snapshot::{BlobStore, Hash, TakeOptions, materialise, silent, take};

use crate::common::Bench;

/// Tells the program, started again by the test, where to take a snapshot.
const VICTIM: &str = "OUTHAUL_TEST_SNAPSHOT_VICTIM";

/// Contents by the name they have in the store.
fn blobs(store: &BlobStore) -> Vec<(String, PathBuf)> {
    let folders = fs::read_dir(store.root())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for folder in folders.filter(|folder| folder.file_name().is_some_and(|name| name.len() == 2)) {
        let start = folder.file_name().unwrap().to_string_lossy().into_owned();
        for file in fs::read_dir(&folder).unwrap() {
            let file = file.unwrap();
            found.push((
                format!("{start}{}", file.file_name().to_string_lossy()),
                file.path(),
            ));
        }
    }
    found
}

#[test]
fn victim() {
    let Some(folder) = std::env::var_os(VICTIM) else {
        return;
    };
    let folder = Path::new(&folder);
    let store = BlobStore::open(folder.join("store")).unwrap();
    take(
        &folder.join("source"),
        &store,
        &folder.join("index"),
        &TakeOptions::default(),
        &silent,
    )
    .unwrap();
}

#[test]
fn a_killed_snapshot_leaves_whole_contents_and_the_next_one_is_complete() {
    let bench = Bench::new();
    for n in 0..400_usize {
        // Small ones that are written whole, and some that stream.
        let size = if n % 40 == 0 { 600_000 } else { 2000 };
        bench.write(&format!("d{}/f{n}", n % 9), format!("{n} ").repeat(size / 4));
    }
    for kill_at in [1, 20, 100, 250] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::victim"])
            .env(VICTIM, bench.beside(""))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while blobs(&bench.store).len() < kill_at && child.try_wait().unwrap().is_none() {
            thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for (name, path) in blobs(&bench.store) {
            assert_eq!(Hash::of(&fs::read(path).unwrap()).to_hex(), name);
        }
    }
    let taken = bench.take().unwrap();
    assert_eq!(taken.file_count, 400);
    materialise(&taken.tree, &bench.store, &bench.beside("dest")).unwrap();
    for entry in taken.tree.entries() {
        let there = fs::read(bench.beside("dest").join(&entry.path)).unwrap();
        assert_eq!(
            there,
            fs::read(bench.source().join(&entry.path)).unwrap(),
            "{}",
            entry.path
        );
    }
}
