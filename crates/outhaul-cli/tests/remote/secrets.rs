//! Canaries: what is given to log in lies nowhere in the clear.

use std::path::Path;

use outhaul_testkit::home::Home;
use outhaul_testkit::sshd::{Setup, keygen};

use crate::support::{Remote, shell};

const PASSPHRASE: &str = "canary-passphrase-7f3a91";

fn holds(bytes: &[u8], canary: &str) -> bool {
    bytes
        .windows(canary.len())
        .any(|window| window == canary.as_bytes())
}

fn search(folder: &Path, canaries: &[&str]) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files += search(&entry.path(), canaries);
        } else if kind.is_file() {
            // One that the server removes meanwhile is no hiding place.
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            files += 1;
            for canary in canaries {
                assert!(
                    !holds(&bytes, canary),
                    "`{canary}` lies in {}",
                    entry.path().display()
                );
            }
        }
    }
    files
}

/// Looks everywhere, with the server going and after it was started anew.
fn nowhere(home: &Home, canaries: &[&str]) {
    for _ in 0..2 {
        assert_eq!(shell(home, "box", "echo here").success().text(), "here");
        assert!(search(&home.data(), canaries) > 3);
        for words in [
            ["target", "show", "box", "--format", "json"],
            ["target", "show", "box", "--format", "text"],
        ] {
            let said = home.call(words).success();
            for canary in canaries {
                assert!(
                    !holds(&said.stdout, canary) && !holds(&said.stderr, canary),
                    "{said}"
                );
            }
        }
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            for canary in canaries {
                assert!(!holds(&line, canary), "{}", String::from_utf8_lossy(&line));
            }
        }
        home.kill_server();
    }
}

#[test]
fn a_password_lies_nowhere() {
    let Some(remote) = Remote::start(Setup::new()) else {
        return;
    };
    let Some(password) = remote.sshd.password() else {
        return;
    };
    let _ = remote.attach_with_password("box", password, &[]).success();
    nowhere(&remote.home, &[password]);
    let wrong = "canary-of-a-wrong-password";
    let refused = remote.attach_with_password("other", wrong, &[]);
    assert!(
        !refused.is_success() && !holds(&refused.stderr, wrong),
        "{refused}"
    );
    nowhere(&remote.home, &[password, wrong]);
}

#[test]
fn a_key_and_its_passphrase_lie_nowhere() {
    let Some(remote) = Remote::start(Setup::new()) else {
        return;
    };
    let (private, public) = keygen(&remote.home.work(), "locked", "ed25519", PASSPHRASE).unwrap();
    remote.sshd.authorize(&public).unwrap();
    let _ = remote
        .attach_with_passphrase("box", "locked", &format!("{PASSPHRASE}\n"))
        .success();
    let mut canaries = vec![PASSPHRASE];
    // Behind the first lines, which look the same in every key.
    canaries.extend(private.lines().skip(3).filter(|line| line.len() > 40));
    assert!(canaries.len() > 1);
    nowhere(&remote.home, &canaries);
}
