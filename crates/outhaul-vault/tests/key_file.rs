//! The master key's file: made once whoever asks, closed to others, and never replaced.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by a panic")]

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Barrier;

use outhaul_types::Secret;
use outhaul_vault::{MasterKey, VaultError};
use tempfile::TempDir;

const FILE: &str = "OUTHAUL_TEST_KEY_FILE";
const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/master.key");
    (folder, path)
}

/// A file with this content that only its owner reads.
fn with(content: &[u8]) -> (TempDir, PathBuf) {
    let (folder, path) = place();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    set_mode(path.parent().unwrap(), 0o700);
    std::fs::write(&path, content).unwrap();
    set_mode(&path, 0o600);
    (folder, path)
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn it_is_made_once_and_for_its_owner_only() {
    let (_folder, path) = place();
    let made = MasterKey::open_or_create(&path).unwrap();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(names(&path), ["master.key"]);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.len(), 65);
    assert_eq!(MasterKey::open_or_create(&path).unwrap().id(), made.id());
    assert_eq!(MasterKey::open(&path).unwrap().id(), made.id());
    assert_eq!(
        MasterKey::from_text(&Secret::new(text.clone())).unwrap().id(),
        made.id()
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    // And another one elsewhere.
    let (_other, other) = place();
    assert_ne!(MasterKey::open_or_create(&other).unwrap().id(), made.id());
}

#[test]
fn a_file_that_people_made_will_do() {
    let expected = MasterKey::from_text(&Secret::new(KEY.into())).unwrap().id();
    for content in [
        KEY.to_owned(),
        format!("{KEY}\n"),
        KEY.to_uppercase() + "\r\n",
        "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=\n".into(),
    ] {
        let (_folder, path) = with(content.as_bytes());
        assert_eq!(MasterKey::open_or_create(&path).unwrap().id(), expected);
        set_mode(&path, 0o400);
        assert_eq!(MasterKey::open(&path).unwrap().id(), expected);
        // A link to it counts as what it leads to.
        let link = path.with_file_name("link");
        symlink(&path, &link).unwrap();
        assert_eq!(MasterKey::open_or_create(&link).unwrap().id(), expected);
    }
}

#[test]
fn opening_makes_nothing() {
    let (folder, path) = place();
    let error = MasterKey::open(&path).unwrap_err();
    assert!(
        matches!(error, VaultError::KeyFile { what: "read", .. }),
        "{error}"
    );
    assert!(error.to_string().contains("keys/master.key"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    // Nor does anybody make what a link leads to.
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    set_mode(path.parent().unwrap(), 0o700);
    symlink("nowhere", &path).unwrap();
    assert!(MasterKey::open_or_create(&path).is_err());
    assert_eq!(names(&path), ["master.key"]);
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_command_that_closes_it() {
    let (_folder, path) = with(KEY.as_bytes());
    for mode in [0o640, 0o604, 0o620, 0o601, 0o777] {
        set_mode(&path, mode);
        for error in [MasterKey::open(&path), MasterKey::open_or_create(&path)] {
            let error = error.unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "the master key file `{0}` is open to others than its owner (mode {mode:04o}): run \
                     `chmod 600 {0}`",
                    path.display()
                )
            );
        }
    }
    closes_it(&path, MasterKey::open(&path).unwrap_err());
}

#[test]
fn a_folder_in_which_others_can_write_is_refused_with_the_command_that_closes_it() {
    for mode in [0o770, 0o702, 0o1777] {
        let (_folder, path) = with(KEY.as_bytes());
        set_mode(path.parent().unwrap(), mode);
        let error = MasterKey::open_or_create(&path).unwrap_err();
        assert!(
            matches!(&error, VaultError::Exposed { fix, .. } if fix.starts_with("chmod 700 ")),
            "{error}"
        );
        closes_it(&path, error);
    }
    let (_folder, path) = with(KEY.as_bytes());
    set_mode(path.parent().unwrap(), 0o755);
    assert!(MasterKey::open_or_create(&path).is_ok());
}

#[test]
fn the_command_is_one_that_a_shell_understands() {
    for name in ["it's here", "a b;c", "ü", "$HOME"] {
        let (_folder, path) = with(KEY.as_bytes());
        let odd = path.with_file_name(name);
        std::fs::rename(&path, &odd).unwrap();
        set_mode(&odd, 0o644);
        closes_it(&odd, MasterKey::open(&odd).unwrap_err());
    }
}

/// Runs the command of an error as a person would.
fn closes_it(path: &Path, error: VaultError) {
    let VaultError::Exposed { fix, .. } = error else {
        panic!("{error}")
    };
    let done = Command::new("sh").args(["-c", &fix]).status().unwrap();
    assert!(done.success(), "{fix}");
    MasterKey::open(path).unwrap();
}

#[test]
fn a_damaged_file_is_refused_and_stays_as_it_is() {
    let contents = [
        &b""[..],
        b"\n",
        &KEY.as_bytes()[..63],
        &[0; 32],
        &[b'a'; 300],
        &[0xff; 64],
        b"-----BEGIN PRIVATE KEY-----",
    ];
    for content in contents {
        let (_folder, path) = with(content);
        let error = MasterKey::open_or_create(&path).unwrap_err();
        assert!(matches!(error, VaultError::KeyFileDamaged { .. }), "{error}");
        assert!(error.to_string().contains("master.key` is damaged"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), content);
        assert_eq!(names(&path), ["master.key"]);
    }
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let (_folder, path) = with(b"");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(MasterKey::open_or_create(&path).is_err());
    std::fs::remove_dir(&path).unwrap();
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    set_mode(&path, 0o600);
    let error = MasterKey::open_or_create(&path).unwrap_err();
    assert!(error.to_string().ends_with("it is no regular file"), "{error}");
}

#[test]
fn many_threads_agree_on_one_key() {
    for _ in 0..20 {
        let (_folder, path) = place();
        let start = Barrier::new(16);
        let ids: BTreeSet<_> = std::thread::scope(|scope| {
            let open = || {
                start.wait();
                MasterKey::open_or_create(&path).unwrap().id()
            };
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(ids.len(), 1);
        assert_eq!(names(&path), ["master.key"]);
        assert!(ids.contains(&MasterKey::open(&path).unwrap().id()));
    }
}

/// One process of the test below.
#[test]
#[ignore = "started by the test that compares the processes"]
fn open_and_print() {
    let path = PathBuf::from(std::env::var_os(FILE).unwrap());
    println!("\nid {}", MasterKey::open_or_create(&path).unwrap().id());
}

#[test]
fn many_processes_agree_on_one_key() {
    let (_folder, path) = place();
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "open_and_print", "--ignored", "--nocapture"])
            .env(FILE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..12).map(|_| start()).collect();
    let ids: BTreeSet<_> = processes
        .into_iter()
        .map(|process| {
            let output = String::from_utf8(process.wait_with_output().unwrap().stdout).unwrap();
            let id = output.lines().find_map(|line| line.strip_prefix("id "));
            id.unwrap_or_else(|| panic!("{output}")).to_owned()
        })
        .collect();
    assert_eq!(ids, [MasterKey::open(&path).unwrap().id()].into());
    assert_eq!(names(&path), ["master.key"]);
}

/// A process that was killed while it made the key leaves a file aside, and that is nobody's key.
#[test]
fn what_a_killed_process_left_aside_does_not_count() {
    let (_folder, path) = with(KEY.as_bytes());
    std::fs::rename(&path, path.with_file_name("master.key.new-0123456789abcdef")).unwrap();
    let made = MasterKey::open_or_create(&path).unwrap();
    assert_ne!(
        made.id(),
        MasterKey::from_text(&Secret::new(KEY.into())).unwrap().id()
    );
    assert_eq!(MasterKey::open(&path).unwrap().id(), made.id());
}
