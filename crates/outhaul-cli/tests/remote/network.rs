//! A second host with a network of its own, whose link goes down for a moment or for long and loses packets: runs on it
//! are started once, and all that they leave arrives, byte for byte.

use std::fs::File;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use outhaul_testkit::home::Home;
use outhaul_testkit::process::{Answer, eventually, is_there, until};
use outhaul_testkit::random::full;
use serde_json::Value;

use crate::far::Far;
use crate::support::{
    check_large, run_folders, shell, submit_large, wait_for, wait_for_lost_contact, wait_for_more,
};

/// For how long the link is down in tests of an outage that connections survive.
fn outages() -> &'static [Duration] {
    const ALL: &[Duration] = &[Duration::from_secs(1), Duration::from_secs(30)];
    if full() { ALL } else { &ALL[..1] }
}

/// A command that follows a run's standard output.
struct Follower {
    child: Child,
    path: std::path::PathBuf,
}

impl Follower {
    fn of(home: &Home, id: &str) -> Self {
        let path = home.work().join("followed");
        let child = home
            .command(["runs", "logs", id, "--follow", "--stream", "stdout"])
            .stdout(File::create(&path).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, path }
    }

    fn wait_for_more(&self) {
        let heard = || std::fs::metadata(&self.path).unwrap().len();
        let before = heard();
        until("the follower hears more", || heard() > before);
    }

    /// Waits until it ends by itself, and gives all that it heard.
    fn all(mut self) -> String {
        let status = eventually("the follower ends", || self.child.try_wait().unwrap());
        assert!(status.success(), "{status}");
        std::fs::read_to_string(&self.path).unwrap()
    }
}

#[test]
fn a_host_is_attached_by_its_address() {
    let Some(far) = Far::attached() else {
        return;
    };
    let address = far.host.sshd().address().ip().to_string();
    let shown = far.home.call(["target", "show", "box"]).success();
    assert!(shown.text().contains(&address), "{shown}");
    // Runs have the network of that host, and not of this one.
    let networks = shell(&far.home, "box", "cat /proc/net/fib_trie").success();
    assert!(networks.text().contains(&address), "{networks}");
    let here = std::fs::read_to_string("/proc/net/fib_trie").unwrap();
    assert!(!here.contains(&format!("{address}\n")), "{here}");
}

#[test]
fn a_followed_log_has_every_byte_once() {
    let Some(far) = Far::attached() else {
        return;
    };
    let steps = far.steps(0);
    let id = steps.submit(&far.home, "box");
    let _ = steps.wait_for_start();
    let follower = Follower::of(&far.home, &id);
    follower.wait_for_more();
    for outage in outages() {
        far.without_link(*outage);
        follower.wait_for_more();
    }
    steps.go_on();
    steps.check(&far.home, &id);
    assert!(
        follower.all() == steps.said("out"),
        "the follower heard something else"
    );
}

#[test]
fn a_run_is_started_once_whenever_the_link_goes_down() {
    let Some(far) = Far::attached() else {
        return;
    };
    let folders = || run_folders(far.host.sshd());
    let mut number = 0;
    for outage in outages() {
        // Before it is asked for; then; with its folder there; and with its script started, before we know that.
        for moment in 0..4 {
            until("nothing is left of the run before", || folders().is_empty());
            let steps = far.steps(number);
            number += 1;
            if moment == 0 {
                far.host.link_down();
            }
            let id = steps.submit(&far.home, "box");
            match moment {
                2 => until("the run's folder is there", || !folders().is_empty()),
                3 => drop(steps.wait_for_start()),
                _ => {}
            }
            far.without_link(*outage);
            let _ = steps.wait_for_start();
            wait_for_more(&far.home, &id);
            steps.go_on();
            steps.check(&far.home, &id);
        }
    }
}

/// Bytes of the large output.
const LARGE: usize = 40_000_000;

#[test]
fn a_large_output_arrives_although_the_link_goes_down() {
    let Some(far) = Far::attached() else {
        return;
    };
    for outage in outages() {
        let id = submit_large(&far.home, "box", LARGE);
        let state = || far.home.json(["runs", "show", &id])["state"].clone();
        until("the output is collected", || state() == "Finalizing");
        far.host.link_down();
        assert_eq!(state(), "Finalizing", "the link went down too late");
        far.without_link(*outage);
        let _ = wait_for(&far.home, &id, "Completed");
        check_large(&far.home, &id, LARGE);
    }
}

#[test]
fn a_run_that_ends_while_the_link_is_down_for_long_is_collected_later() {
    let Some(far) = Far::attached() else {
        return;
    };
    let steps = far.steps(0);
    let id = steps.submit(&far.home, "box");
    let pid = steps.wait_for_start();
    let follower = Follower::of(&far.home, &id);
    follower.wait_for_more();
    far.host.link_down();
    // By then the connection is given up, and new ones fail.
    let run = wait_for_lost_contact(&far.home, &id);
    assert!(run["contact_lost"]["last_seen"].is_string(), "{run:#}");
    let shown = far.home.call(["runs", "show", &id]).success();
    assert!(shown.text().contains("last seen"), "{shown}");
    steps.go_on();
    until("the script has ended", || !is_there(pid));
    if full() {
        sleep(Duration::from_secs(30));
    }
    let run = wait_for_lost_contact(&far.home, &id);
    assert_eq!(run["state"], "Running", "{run:#}");
    far.host.link_up();
    steps.check(&far.home, &id);
    let run = far.home.json(["runs", "show", &id]);
    assert_eq!(run["contact_lost"], Value::Null, "{run:#}");
    assert!(
        follower.all() == steps.said("out"),
        "the follower heard something else"
    );
}

#[test]
fn everything_arrives_although_packets_are_lost() {
    const LINES: usize = 200_000;
    const BYTES: usize = 4_000_000;
    let Some(far) = Far::attached() else {
        return;
    };
    // In each direction, so that one question in five stays without its answer.
    if !far.host.lossy(10) {
        return;
    }
    let script = format!(
        "import random, sys\nopen(sys.argv[1], 'a').write('started\\n')\n\
         for line in range({LINES}):\n    print('line', line)\n\
         open('outputs/large', 'wb').write(random.Random(7).randbytes({BYTES}))\n"
    );
    far.home.write("long/train.py", &script);
    let mark = far.host.sshd().folder().join("marks/lossy");
    let mut command = far
        .home
        .command(["run", "--target", "box", "--detach", "long/train.py", "--"]);
    command.arg(&mark);
    let id = Answer::of(command).success().text().to_owned();
    let _ = wait_for(&far.home, &id, "Completed");
    far.host.lossless();
    assert_eq!(std::fs::read_to_string(mark).unwrap(), "started\n");
    let log = far
        .home
        .call(["runs", "logs", &id, "--stream", "stdout"])
        .success();
    let expected: String = (0..LINES).map(|line| format!("line {line}\n")).collect();
    assert!(
        log.stdout == expected.as_bytes(),
        "{} bytes and not {}",
        log.stdout.len(),
        expected.len()
    );
    check_large(&far.home, &id, BYTES);
}
