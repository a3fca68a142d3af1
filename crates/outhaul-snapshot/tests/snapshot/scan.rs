//! Which files and links a snapshot has, and which sources are refused.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixListener;
use std::thread;

use crate::common::{Bench, make_executable};
use nix::libc;
use outhaul_snapshot::{BlobStore, EntryKind, ScanOptions, TakeOptions, plan, scan, silent, take};

/// The name of a case; files, each with its path as content; ignore files with their rules; the
/// files kept, ignore files not counted.
type IgnoreCase<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn ignore_rules() {
    let cases: &[IgnoreCase<'_>] = &[
        (
            "no rules",
            &["a", ".env", "d/.x", "d/e/f"],
            &[],
            &["a", ".env", "d/.x", "d/e/f"],
        ),
        (
            "gitignore without git",
            &["a.log", "b", "d/c.log"],
            &[(".gitignore", "*.log")],
            &["b"],
        ),
        ("amlignore", &["a", "data/x"], &[(".amlignore", "data/")], &["a"]),
        (
            "amlignore takes back what gitignore leaves out",
            &["model.bin", "other.bin"],
            &[(".gitignore", "*.bin"), (".amlignore", "!model.bin")],
            &["model.bin"],
        ),
        (
            "gitignore does not take back what amlignore leaves out",
            &["a.bin", "b"],
            &[(".amlignore", "*.bin"), (".gitignore", "!a.bin")],
            &["b"],
        ),
        (
            "nested amlignore over gitignore at the top",
            &["a.bin", "keep/a.bin", "keep/deep/b.bin"],
            &[(".gitignore", "*.bin"), ("keep/.amlignore", "!*.bin")],
            &["keep/a.bin", "keep/deep/b.bin"],
        ),
        (
            "amlignore at the top over nested gitignore",
            &["d/a.bin", "d/b.bin"],
            &[(".amlignore", "a.bin"), ("d/.gitignore", "!a.bin\nb.bin")],
            &[],
        ),
        (
            "deeper rules win over rules above",
            &["a.txt", "d/a.txt", "d/b.txt"],
            &[(".amlignore", "*.txt"), ("d/.amlignore", "!b.txt")],
            &["d/b.txt"],
        ),
        (
            "later rules win over earlier ones",
            &["a.txt", "b.txt"],
            &[(".amlignore", "*.txt\n!b.txt\n# c\n\n")],
            &["b.txt"],
        ),
        ("anchored", &["x", "d/x"], &[(".amlignore", "/x")], &["d/x"]),
        (
            "nothing below a folder that is left out",
            &["d/a", "e"],
            &[(".amlignore", "d/\n!d/a")],
            &["e"],
        ),
        (
            "other tools' ignore files are files",
            &["a", ".ignore"],
            &[(".ignore", "a")],
            &["a", ".ignore"],
        ),
        (
            "always left out",
            &[
                "a",
                ".git/config",
                "sub/.git",
                ".hg/x",
                ".svn/x",
                "d/__pycache__/x.pyc",
                ".github/x",
            ],
            &[(".amlignore", "!.git\n!__pycache__")],
            &["a", ".github/x"],
        ),
        (
            "where runs write, only at the top",
            &[
                "a",
                "outputs/m",
                "logs/l",
                "d/outputs/m",
                "d/logs/l",
                "outputs2/x",
            ],
            &[],
            &["a", "d/outputs/m", "d/logs/l", "outputs2/x"],
        ),
    ];
    for (name, files, rules, kept) in cases {
        let bench = Bench::with(files);
        for (path, text) in *rules {
            bench.write(path, text);
        }
        let mut wanted = kept.to_vec();
        wanted.sort_unstable();
        let mut paths = bench.paths();
        paths.retain(|path| !path.ends_with(".amlignore") && !path.ends_with(".gitignore"));
        assert_eq!(paths, wanted, "{name}");
    }
}

#[test]
fn ignore_files_are_kept_and_those_above_the_folder_do_not_count() {
    let bench = Bench::with(&["a"]);
    for name in [".gitignore", ".amlignore"] {
        bench.write(name, "# nothing");
    }
    for name in [".gitignore", ".amlignore", ".ignore"] {
        fs::write(bench.beside(name), "*").unwrap();
    }
    fs::create_dir(bench.beside(".git")).unwrap();
    assert_eq!(bench.paths(), [".amlignore", ".gitignore", "a"]);
}

