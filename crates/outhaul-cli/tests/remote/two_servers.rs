//! Two data folders use one machine, and neither disturbs the other.

use outhaul_testkit::sshd::Setup;

use crate::support::{Remote, Steps, attach, home, prepare, shell};

#[test]
fn two_data_folders_share_a_machine() {
    let Some(remote) = Remote::attached(Setup::new(), &[]) else {
        return;
    };
    let other = home();
    prepare(&other, &remote.sshd);
    let _ = attach(&other, &remote.sshd, remote.sshd.address(), "box", &[]).success();
    let (first, second) = (remote.steps(1), Steps::of(&remote.sshd, 2));
    let one = first.submit(&remote.home, "box");
    let two = second.submit(&other, "box");
    let _ = (first.wait_for_start(), second.wait_for_start());
    second.go_on();
    second.check(&other, &two);
    let _ = other.call(["target", "detach", "box"]).success();
    assert_eq!(shell(&remote.home, "box", "echo here").success().text(), "here");
    first.go_on();
    first.check(&remote.home, &one);
    let _ = remote.home.call(["target", "detach", "box"]).success();
    assert!(remote.ours().is_empty(), "{:?}", remote.ours());
}
