//! Commands that are killed, many commands at once, and a server that is asked to end.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use outhaul_testkit::process::{is_there, signal, until};
use outhaul_testkit::random::Random;

use crate::kills;
use crate::work::{Work, runs_by_name, wait, wait_for_no_leftovers};

/// `outhaul run` in the foreground is killed around its submission: the run is there at most once, and if it is there
/// it completes.
pub(crate) fn killed(seed: u64, times: usize) {
    let home = crate::home();
    Work::write_scripts(&home);
    let mut random = Random::new(seed);
    let mut works: Vec<Work> = (0..times).map(|number| Work::new(&home, number, 0.001)).collect();
    // One is left alone, and tells how long it takes here.
    let spared = works.remove(0);
    let begin = Instant::now();
    let _ = home.call(spared.arguments(&[])).success();
    let whole = u64::try_from(begin.elapsed().as_millis()).unwrap();
    for work in &works {
        // Also a command that starts the server.
        if work.number % 4 == 0 {
            home.kill_server();
        }
        let mut child = home
            .command(work.arguments(&[]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(random.of(0..whole)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let there = runs_by_name(&home).len();
    println!(
        "killed_commands: {} of {} had submitted their run",
        there - 1,
        works.len()
    );
    works.push(spared);
    kills::check(&home, &works, &[]);
}

/// Twenty commands on a data folder that does not exist yet start one server.
pub(crate) fn twenty_at_once() {
    let home = crate::home();
    Work::write_scripts(&home);
    let works: Vec<Work> = (0..10).map(|number| Work::new(&home, number, 0.0)).collect();
    thread::scope(|scope| {
        for work in &works {
            scope.spawn(|| home.call(work.arguments(&["--detach"])).success());
            scope.spawn(|| home.json(["runs", "list"]));
        }
    });
    let servers = home.server_processes();
    assert_eq!(servers.len(), 1, "server processes: {servers:?}");
    assert_eq!(home.server(), Some(servers[0]));
    let log = home.server_log();
    assert_eq!(log.matches("server.started").count(), 1, "{log}");
    let names: Vec<String> = works.iter().map(|work| work.name.clone()).collect();
    kills::check(&home, &works, &names);
}

/// SIGTERM ends the server and no run; the next server takes them up.
pub(crate) fn terminated_server() {
    let home = crate::home();
    Work::write_scripts(&home);
    // Two that run and one that waits for its turn, on a machine of two cores.
    let works: Vec<Work> = (0..3).map(|number| Work::held(&home, number)).collect();
    let ids: Vec<String> = works.iter().map(|work| work.submit(&home)).collect();
    until("the first run works", || works[0].marks().len() == 1);
    let process: u32 = works[0].marks()[0].parse().unwrap();
    let server = home.server().unwrap();
    signal(server, Signal::SIGTERM);
    until("the server ends", || !is_there(server));
    let log = home.server_log();
    assert!(log.contains("server.stopped"), "not a graceful end: {log}");
    assert!(!home.data().join("server.sock").exists(), "the socket is left");
    assert_eq!(home.server(), None);
    assert!(is_there(process), "the run ended with the server");
    let next = home.start_server(&[]);
    assert_ne!(next, server);
    assert!(is_there(process), "the run ended with the next server");
    until("the next server sees the run", || {
        home.json(["runs", "show", &ids[0]])["state"] == "Running"
    });
    works.iter().for_each(Work::go_on);
    let _ = wait(&home, &ids).success();
    for (work, id) in works.iter().zip(&ids) {
        work.check(&home, id);
    }
    wait_for_no_leftovers(&home);
    assert_eq!(home.server(), Some(next));
}
