//! Machines that are wrong or odd: what is wrong gives one clear error, what is merely odd works.

use std::net::TcpListener;

use outhaul_testkit::process::{Answer, eventually, until};
use outhaul_testkit::sshd::{Setup, keygen};

use crate::support::{Remote, attach, download, run_folders_in, shell, wait_for};

/// Sees that a command failed with one error that holds these words.
fn one_error(answer: &Answer, words: &[&str]) {
    assert!(!answer.is_success(), "{answer}");
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert_eq!(said.matches("error:").count(), 1, "{answer}");
    assert!(!said.contains("panicked"), "{answer}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {answer}");
    }
}

/// Sees that commands run on the machine, and come back without any noise.
fn works(remote: &Remote) {
    let said = shell(&remote.home, "box", "echo out; echo err >&2").success();
    assert_eq!(said.text(), "out");
    let steps = remote.steps(0);
    let id = steps.submit(&remote.home, "box");
    steps.go_on();
    steps.check(&remote.home, &id);
}

#[test]
fn a_wrong_password_is_said() {
    let Some(remote) = Remote::start(Setup::new()) else {
        return;
    };
    if remote.sshd.password().is_none() {
        return;
    }
    one_error(
        &remote.attach_with_password("box", "wrong", &[]),
        &["login", remote.sshd.username()],
    );
    let _ = remote.attach("box", &[]).success();
    works(&remote);
}

#[test]
fn a_port_at_which_nobody_listens_is_said() {
    let Some(remote) = Remote::start(Setup::new()) else {
        return;
    };
    remote.refuse();
    let port = remote.proxy.port().to_string();
    one_error(&remote.attach("box", &[]), &["refused", &port]);
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let Some(remote) = Remote::start(Setup::new()) else {
        return;
    };
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = silent.local_addr().unwrap();
    let refused = attach(&remote.home, &remote.sshd, at, "box", &[]);
    one_error(&refused, &[&at.port().to_string()]);
    let _ = remote.attach("box", &[]).success();
}

#[test]
fn a_changed_host_key_holds_runs_until_it_is_trusted() {
    let Some(mut remote) = Remote::attached(Setup::new(), &[]) else {
        return;
    };
    let steps = remote.steps(0);
    let id = steps.submit(&remote.home, "box");
    let _ = steps.wait_for_start();
    let key = |remote: &Remote| {
        let mut command = std::process::Command::new("ssh-keygen");
        command.arg("-lf").arg(remote.sshd.folder().join("host0.pub"));
        let said = Answer::of(command).success();
        said.text().split(' ').nth(1).unwrap().to_owned()
    };
    let old = key(&remote);
    remote.sshd.kill_all();
    for name in ["host0", "host0.pub"] {
        std::fs::remove_file(remote.sshd.folder().join(name)).unwrap();
    }
    let _ = keygen(remote.sshd.folder(), "host0", "ed25519", "").unwrap();
    let new = key(&remote);
    remote.sshd.restart().unwrap();
    let run = eventually("the reason shows", || {
        let run = remote.home.json(["runs", "show", &id]);
        assert_eq!(run["state"], "Running", "{run:#}");
        let reason = run["waiting"]["reason"].as_str().unwrap_or_default();
        reason.contains(&new).then_some(run)
    });
    let shown = remote.home.call(["runs", "show", &id]).success();
    for word in [&old, &new, "outhaul target trust"] {
        assert!(shown.text().contains(word), "`{word}` is not in {shown}\n{run:#}");
    }
    let check = remote.home.call(["target", "check", "box"]);
    one_error(&check, &[&old, &new, "outhaul target trust"]);
    let _ = remote
        .home
        .call(["target", "trust", "box", "--host-key", &new])
        .success();
    steps.go_on();
    steps.check(&remote.home, &id);
}

