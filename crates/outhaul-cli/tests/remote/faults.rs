//! The link stalls and breaks, the SSH server and our server die: a run that goes on is none the worse for it.

use std::process::Stdio;

use outhaul_testkit::process::until;
use outhaul_testkit::sshd::Setup;
use serde_json::Value;

use crate::support::{
    Remote, Steps, check_large, submit_large, wait_for, wait_for_lost_contact, wait_for_more,
};

/// Begins a run, does something to it, sees that its log goes on, and brings it to its end.
fn survives(harm: impl FnOnce(&mut Remote, &Steps, &str)) {
    let Some(mut remote) = Remote::attached(Setup::new(), &[]) else {
        return;
    };
    let steps = remote.steps(0);
    let id = steps.submit(&remote.home, "box");
    let _ = steps.wait_for_start();
    wait_for_more(&remote.home, &id);
    harm(&mut remote, &steps, &id);
    let run = remote.home.json(["runs", "show", &id]);
    assert_eq!(run["state"], "Running", "{run:#}");
    wait_for_more(&remote.home, &id);
    steps.go_on();
    steps.check(&remote.home, &id);
    let run = remote.home.json(["runs", "show", &id]);
    assert_eq!(run["contact_lost"], Value::Null, "{run:#}");
}

#[test]
fn a_stalled_link_shows_and_heals() {
    survives(|remote, _, id| {
        remote.proxy.stall();
        let run = wait_for_lost_contact(&remote.home, id);
        assert!(run["contact_lost"]["last_seen"].is_string(), "{run:#}");
        let shown = remote.home.call(["runs", "show", id]).success();
        assert!(shown.text().contains("last seen"), "{shown}");
        remote.heal();
    });
}

#[test]
fn a_run_that_ends_while_the_link_is_stalled_is_collected_later() {
    let Some(remote) = Remote::attached(Setup::new(), &[]) else {
        return;
    };
    let steps = remote.steps(0);
    let id = steps.submit(&remote.home, "box");
    let pid = steps.wait_for_start();
    wait_for_more(&remote.home, &id);
    remote.proxy.stall();
    steps.go_on();
    until("the script has ended", || {
        !outhaul_testkit::process::is_there(pid)
    });
    let run = remote.home.json(["runs", "show", &id]);
    assert_eq!(run["state"], "Running", "{run:#}");
    remote.heal();
    steps.check(&remote.home, &id);
}

#[test]
fn a_cut_link_is_opened_again() {
    survives(|remote, _, id| {
        for _ in 0..3 {
            let before = remote.proxy.accepted();
            remote.proxy.cut();
            wait_for_more(&remote.home, id);
            assert!(remote.proxy.accepted() > before);
        }
    });
}

#[test]
fn a_machine_that_refuses_is_waited_for() {
    survives(|remote, _, id| {
        remote.refuse();
        remote.proxy.cut();
        let _ = wait_for_lost_contact(&remote.home, id);
        remote.heal();
    });
}

#[test]
fn an_ssh_server_that_is_killed_with_its_sessions_comes_back() {
    survives(|remote, _, _| {
        remote.sshd.kill_all();
        remote.sshd.restart().unwrap();
    });
}

#[test]
fn a_killed_server_is_started_again() {
    survives(|remote, _, _| {
        for _ in 0..3 {
            assert!(remote.home.kill_server() > 0);
            let _ = remote.home.start_server(&[]);
        }
    });
}

#[test]
fn both_servers_are_killed_at_once() {
    survives(|remote, _, _| {
        assert!(remote.home.kill_server() > 0);
        remote.sshd.kill_all();
        let _ = remote.home.start_server(&[]);
        remote.sshd.restart().unwrap();
    });
}

/// Bytes of the large output.
const LARGE: usize = 40_000_000;

#[test]
fn a_large_output_arrives_over_a_link_that_is_cut() {
    let Some(remote) = Remote::attached(Setup::new(), &[]) else {
        return;
    };
    let home = &remote.home;
    let id = submit_large(home, "box", LARGE);
    let mut follower = home.command(["runs", "wait", &id]);
    let mut follower = follower
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut cuts = 0;
    let mut last = 0;
    while follower.try_wait().unwrap().is_none() {
        let run = home.json(["runs", "show", &id]);
        assert_ne!(run["state"], "Failed", "{run:#}");
        let accepted = remote.proxy.accepted();
        // Each connection may work for the time of one look.
        if run["state"] == "Finalizing" && cuts < 4 && accepted > last {
            remote.proxy.cut();
            cuts += 1;
            last = accepted;
        }
    }
    assert!(cuts > 0, "the collection was never seen");
    let _ = wait_for(home, &id, "Completed");
    check_large(home, &id, LARGE);
}