#[test]
fn a_rule_that_is_not_understood_is_a_warning() {
    let bench = Bench::with(&["a", "d/b"]);
    bench.write("d/.amlignore", "[z-a]\nb\n");
    let taken = bench.take().unwrap();
    assert_eq!(taken.warnings.len(), 1, "{:?}", taken.warnings);
    assert!(taken.warnings[0].contains("d/.amlignore"), "{:?}", taken.warnings);
    assert!(taken.tree.get("d/b").is_none());
}

#[test]
fn small_and_large_walks_find_the_same() {
    let bench = Bench::with(&[
        "a",
        "d/b",
        "d/c.log",
        ".gitignore",
        "outputs/x",
        "z/__pycache__/x",
    ]);
    bench.link("l", "a");
    let options = ScanOptions::default();
    bench.settle();
    let index = outhaul_snapshot::StatIndex::load(&bench.index());
    let serial = scan(&bench.source(), &options, index.as_ref()).unwrap();
    let parallel = scan(&bench.source(), &options, None).unwrap();
    let paths =
        |scan: &outhaul_snapshot::Scan| scan.entries.iter().map(|e| e.path.clone()).collect::<Vec<_>>();
    assert!(index.is_some());
    assert_eq!(paths(&serial), paths(&parallel));
}

#[test]
fn links_inside_are_kept() {
    let bench = Bench::with(&["a", "d/b", ".amlignore", "data/x"]);
    bench.write(".amlignore", "/data");
    bench.link("plain", "a");
    bench.link("d/up", "../a");
    bench.link("folder", "d");
    bench.link("nowhere", "not/there");
    bench.link("round", "round");
    bench.link("to_left_out", "data/x");
    bench.link("d/absolute", bench.source().canonicalize().unwrap().join("d/b"));
    bench.link("d/out_and_in", "../../source/a");
    std::os::unix::fs::symlink(bench.source(), bench.beside("other_name")).unwrap();
    bench.link("by_other_name", bench.beside("other_name").join("d/b"));
    let tree = bench.plan().unwrap().tree;
    let target = |path: &str| match &tree.get(path).unwrap().kind {
        EntryKind::Symlink { target } => target.clone(),
        EntryKind::File { .. } => panic!("`{path}` is a file"),
    };
    for (path, wanted) in [
        ("plain", "a"),
        ("d/up", "../a"),
        ("folder", "d"),
        ("nowhere", "not/there"),
        ("round", "round"),
        ("to_left_out", "data/x"),
        ("d/absolute", "b"),
        ("d/out_and_in", "../a"),
        ("by_other_name", "d/b"),
    ] {
        assert_eq!(target(path), wanted, "{path}");
    }
    assert!(
        tree.get("folder/b").is_none(),
        "a link to a folder is not followed"
    );
}

#[test]
fn links_outside_are_refused_unless_left_out() {
    for (path, target) in [
        ("l", "/etc/hostname"),
        ("d/l", "../../x"),
        ("d/l", "/"),
        ("l", "../source2/x"),
    ] {
        let bench = Bench::with(&["a", "d/b"]);
        bench.link(path, target);
        let error = bench.error();
        for part in [
            format!("`{path}`"),
            format!("`{target}`"),
            ".amlignore".to_owned(),
        ] {
            assert!(error.contains(&part), "no {part} in: {error}");
        }
        bench.write(".amlignore", format!("/{path}\n"));
        assert!(bench.take().is_ok());
    }
    // Tame as text, but `here` is the top itself.
    let bench = Bench::with(&["a"]);
    bench.link("here", ".");
    bench.link("l", "here/../secret");
    assert!(
        bench.error().contains("`l` points to `here/../secret`"),
        "{}",
        bench.error()
    );
    // A link named as a folder that runs write into never matters.
    let bench = Bench::with(&["a"]);
    bench.link("outputs", "/tmp");
    assert_eq!(bench.paths(), ["a"]);
}