#[test]
fn login_shells_of_all_kinds_work() {
    for program in ["/bin/csh", "/usr/bin/fish", "/bin/bash"] {
        if !nix::unistd::geteuid().is_root() || !std::path::Path::new(program).exists() {
            continue;
        }
        let Some(remote) = Remote::attached(Setup::new().shell(program), &[]) else {
            return;
        };
        works(&remote);
    }
}

#[test]
fn a_user_who_may_not_log_in_is_said() {
    let shell = "/usr/sbin/nologin";
    if !nix::unistd::geteuid().is_root() || !std::path::Path::new(shell).exists() {
        return;
    }
    let Some(remote) = Remote::start(Setup::new().shell(shell)) else {
        return;
    };
    one_error(&remote.attach("box", &[]), &["login shell", "chsh"]);
}

#[test]
fn a_profile_that_prints_is_skipped() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    // Bash reads it also for a command over SSH.
    let Some(remote) = Remote::start(Setup::new().shell("/bin/bash")) else {
        return;
    };
    let noise =
        "echo Welcome to the machine; echo failed to be silent; printf 'no line end'\necho noise >&2\n";
    for name in [".bashrc", ".profile", ".bash_profile"] {
        std::fs::write(remote.sshd.home().join(name), noise).unwrap();
    }
    let _ = remote.attach("box", &[]).success();
    works(&remote);
}

#[test]
fn one_session_at_a_time_is_enough() {
    let Some(remote) = Remote::attached(Setup::new().line("MaxSessions 1"), &["--slots", "4"]) else {
        return;
    };
    let all: Vec<_> = (0..4)
        .map(|number| {
            let steps = remote.steps(number);
            let id = steps.submit(&remote.home, "box");
            (steps, id)
        })
        .collect();
    for (steps, _) in &all {
        let _ = steps.wait_for_start();
    }
    for (steps, id) in &all {
        steps.go_on();
        steps.check(&remote.home, id);
    }
}

#[test]
fn a_server_that_ends_sessions_is_no_harm() {
    let Some(mut remote) = Remote::attached(Setup::new(), &[]) else {
        return;
    };
    for number in 0..3 {
        // Also the first command after the connection is gone.
        remote.sshd.kill_all();
        remote.sshd.restart().unwrap();
        let said = shell(&remote.home, "box", "echo here").success();
        assert_eq!(said.text(), "here", "{number}");
    }
    works(&remote);
}

#[test]
fn a_folder_with_spaces_works() {
    let Some(remote) = Remote::start(Setup::new()) else {
        return;
    };
    let folder = remote.sshd.folder().join("marks/a folder with  spaces");
    let _ = remote
        .attach("box", &["--folder", &folder.display().to_string()])
        .success();
    works(&remote);
    let _ = remote.home.call(["target", "detach", "box"]).success();
    assert!(!folder.exists() || std::fs::read_dir(&folder).unwrap().next().is_none());
    assert!(remote.ours().is_empty());
}

/// A file system of its own; it is gone when this is dropped.
struct Mounted(std::path::PathBuf);

impl Mounted {
    /// `None` where it may not be mounted.
    fn new(folder: std::path::PathBuf, options: &str) -> Option<Self> {
        std::fs::create_dir(&folder).unwrap();
        let mut command = std::process::Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&folder);
        nix::unistd::geteuid()
            .is_root()
            .then(|| Answer::of(command))?
            .is_success()
            .then_some(Self(folder))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}

#[test]
fn a_folder_that_may_not_be_written_to_is_said() {
    let Some(remote) = Remote::start(Setup::new()) else {
        return;
    };
    let folder = remote.sshd.folder().join("marks/read-only");
    let Some(mounted) = Mounted::new(folder, "size=2m,mode=777,ro") else {
        return;
    };
    let refused = remote.attach("box", &["--folder", &mounted.0.display().to_string()]);
    one_error(&refused, &["folder", "--folder"]);
    let _ = remote.attach("box", &[]).success();
}

