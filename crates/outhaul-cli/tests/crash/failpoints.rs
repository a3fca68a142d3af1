//! The server dies at each named step.

use std::ffi::OsStr;

use outhaul_testkit::home::Home;
use outhaul_testkit::process::{eventually, is_there, until};

use crate::work::{Work, wait, wait_for_no_leftovers, wait_until_gone};

/// How many runs are submitted: more than have a slot on a small machine.
const RUNS: usize = 3;

/// A server that will die at the `count`th passage of a step. Commands that start another one later arm nothing.
fn armed(home: &Home, name: &str, count: u32) -> u32 {
    let point = format!("{name}={count}");
    home.start_server(&[("OUTHAUL_FAILPOINT", OsStr::new(&point))])
}

fn wait_for_death(server: u32, name: &str) {
    until(
        &format!("the server dies at `{name}`: the step was never passed"),
        || !is_there(server),
    );
}

/// The server dies at the step; the next one brings all runs to their end.
pub(crate) fn dies_at(name: &str, count: u32, full: bool) {
    if name.starts_with("cancel.") {
        // A request to end is passed once for each run.
        cancel_dies_at(name, count.min(2), false);
        if full {
            cancel_dies_at(name, 1, true);
        }
        return;
    }
    let home = crate::home();
    Work::write_scripts(&home);
    let server = armed(&home, name, count);
    let works: Vec<Work> = (0..RUNS.max(count as usize))
        .map(|number| Work::new(&home, number, 0.0))
        .collect();
    // The answer may be lost; the command then asks again, with the same id.
    let ids: Vec<String> = works.iter().map(|work| work.submit(&home)).collect();
    let _ = wait(&home, &ids).success();
    wait_for_death(server, name);
    let next = home.start_server(&[]);
    assert_ne!(next, server);
    wait_for_no_leftovers(&home);
    for (work, id) in works.iter().zip(&ids) {
        work.check(&home, id);
    }
    assert_eq!(
        home.server(),
        Some(next),
        "the server that was not armed lives on"
    );
}

fn cancel_dies_at(name: &str, count: u32, stubborn: bool) {
    let home = crate::home();
    Work::write_scripts(&home);
    if stubborn {
        let deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n";
        let script = std::fs::read_to_string(home.work().join("endless/train.py")).unwrap();
        home.write("endless/train.py", &format!("{deaf}{script}"));
    }
    let server = armed(&home, name, count);
    let works: Vec<Work> = (0..count as usize)
        .map(|number| Work::new(&home, number, 0.0))
        .collect();
    let submit = |work: &Work| home.call(work.endless(&["--detach"])).success().text().to_owned();
    let ids: Vec<String> = works.iter().map(submit).collect();
    let pids: Vec<u32> = works.iter().flat_map(started).collect();
    for id in &ids {
        // The server may die before it has answered.
        let _ = home.call(["runs", "cancel", id]);
    }
    wait_for_death(server, name);
    // What the dead server did not hear is asked again.
    let words = ["runs", "cancel"]
        .into_iter()
        .chain(ids.iter().map(String::as_str));
    let _ = home.call(words).success();
    all_canceled(&home, &works, &ids);
    wait_until_gone(name, &pids);
}

/// Pids of the endless script and its child, once it has told them.
fn started(work: &Work) -> Vec<u32> {
    eventually("the endless script has begun", || {
        Some(work.pids()).filter(|pids| pids.len() == 2)
    })
}

fn all_canceled(home: &Home, works: &[Work], ids: &[String]) {
    let _ = wait(home, ids);
    for (work, id) in works.iter().zip(ids) {
        let run = home.json(["runs", "show", id]);
        assert_eq!(run["state"], "Canceled", "{run:#}");
        assert!(work.marks().len() <= 1, "`{}` was started twice", work.name);
    }
    wait_for_no_leftovers(home);
}

/// The server dies while it launches an endless run, and the first thing that the next one hears is to cancel it.
pub(crate) fn canceled_after_dying_at(name: &str) {
    let home = crate::home();
    Work::write_scripts(&home);
    let server = armed(&home, name, 1);
    let work = Work::new(&home, 0, 0.0);
    let id = home.call(work.endless(&["--detach"])).success().text().to_owned();
    wait_for_death(server, name);
    let _ = home.call(["runs", "cancel", &id]).success();
    all_canceled(&home, std::slice::from_ref(&work), std::slice::from_ref(&id));
    wait_until_gone(name, &work.pids());
}