#[test]
fn special_files_are_refused() {
    let bench = Bench::with(&["a"]);
    let _socket = UnixListener::bind(bench.source().join("s")).unwrap();
    nix::unistd::mkfifo(&bench.source().join("p"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let error = bench.error();
    assert!(
        error.contains("`s` is a socket") && error.contains("`p` is a named pipe"),
        "{error}"
    );
    bench.write(".amlignore", "/s\n/p\n");
    assert!(bench.take().is_ok());
}

#[test]
fn names_that_are_not_utf8_are_refused_once() {
    let bench = Bench::with(&["a"]);
    let folder = bench.source().join(OsStr::from_bytes(b"caf\xe9"));
    if fs::create_dir(&folder).is_err() {
        println!("skipped: this file system takes only UTF-8 names");
        return;
    }
    for name in ["x", "y"] {
        fs::write(folder.join(name), name).unwrap();
    }
    assert!(
        bench
            .error()
            .starts_with(r"the file name `caf\xe9` is not valid UTF-8"),
        "{}",
        bench.error()
    );
    fs::remove_dir_all(folder).unwrap();
    bench.link("l", OsStr::from_bytes(b"\xff"));
    assert!(
        bench.error().contains(r"the target of a link `\xff`"),
        "{}",
        bench.error()
    );
}

#[test]
fn five_problems_are_listed_and_the_rest_counted() {
    let bench = Bench::new();
    for n in 0..8 {
        bench.link(&format!("l{n}"), "/etc");
    }
    let error = bench.error();
    assert!(
        error.starts_with("8 files cannot go into the snapshot:\n"),
        "{error}"
    );
    assert!(
        error.contains("`l4`") && !error.contains("`l5`") && error.ends_with("and 3 more"),
        "{error}"
    );
}

#[test]
fn a_file_or_folder_that_cannot_be_read_is_named() {
    let bench = Bench::with(&["a", "closed/b"]);
    let locked = bench.write("locked", "x");
    let close = |path: &std::path::Path, mode| {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    close(&locked, 0o000);
    close(bench.source().parent().unwrap(), 0o755);
    // Root reads everything; a thread may give that up for itself and for its own threads.
    let plan_as_nobody = || {
        thread::scope(|scope| {
            let work = || {
                // SAFETY: the call changes only this thread, which ends with this closure.
                unsafe { libc::setfsuid(65534) };
                bench.plan().map(drop).map_err(|e| e.to_string())
            };
            scope.spawn(work).join().unwrap()
        })
    };
    let error = plan_as_nobody().unwrap_err();
    assert!(
        error.starts_with("`locked` cannot be read: ") && error.contains("denied"),
        "{error}"
    );
    close(&locked, 0o644);
    close(&bench.source().join("closed"), 0o000);
    let error = plan_as_nobody().unwrap_err();
    assert!(error.starts_with("`closed` cannot be read: "), "{error}");
    close(&bench.source().join("closed"), 0o755);
    assert_eq!(plan_as_nobody(), Ok(()));
}

#[test]
fn only_the_owners_executable_bit_counts() {
    let bench = Bench::with(&["a", "b", "c"]);
    make_executable(&bench.source().join("b"));
    fs::set_permissions(
        bench.source().join("c"),
        std::os::unix::fs::PermissionsExt::from_mode(0o677),
    )
    .unwrap();
    let tree = bench.plan().unwrap().tree;
    let bits = tree.entries().iter().map(|entry| match entry.kind {
        EntryKind::File { executable, .. } => executable,
        EntryKind::Symlink { .. } => false,
    });
    assert_eq!(bits.collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn a_source_that_is_no_folder_is_named() {
    let bench = Bench::with(&["a"]);
    for name in ["a", "missing"] {
        let path = bench.source().join(name);
        let error = plan(&path, &bench.index(), &ScanOptions::default(), &silent)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(&format!("the source folder `{}` cannot be used", path.display())),
            "{error}"
        );
    }
}

#[test]
fn the_store_and_folders_named_in_the_options_are_left_out() {
    let bench = Bench::with(&["a", "data/x", "d/data/y"]);
    let source = bench.source().canonicalize().unwrap();
    let store = BlobStore::open(source.join(".store")).unwrap();
    let options = TakeOptions {
        scan: ScanOptions {
            leave_out: vec![source.join("data")],
        },
        verify: false,
    };
    for _ in 0..2 {
        let taken = take(&source, &store, &bench.index(), &options, &silent).unwrap();
        let paths: Vec<_> = taken.tree.entries().iter().map(|e| e.path.as_str()).collect();
        assert_eq!(paths, ["a", "d/data/y"]);
    }
}
