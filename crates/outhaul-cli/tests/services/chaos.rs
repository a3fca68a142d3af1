//! Servers and workers die at random moments while a service is called and changed: every answer is right, nothing is lost
//! but what a killed worker had in its hands, and one instance is left.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use outhaul_testkit::process::{signal, until};
use outhaul_testkit::random::{Random, full, seed};
use serde_json::Value;

use crate::support::{Bench, SCORE, ask};

const CALLERS: usize = 8;

/// What callers saw.
#[derive(Default)]
struct Seen {
    good: AtomicUsize,
    /// Answers that say that their worker was killed.
    lost: AtomicUsize,
    /// Workers that answered since the last look.
    workers: Mutex<HashSet<u32>>,
}

impl Seen {
    fn call(&self, url: &str) {
        let (status, body) = ask(url, "", "{\"data\": [1, 2]}").unwrap();
        if status == 502 && body.contains("signal 9") {
            self.lost.fetch_add(1, Ordering::SeqCst);
            return;
        }
        assert_eq!(status, 200, "{body}");
        let scored: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(scored["answer"], serde_json::json!([1, 2]), "{body}");
        let worker = u32::try_from(scored["pid"].as_u64().unwrap()).unwrap();
        self.workers.lock().unwrap().insert(worker);
        self.good.fetch_add(1, Ordering::SeqCst);
    }

    /// Kills a worker that answers now, if there is one.
    fn kill_worker(&self) -> usize {
        let workers = std::mem::take(&mut *self.workers.lock().unwrap());
        let Some(worker) = workers.into_iter().next() else {
            return 0;
        };
        signal(worker, Signal::SIGKILL);
        1
    }
}

#[test]
fn callers_get_their_answers_whatever_dies() {
    let seed = seed();
    println!("services: OUTHAUL_TEST_SEED={seed}");
    let reloads = if full() { 40 } else { 4 };
    let bench = Bench::new();
    let _ = bench.deploy("churn-api", &["--workers", "2"]).success();
    let url = bench.show("churn-api")["url"].as_str().unwrap().to_owned();
    let (seen, over) = (Seen::default(), AtomicBool::new(false));
    let (servers, workers) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        // Ends the others also where this thread panics.
        let _stop = Stop(&over);
        for _ in 0..CALLERS {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    seen.call(&url);
                }
            });
        }
        scope.spawn(|| {
            let mut random = Random::new(seed);
            while !over.load(Ordering::SeqCst) {
                // No wait for anything: the moment is the fault that is tried.
                thread::sleep(Duration::from_millis(random.of(50..1200)));
                if random.of(0..3) == 0 {
                    workers.fetch_add(seen.kill_worker(), Ordering::SeqCst);
                } else {
                    servers.fetch_add(bench.home.kill_server(), Ordering::SeqCst);
                }
            }
        });
        for number in 0..reloads {
            let version = format!("\"reload {number}\"");
            bench
                .home
                .write("deploy/score.py", &SCORE.replace("\"one\"", &version));
            // One whose server or whose next worker was killed is asked for again.
            until(&format!("reload {number} is taken up"), || {
                bench.home.call(["service", "reload", "churn-api"]).is_success()
            });
            let mut answer = String::new();
            until("its answer is that of a worker that lives", || {
                let (status, body) = ask(&url, "", "{\"data\": [1, 2]}").unwrap();
                answer = body;
                status == 200
            });
            assert!(answer.contains(&version), "{version}: {answer}");
        }
        let enough = servers.load(Ordering::SeqCst) + 3;
        until("more servers are started and killed", || {
            let _ = bench.home.call(["service", "list"]);
            servers.load(Ordering::SeqCst) >= enough
        });
    });
    let good = seen.good.load(Ordering::SeqCst);
    let lost = seen.lost.load(Ordering::SeqCst);
    let (servers, workers) = (servers.into_inner(), workers.into_inner());
    println!(
        "services: {good} answers, {reloads} reloads, {servers} servers and {workers} workers killed, {lost} requests with them"
    );
    assert!(
        good > 100 && lost <= workers,
        "{good} answers, {lost} lost by {workers} kills"
    );
    until("one instance is left", || {
        let now = bench.show("churn-api");
        now["state"] == "Healthy" && now["next"] == Value::Null && now["leaving"] == serde_json::json!([])
    });
    let going = bench.home.json(["runs", "list", "--state", "Running"]);
    assert_eq!(going.as_array().unwrap().len(), 1, "{going:#}");
    bench.delete("churn-api");
    assert!(bench.home.run_processes().is_empty());
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
