//! A machine's whole life: attached, checked, used, attached again, detached.

use outhaul_testkit::process::{Answer, until};
use outhaul_testkit::sshd::{Setup, keygen};

use crate::support::{Remote, download, shell, wait_for};

fn fingerprint(remote: &Remote) -> String {
    let mut command = std::process::Command::new("ssh-keygen");
    command.arg("-lf").arg(remote.sshd.folder().join("host0.pub"));
    let said = Answer::of(command).success();
    said.text().split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn a_run_comes_back_byte_for_byte() {
    let Some(remote) = Remote::start(Setup::new()) else {
        return;
    };
    let home = &remote.home;
    let key = fingerprint(&remote);
    let wrong = format!("SHA256:{}", "A".repeat(43));
    let refused = remote.attach("box", &["--host-key", &wrong]);
    assert!(!refused.is_success(), "{refused}");
    let _ = remote.attach("box", &["--host-key", &key]).success();
    let checked = home.call(["target", "check", "box"]).success();
    assert!(checked.text().contains("system"), "{checked}");
    let steps = remote.steps(0);
    let id = steps.submit(home, "box");
    let _ = steps.wait_for_start();
    let refused = home.call(["target", "detach", "box"]);
    assert!(!refused.is_success(), "{refused}");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("1 run") && said.contains("not ended"), "{said}");
    steps.go_on();
    steps.check(home, &id);
    let failed = shell(home, "box", "echo before; exit 7");
    assert_eq!((failed.code, failed.text()), (Some(7), "before"), "{failed}");
    let detached = home.call(["target", "detach", "box"]).success();
    assert!(
        detached.text().contains("removed from box: the folder"),
        "{detached}"
    );
    assert_eq!(remote.ours(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_password_lets_in() {
    let Some(remote) = Remote::start(Setup::new()) else {
        return;
    };
    let Some(password) = remote.sshd.password() else {
        return;
    };
    let _ = remote.attach_with_password("box", password, &[]).success();
    let said = shell(&remote.home, "box", "echo here").success();
    assert_eq!(said.text(), "here");
}

#[test]
fn a_local_run_is_run_again_over_there() {
    let Some(remote) = Remote::attached(Setup::new(), &[]) else {
        return;
    };
    let home = &remote.home;
    home.write(
        "code/train.py",
        "open('outputs/a', 'wb').write(bytes(range(256)))\nprint('done')\n",
    );
    let id = home
        .call(["run", "--detach", "code/train.py"])
        .success()
        .text()
        .to_owned();
    let _ = wait_for(home, &id, "Completed");
    let again = home
        .call(["runs", "rerun", &id, "--on", "box", "--detach"])
        .success();
    let run = wait_for(home, again.text(), "Completed");
    assert_eq!(run["target"], "box");
    let log = home
        .call(["runs", "logs", again.text(), "--stream", "stdout"])
        .success();
    assert_eq!(log.stdout, b"done\n");
    let output = std::fs::read(download(home, again.text()).join("outputs/a")).unwrap();
    assert_eq!(output, (0..=255).collect::<Vec<u8>>());
}

#[test]
fn a_machine_has_one_name_and_may_get_another() {
    let Some(remote) = Remote::attached(Setup::new(), &[]) else {
        return;
    };
    let home = &remote.home;
    let steps = remote.steps(0);
    let id = steps.submit(home, "box");
    let _ = steps.wait_for_start();
    let refused = remote.attach("other", &[]);
    assert!(!refused.is_success(), "{refused}");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("as `box`") && said.contains("--replace"), "{said}");
    let _ = remote.attach("other", &["--replace"]).success();
    assert!(!home.call(["target", "show", "box"]).is_success());
    let before = home.call(["runs", "logs", &id, "--stream", "stdout"]).success();
    until("the run is followed under the new name", || {
        let log = home.call(["runs", "logs", &id, "--stream", "stdout"]).success();
        log.stdout.len() > before.stdout.len()
    });
    steps.go_on();
    steps.check(home, &id);
}

#[test]
fn a_key_with_a_passphrase_lets_in() {
    let Some(remote) = Remote::start(Setup::new()) else {
        return;
    };
    let (_, public) = keygen(&remote.home.work(), "locked", "ed25519", "open sesame").unwrap();
    remote.sshd.authorize(&public).unwrap();
    let refused = remote.attach_with_passphrase("box", "locked", "wrong");
    assert!(!refused.is_success(), "{refused}");
    let _ = remote
        .attach_with_passphrase("box", "locked", "open sesame\n")
        .success();
    assert_eq!(shell(&remote.home, "box", "echo here").success().text(), "here");
}
