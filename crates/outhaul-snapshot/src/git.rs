//! What git says of a source folder, to be noted with a run. It has no say in the snapshot.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// A person waits for this answer.
const LIMIT: Duration = Duration::from_secs(5);

/// Where a source folder stands in its git repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitState {
    /// The commit that is checked out; `None` in a repository without one.
    pub commit: Option<String>,
    /// The branch; `None` when none is checked out.
    pub branch: Option<String>,
    /// Whether files in the source folder differ from the commit or are not known to git.
    pub dirty: bool,
}

/// Asks git about a folder. `None` when it is in no repository, or git is missing, fails, or takes
/// longer than 5 seconds. Starts a `git` process, but none where there is no repository; changes
/// nothing and runs no hook or monitor that the repository names.
#[must_use]
pub fn git_state(root: &Path) -> Option<GitState> {
    ask(Path::new("git"), root, LIMIT)
}

fn ask(git: &Path, root: &Path, limit: Duration) -> Option<GitState> {
    let root = root.canonicalize().ok()?;
    root.ancestors().find(|folder| folder.join(".git").exists())?;
    let mut child = Command::new(git)
        .arg("-C")
        .arg(&root)
        .args(["-c", "core.fsmonitor=false", "--no-optional-locks"])
        .args([
            "status",
            "--porcelain=v2",
            "--branch",
            "--no-ahead-behind",
            "-z",
            "--",
            ".",
        ])
        // Set when a git hook starts us, and then about another repository.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .ok()?;
    let group = i32::try_from(child.id()).ok().map(Pid::from_raw);
    let mut output = child.stdout.take()?;
    let (send, answer) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = output.read_to_end(&mut text);
        // The other side has gone when the limit has passed.
        drop(send.send(read.map(|_| text)));
    });
    let text = answer.recv_timeout(limit);
    if text.is_err()
        && let Some(group) = group
    {
        // It fails only when all of them have ended by themselves.
        let _ = killpg(group, Signal::SIGKILL);
    }
    let ended = child.wait().ok()?;
    let text = text.ok()?.ok()?;
    ended.success().then(|| parse(&String::from_utf8_lossy(&text)))
}

/// Reads the records of `git status --porcelain=v2 --branch -z`.
fn parse(text: &str) -> GitState {
    let mut state = GitState {
        commit: None,
        branch: None,
        dirty: false,
    };
    for record in text.split('\0').filter(|record| !record.is_empty()) {
        match record.strip_prefix("# ") {
            None => state.dirty = true,
            Some(header) => {
                let (key, value) = header.split_once(' ').unwrap_or((header, ""));
                let value = Some(value).filter(|value| !value.starts_with('('));
                match key {
                    "branch.oid" => state.commit = value.map(str::to_owned),
                    "branch.head" => state.branch = value.map(str::to_owned),
                    _ => {}
                }
            }
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Instant;

    use super::*;

    #[test]
    fn records_are_read() {
        let state = |commit: Option<&str>, branch: Option<&str>, dirty| GitState {
            commit: commit.map(str::to_owned),
            branch: branch.map(str::to_owned),
            dirty,
        };
        let cases = [
            (
                "# branch.oid abc\0# branch.head main\0",
                state(Some("abc"), Some("main"), false),
            ),
            (
                "# branch.oid abc\0# branch.head main\0# branch.upstream o/m\0? new\0",
                state(Some("abc"), Some("main"), true),
            ),
            (
                "# branch.oid abc\0# branch.head (detached)\0",
                state(Some("abc"), None, false),
            ),
            (
                "# branch.oid (initial)\0# branch.head main\0",
                state(None, Some("main"), false),
            ),
            ("", state(None, None, false)),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text), wanted, "{text:?}");
        }
    }

    fn fake_git(folder: &Path, script: &str) -> std::path::PathBuf {
        let path = folder.join("git");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_git_that_hangs_or_fails_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        // The child of the shell keeps the pipe open: it has to go too.
        let hangs = fake_git(folder.path(), "sleep 60 & wait");
        let started = Instant::now();
        assert_eq!(ask(&hangs, folder.path(), Duration::from_millis(50)), None);
        assert!(started.elapsed() < Duration::from_secs(30));
        let fails = fake_git(folder.path(), "echo '# branch.oid abc'; exit 128");
        assert_eq!(ask(&fails, folder.path(), LIMIT), None);
        assert_eq!(ask(Path::new("/no such git"), folder.path(), LIMIT), None);
    }

    #[test]
    fn no_repository_no_process() {
        let folder = tempfile::tempdir().unwrap();
        let marks = fake_git(folder.path(), "touch \"$2/started\"");
        assert_eq!(ask(&marks, folder.path(), LIMIT), None);
        assert!(!folder.path().join("started").exists());
    }

    #[test]
    fn a_real_repository_is_described() {
        let folder = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            let who = [
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@example.org",
                "-c",
                "init.defaultBranch=main",
            ];
            let run = Command::new("git")
                .arg("-C")
                .arg(folder.path())
                .args(who)
                .args(args)
                .output();
            run.is_ok_and(|out| out.status.success())
        };
        if !git(&["init", "-q"]) {
            println!("skipped: no git here");
            return;
        }
        let inside = folder.path().join("src");
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("train.py"), "1").unwrap();
        let state = git_state(&inside).unwrap();
        assert_eq!(
            state,
            GitState {
                commit: None,
                branch: Some("main".into()),
                dirty: true
            }
        );
        assert!(git(&["add", "."]) && git(&["commit", "-q", "-m", "one"]));
        let state = git_state(&inside).unwrap();
        assert_eq!((state.commit.map(|c| c.len()), state.dirty), (Some(40), false));
        // Only the source folder counts.
        fs::write(folder.path().join("notes"), "x").unwrap();
        assert!(!git_state(&inside).unwrap().dirty);
        fs::write(inside.join("train.py"), "2").unwrap();
        assert!(git_state(&inside).unwrap().dirty);
    }
}
