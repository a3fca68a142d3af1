//! Writing trees out: what comes back is what went in, and nothing outside is touched.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use crate::common::{Bench, make_executable};
use outhaul_snapshot::{
    EntryKind, Hash, ScanOptions, SnapshotError, Tree, TreeEntry, materialise, plan, silent,
};
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Thing {
    File(Vec<u8>, bool),
    Link(String),
}

/// Everything below a folder but the folders.
fn look(root: &Path, folder: &str, into: &mut BTreeMap<String, Thing>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            look(root, &path, into);
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path())
                .unwrap()
                .into_os_string()
                .into_string()
                .unwrap();
            into.insert(path, Thing::Link(target));
        } else {
            let executable = entry.metadata().unwrap().mode() & 0o100 != 0;
            into.insert(path, Thing::File(fs::read(entry.path()).unwrap(), executable));
        }
    }
}

fn trees() -> impl Strategy<Value = BTreeMap<String, Thing>> {
    let name = prop::sample::select(vec![
        "a",
        "a-b",
        "b",
        "c.py",
        "é",
        "x y",
        ".hidden",
        "new\nline",
        "Z",
    ]);
    let path = prop::collection::vec(name.clone(), 1..4).prop_map(|names| names.join("/"));
    let thing = prop_oneof![
        4 => (prop::collection::vec(any::<u8>(), 0..300), any::<bool>()).prop_map(|(c, x)| Thing::File(c, x)),
        1 => name.prop_map(|name| Thing::Link(name.to_owned())),
    ];
    prop::collection::vec((path, thing), 0..25).prop_map(|things| {
        let mut tree = BTreeMap::<String, Thing>::new();
        for (path, thing) in things {
            let clash = |other: &String| {
                other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/"))
            };
            if !tree.keys().any(clash) {
                tree.insert(path, thing);
            }
        }
        tree
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_comes_out_is_what_went_in(things in trees()) {
        let bench = Bench::new();
        for (path, thing) in &things {
            match thing {
                Thing::File(content, executable) => {
                    let full = bench.write(path, content);
                    if *executable {
                        make_executable(&full);
                    }
                }
                Thing::Link(target) => bench.link(path, target),
            }
        }
        let taken = bench.take().unwrap();
        let dest = bench.beside("dest");
        let stored = bench.store.get_tree(&taken.tree_id).unwrap();
        prop_assert_eq!(&stored, &taken.tree);
        materialise(&stored, &bench.store, &dest).unwrap();
        let mut back = BTreeMap::new();
        look(&dest, "", &mut back);
        prop_assert_eq!(&back, &things);
        let again = plan(&dest, &bench.beside("no index"), &ScanOptions::default(), &silent).unwrap();
        prop_assert_eq!(again.tree_id, taken.tree_id);
    }
}

#[test]
fn copies_may_be_edited_without_harm_to_the_store() {
    let bench = Bench::with(&["a", "run.sh"]);
    make_executable(&bench.source().join("run.sh"));
    let taken = bench.take().unwrap();
    let dest = bench.beside("deep/dest");
    materialise(&taken.tree, &bench.store, &dest).unwrap();
    let mode = |name: &str| fs::metadata(dest.join(name)).unwrap().permissions().mode();
    assert_eq!((mode("a") & 0o700, mode("run.sh") & 0o700), (0o600, 0o700));
    assert_eq!(fs::metadata(dest.join("a")).unwrap().nlink(), 1);
    fs::write(dest.join("a"), "changed by the run").unwrap();
    materialise(&taken.tree, &bench.store, &bench.beside("second")).unwrap();
    assert_eq!(fs::read(bench.beside("second/a")).unwrap(), b"a");
}

#[test]
fn large_trees_come_back_too() {
    let bench = Bench::new();
    for n in 0..300 {
        bench.write(&format!("d{}/e{}/f{n}", n % 5, n % 3), format!("{n}"));
    }
    let taken = bench.take().unwrap();
    materialise(&taken.tree, &bench.store, &bench.beside("dest")).unwrap();
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    look(&bench.source(), "", &mut before);
    look(&bench.beside("dest"), "", &mut after);
    assert_eq!(before, after);
}

#[test]
fn what_is_in_the_way_stays_and_links_are_not_followed() {
    let bench = Bench::with(&["d/a"]);
    bench.link("l", "d");
    let taken = bench.take().unwrap();
    let outside = bench.beside("outside");
    fs::create_dir(&outside).unwrap();
    let dest = |name: &str| {
        let dest = bench.beside(name);
        fs::create_dir(&dest).unwrap();
        dest
    };
    let taken_error = |dest: &Path| match materialise(&taken.tree, &bench.store, dest) {
        Err(SnapshotError::DestinationTaken { path }) => path.strip_prefix(dest).unwrap().to_path_buf(),
        other => panic!("{other:?}"),
    };

    let linked = dest("linked folder");
    symlink(&outside, linked.join("d")).unwrap();
    assert_eq!(taken_error(&linked), Path::new("d"));
    assert_eq!(
        fs::read_dir(&outside).unwrap().count(),
        0,
        "written through a link"
    );

    let file_linked = dest("linked file");
    fs::create_dir(file_linked.join("d")).unwrap();
    symlink(outside.join("new"), file_linked.join("d/a")).unwrap();
    assert_eq!(taken_error(&file_linked), Path::new("d/a"));
    assert_eq!(
        fs::read_dir(&outside).unwrap().count(),
        0,
        "written through a link"
    );

    let file = dest("file");
    fs::create_dir(file.join("d")).unwrap();
    fs::write(file.join("d/a"), "mine").unwrap();
    assert_eq!(taken_error(&file), Path::new("d/a"));
    assert_eq!(fs::read(file.join("d/a")).unwrap(), b"mine");

    let link = dest("link");
    fs::write(link.join("l"), "mine").unwrap();
    assert_eq!(taken_error(&link), Path::new("l"));

    // Other things in the folder do no harm.
    let shared = dest("shared");
    fs::create_dir_all(shared.join("outputs")).unwrap();
    fs::create_dir_all(shared.join("d")).unwrap();
    materialise(&taken.tree, &bench.store, &shared).unwrap();
}

#[test]
fn a_missing_content_is_named_by_its_file() {
    let bench = Bench::new();
    let kind = EntryKind::File {
        hash: Hash::of(b"never stored"),
        size: 12,
        executable: false,
    };
    let tree = Tree::new(vec![TreeEntry {
        path: "src/train.py".into(),
        kind,
    }])
    .unwrap();
    let error = materialise(&tree, &bench.store, &bench.beside("dest"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`src/train.py`") && error.contains("submit the code again"),
        "{error}"
    );
}