#[test]
fn a_full_disk_is_said_and_harms_nothing_else() {
    let Some(remote) = Remote::start(Setup::new()) else {
        return;
    };
    let folder = remote.sshd.folder().join("marks/small");
    let Some(mounted) = Mounted::new(folder.clone(), "size=2m,mode=777") else {
        return;
    };
    let text = folder.display().to_string();
    // Full from the beginning.
    std::fs::write(folder.join("full"), vec![1; 3 << 20]).unwrap_err();
    one_error(
        &remote.attach("box", &["--folder", &text]),
        &["space", "--folder"],
    );
    std::fs::remove_file(folder.join("full")).unwrap();
    let _ = remote.attach("box", &["--folder", &text]).success();
    works(&remote);
    let server = remote.home.server().unwrap();
    // More code than there is room for.
    let mut random = outhaul_testkit::random::Random::new(1);
    let large: Vec<u8> = (0..600_000).flat_map(|_| random.bits().to_le_bytes()).collect();
    remote.home.write("large/train.py", "print('here')\n");
    std::fs::write(remote.home.work().join("large/data"), large).unwrap();
    let submitted = remote
        .home
        .call(["run", "--target", "box", "--detach", "large/train.py"]);
    let id = submitted.success().text().to_owned();
    let run = eventually("the full disk shows", || {
        let run = remote.home.json(["runs", "show", &id]);
        let shown = format!("{} {} {}", run["failure"], run["waiting"], run["contact_lost"]);
        let shown = shown.to_lowercase();
        (shown.contains("no space") || shown.contains("disk full")).then_some(run)
    });
    assert_ne!(run["state"], "Completed");
    if run["state"] != "Failed" {
        let _ = remote.home.call(["runs", "cancel", &id]).success();
        let _ = wait_for(&remote.home, &id, "Canceled");
    }
    assert_eq!(remote.home.server(), Some(server), "the server lives on");
    let here = shell(&remote.home, "local", "echo here").success();
    assert_eq!(here.text(), "here");
    drop(mounted);
}

#[test]
fn a_run_that_fills_the_disk_ends_with_its_own_code() {
    let Some(remote) = Remote::start(Setup::new()) else {
        return;
    };
    let folder = remote.sshd.folder().join("marks/small");
    let Some(mounted) = Mounted::new(folder.clone(), "size=4m,mode=777") else {
        return;
    };
    let text = folder.display().to_string();
    let _ = remote.attach("box", &["--folder", &text]).success();
    // The record of the end was given its room before the script could take it.
    let fill = "echo begun; cat /dev/zero > outputs/all || { echo full >&2; exit 9; }";
    let answer = shell(&remote.home, "box", fill);
    let runs = remote.home.json(["runs", "list"]);
    let run = remote
        .home
        .json(["runs", "show", runs[0]["id"].as_str().unwrap()]);
    assert_eq!(run["exit"]["code"], 9, "{answer}\n{run:#}");
    assert_eq!(answer.text(), "begun");
    let id = run["id"].as_str().unwrap();
    let size = std::fs::metadata(download(&remote.home, id).join("outputs/all"))
        .unwrap()
        .len();
    assert!(size > 1 << 20, "what was written was brought in: {size}");
    // What it left went with it: there is room again.
    until("the run's folder is gone", || run_folders_in(&folder).is_empty());
    works(&remote);
    // An environment needs more than there is.
    remote.home.write("large.txt", "pip==24.0\nsetuptools==69.0.0\n");
    let mut command = remote
        .home
        .command(["run", "--target", "box", "--environment", "large.txt"]);
    command.arg("steps/train.py");
    let answer = Answer::of(command);
    let said = String::from_utf8_lossy(&answer.stderr).to_lowercase();
    assert!(!answer.is_success() && said.contains("no space"), "{answer}");
    let after = shell(&remote.home, "box", "echo after").success();
    assert_eq!(after.text(), "after");
    drop(mounted);
}
