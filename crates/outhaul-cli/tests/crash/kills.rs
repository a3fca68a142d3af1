//! The server dies at random moments while runs are submitted, run and end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use outhaul_testkit::home::Home;
use outhaul_testkit::process::until;
use outhaul_testkit::random::Random;
use outhaul_testkit::slurm::Cluster;

use crate::work::{Work, runs_by_name, wait, wait_for_no_leftovers};

/// How many commands submit at the same time.
const BATCH: usize = 4;

/// As jobs of a cluster whose login host is this machine. Where none can be had, one line says so.
pub(crate) fn of_a_cluster(seed: u64, runs: usize) {
    let Some(cluster) = Cluster::start() else { return };
    let home = crate::home().with("SLURM_CONF", cluster.conf());
    home.write("outhaul.toml", "target = \"hpc\"\n");
    let _ = home
        .call(["target", "attach", "slurm", "hpc", "--local"])
        .success();
    at_random_moments(&home, seed, runs);
    until("no job is left", || cluster.ask(&["squeue", "-h"]).is_empty());
    // What the scheduler was asked to start, whatever it knew of: each run has one job.
    let jobs = cluster.ask(&["squeue", "-h", "-r", "-t", "all", "-o", "%j"]);
    let mut names: Vec<&str> = jobs.lines().collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    println!("slurm: {all} jobs for {} names", names.len());
}

/// `runs` runs are submitted in batches; meanwhile servers are killed, also such that are only starting.
pub(crate) fn at_random_moments(home: &Home, seed: u64, runs: usize) {
    Work::write_scripts(home);
    let works: Vec<Work> = (0..runs).map(|number| Work::new(home, number, 0.002)).collect();
    let over = AtomicBool::new(false);
    let kills = AtomicUsize::new(0);
    let accepted = thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = Random::new(seed);
            while !over.load(Ordering::SeqCst) {
                // No wait for anything: the moment is the fault that is tried.
                thread::sleep(Duration::from_millis(random.of(10..300)));
                kills.fetch_add(home.kill_server(), Ordering::SeqCst);
            }
        });
        // Ends the killing also where this thread panics.
        let _stop = Stop(&over);
        let mut accepted = Vec::new();
        for (index, batch) in works.chunks(BATCH).enumerate() {
            let answers: Vec<_> = batch
                .iter()
                .map(|work| scope.spawn(|| home.call(work.arguments(&["--detach"]))))
                .collect();
            for (work, answer) in batch.iter().zip(answers) {
                let answer = answer.join().unwrap();
                if answer.is_success() {
                    accepted.push(work.name.clone());
                }
            }
            if index % 10 == 9 {
                println!(
                    "random_kills: {} of {runs} submitted, {} kills",
                    (index + 1) * BATCH,
                    kills.load(Ordering::SeqCst)
                );
            }
        }
        // The killing goes on while the runs come to their end, but not until all have.
        let enough = kills.load(Ordering::SeqCst) + 5;
        until("more servers are started and killed", || {
            let _ = home.call(["runs", "list"]);
            kills.load(Ordering::SeqCst) >= enough
        });
        accepted
    });
    let kills = kills.into_inner();
    println!(
        "random_kills: {runs} submitted, {} accepted, {kills} kills",
        accepted.len()
    );
    check(home, &works, &accepted);
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What must hold of runs that were submitted once each: those that were accepted are there, none is there twice, and
/// all that are there are well.
pub(crate) fn check(home: &Home, works: &[Work], accepted: &[String]) {
    let mut runs = runs_by_name(home);
    loop {
        let ids: Vec<String> = runs
            .values()
            .map(|run| run["id"].as_str().unwrap().to_owned())
            .collect();
        if !ids.is_empty() {
            let _ = wait(home, &ids).success();
        }
        // A request whose command was killed may arrive late.
        let now = runs_by_name(home);
        if now.len() == runs.len() {
            break;
        }
        runs = now;
    }
    for name in accepted {
        assert!(runs.contains_key(name), "`{name}` was accepted and is not there");
    }
    for work in works {
        match runs.get(&work.name) {
            Some(run) => work.check(home, run["id"].as_str().unwrap()),
            None => assert!(
                work.marks().is_empty(),
                "`{}` is not there and was started",
                work.name
            ),
        }
    }
    wait_for_no_leftovers(home);
}
