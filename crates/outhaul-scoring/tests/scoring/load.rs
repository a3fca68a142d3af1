//! Many callers while workers are killed and the script is loaded anew: every answer is right, and nothing is lost but
//! what a killed worker had in its hands.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::support::{Connection, LONG, Place};

const CONNECTIONS: u64 = 64;

#[tokio::test(flavor = "multi_thread")]
async fn no_wrong_answer_and_no_lost_request() {
    let seconds = if std::env::var_os("OUTHAUL_TEST_FULL").is_some() {
        60
    } else {
        6
    };
    let place = Place::new(
        "import json, os, time\ndef init(): pass\ndef run(data):\n    n = json.loads(data)\n    if n % 50 == 0: time.sleep(0.01)\n    return [os.getpid(), n, n * n, 'x' * (n % 3000)]\n",
    );
    let service = place
        .serve(|config| {
            config.workers = 3;
            config.queue = 100;
        })
        .await;
    let address = service.address();
    let over = Arc::new(AtomicBool::new(false));
    let alive: Arc<Mutex<HashSet<i32>>> = Arc::default();
    let (good, bad) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CONNECTIONS {
        let (over, alive, good, bad) = (over.clone(), alive.clone(), good.clone(), bad.clone());
        callers.spawn(async move {
            let mut connection = Connection::to(address).await;
            let mut n = caller * 1_000_003;
            while !over.load(Ordering::Relaxed) {
                n += 1;
                let answer = connection
                    .call("POST", "/score", &[], n.to_string().as_bytes())
                    .await;
                match answer.status {
                    200 => {
                        let read: (i32, u64, u64, String) = serde_json::from_slice(&answer.body).unwrap();
                        assert_eq!((read.1, read.2, read.3.len() as u64), (n, n * n, n % 3000));
                        alive.lock().unwrap().insert(read.0);
                        good.fetch_add(1, Ordering::Relaxed);
                    }
                    502 => {
                        assert!(answer.text().contains("signal 9"), "{}", answer.text());
                        bad.fetch_add(1, Ordering::Relaxed);
                    }
                    other => panic!("{other}: {}", answer.text()),
                }
            }
        });
    }
    let mut kills = 0;
    let mut reloads = 0;
    let end = tokio::time::Instant::now() + Duration::from_secs(seconds);
    while tokio::time::Instant::now() < end {
        let victim = {
            let mut alive = alive.lock().unwrap();
            let victim = alive.iter().next().copied();
            alive.clear();
            victim
        };
        if let Some(pid) = victim {
            kills += usize::from(kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok());
        }
        if kills % 3 == 2 {
            // A generation of which a worker was killed before it had initialised does not take over; the next does.
            reloads += usize::from(service.reload().await.is_ok());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    over.store(true, Ordering::Relaxed);
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    let (good, bad) = (good.load(Ordering::Relaxed), bad.load(Ordering::Relaxed));
    println!("{good} answers, {kills} kills cost {bad} requests, {reloads} reloads");
    assert!(
        kills > 3 && reloads > 0 && good > 100,
        "{kills} kills, {reloads} reloads, {good} answers"
    );
    assert!(bad <= kills, "{bad} requests were lost by {kills} kills");
    assert!(service.stop(LONG).await);
}
