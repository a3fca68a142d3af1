//! The server dies at each named step of a run's life on a remote machine; the next one brings the run to its end.

use std::ffi::OsStr;

use outhaul_testkit::process::{is_there, until};
use outhaul_testkit::random;
use outhaul_testkit::sshd::Setup;

use crate::support::{Remote, wait_for};

/// The steps of the bounded form: those at which what the machine knows and what we know differ most.
const BOUNDED: &[&str] = &[
    "life.after-intent",
    "life.after-submit",
    "life.after-launched",
    "collect.after-log",
    "life.after-exited",
    "life.before-end",
    "cancel.after-signal",
    "release.before",
];

#[test]
fn a_server_that_dies_at_any_step_loses_nothing() {
    let Some(mut remote) = Remote::start(Setup::new()) else {
        return;
    };
    let names = if random::full() {
        outhaul_server::FAILPOINTS
    } else {
        BOUNDED
    };
    // Release builds have no fail points.
    if !cfg!(debug_assertions) {
        return;
    }
    for (number, name) in names.iter().enumerate() {
        // A data folder of its own: a run of the step before may not be noted as released yet, and an armed server that
        // takes it up would die before it is ready.
        remote.renew_home();
        let _ = remote.attach("box", &[]).success();
        dies_at(&remote, number, name);
        until(&format!("nothing is left of the run of `{name}`"), || {
            remote.run_folders().is_empty()
        });
        let _ = remote.home.call(["target", "detach", "box"]).success();
        assert!(remote.ours().is_empty(), "{name}: {:?}", remote.ours());
    }
}

fn dies_at(remote: &Remote, number: usize, name: &str) {
    let home = &remote.home;
    home.kill_server();
    let server = home.start_server(&[("OUTHAUL_FAILPOINT", OsStr::new(name))]);
    let steps = remote.steps(number);
    let cancel = name.starts_with("cancel.");
    if !cancel {
        steps.go_on();
    }
    // The answer may be lost; the command then asks again, with the same id.
    let id = steps.submit(home, "box");
    if cancel {
        let pid = steps.wait_for_start();
        // The server may die before it has answered; what it did not hear is asked again.
        let _ = home.call(["runs", "cancel", &id]);
        until(&format!("the server dies at `{name}`"), || !is_there(server));
        let _ = home.call(["runs", "cancel", &id]).success();
        let _ = wait_for(home, &id, "Canceled");
        until("the canceled process is gone", || !is_there(pid));
        assert_eq!(steps.marks().len(), 1, "{name}");
        return;
    }
    let _ = home.call(["runs", "wait", &id]).success();
    until(&format!("the server dies at `{name}`"), || !is_there(server));
    steps.check(home, &id);
}
