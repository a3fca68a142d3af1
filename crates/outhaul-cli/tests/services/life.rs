//! From deployment to deletion, through updates, kills and restarts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use outhaul_testkit::process::until;
use serde_json::Value;

use crate::support::{Bench, SCORE, Said, ask};

#[test]
fn a_model_is_deployed_answers_and_is_deleted() {
    let bench = Bench::new();
    let answer = bench
        .deploy("churn-api", &["--model", "model.txt", "--env", "EXTRA=more"])
        .success();
    let url = String::from_utf8(answer.stdout).unwrap().trim().to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let scored = bench.score("churn-api");
    assert_eq!(scored["answer"], serde_json::json!([3, 6]));
    assert_eq!((&scored["env"], &scored["key"]), (&"more".into(), &Value::Null));
    let shown = bench.show("churn-api");
    assert_eq!(
        (&shown["state"], &shown["generation"]),
        (&"Healthy".into(), &1.into())
    );
    assert_eq!(shown["spec"]["models"][0]["version"], 0);
    let listed = bench.home.json(["service", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);

    // It takes no slot of its target, and its log is that of a run.
    let target = bench.home.json(["target", "show", "local"]);
    assert!(!target.to_string().contains("\"running\":1"), "{target:#}");
    let log = bench.home.call(["service", "logs", "churn-api"]).success();
    assert!(String::from_utf8_lossy(&log.stdout).contains(&url), "{log}");

    // Asking again under the same name is refused, and changes nothing.
    let again = bench.deploy("churn-api", &[]);
    assert_eq!(again.code, Some(2), "{again}");
    assert!(
        again
            .said()
            .contains("there is a web service `churn-api` already"),
        "{again}"
    );
    assert_eq!(bench.show("churn-api")["generation"], 1);

    let run = shown["current"]["run"].as_str().unwrap();
    let repeated = bench.home.call(["runs", "rerun", run, "--detach"]);
    assert_eq!(repeated.code, Some(2), "{repeated}");
    assert!(
        repeated.said().contains("serves the web service `churn-api`"),
        "{repeated}"
    );

    bench.delete("churn-api");
    assert!(ask(&url, "", "{}").is_err(), "nobody listens any more");
    let gone = bench.home.call(["service", "show", "churn-api"]);
    assert_eq!(gone.code, Some(2), "{gone}");
    assert!(bench.home.run_processes().is_empty());
}

#[test]
fn a_registered_model_is_served_and_kept_as_long_as_it_is() {
    let bench = Bench::new();
    let registered = ["model", "register", "churn", "--path", "model.txt"];
    let _ = bench.home.call(registered).success();
    bench.home.write("other.txt", "7");
    let _ = bench
        .home
        .call(["model", "register", "other", "--path", "other.txt"])
        .success();
    let _ = bench.deploy("churn-api", &["--model", "churn"]).success();
    assert_eq!(bench.score("churn-api")["answer"], serde_json::json!([3, 6]));
    let used = bench.home.call(["model", "delete", "churn:1"]);
    assert!(
        !used.is_success() && used.said().contains("`churn-api`"),
        "{used}"
    );
    assert_eq!(
        bench
            .home
            .json(["service", "list", "--model", "churn:1"])
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        bench.home.json(["service", "list", "--model", "other"]),
        serde_json::json!([])
    );

    // Several models lie side by side.
    bench.home.write(
        "deploy/score.py",
        "import os\ndef init(): pass\ndef run(data):\n    root = os.environ['AZUREML_MODEL_DIR']\n    return sorted(os.path.relpath(os.path.join(at, file), root) for at, _, files in os.walk(root) for file in files)\n",
    );
    let both = [
        "service",
        "update",
        "churn-api",
        "--model",
        "churn",
        "--model",
        "other:1",
        "--source",
        "deploy",
    ];
    let _ = bench.home.call(both).success();
    assert_eq!(
        bench.score("churn-api"),
        serde_json::json!(["churn/1/model.txt", "other/1/other.txt"])
    );
    bench.delete("churn-api");
    let _ = bench.home.call(["model", "delete", "churn:1"]).success();
}

#[test]
fn updates_and_reloads_lose_no_request_and_bad_ones_change_nothing() {
    let bench = Bench::new();
    let _ = bench
        .deploy("churn-api", &["--model", "model.txt", "--workers", "2"])
        .success();
    let url = bench.show("churn-api")["url"].as_str().unwrap().to_owned();
    let over = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (url, over, answered) = (url.clone(), over.clone(), answered.clone());
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let (status, body) = ask(&url, "", "{\"data\": [1]}").unwrap();
                    assert_eq!(status, 200, "{body}");
                    let scored: Value = serde_json::from_str(&body).unwrap();
                    assert!(
                        [3, 5].map(|n| serde_json::json!([n])).contains(&scored["answer"]),
                        "{body}"
                    );
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    bench
        .home
        .write("deploy/score.py", &SCORE.replace("\"one\"", "\"two\""));
    assert_eq!(
        bench.score("churn-api")["version"],
        "one",
        "only a reload takes it up"
    );
    let _ = bench.home.call(["service", "reload", "churn-api"]).success();
    assert_eq!(bench.score("churn-api")["version"], "two");

    bench.home.write("five.txt", "5");
    let _ = bench
        .home
        .call(["service", "update", "churn-api", "--model", "five.txt"])
        .success();
    assert_eq!(bench.score("churn-api")["answer"], serde_json::json!([5, 10]));

    bench.home.write(
        "deploy/score.py",
        "def init():\n    raise ValueError('no such weights')\ndef run(data): pass\n",
    );
    let bad = bench.home.call(["service", "reload", "churn-api"]);
    assert_eq!(bad.code, Some(2), "{bad}");
    assert!(
        bad.said().contains("stays as it was") && bad.said().contains("ValueError: no such weights"),
        "{bad}"
    );
    let shown = bench.show("churn-api");
    assert_eq!(
        (&shown["state"], &shown["generation"]),
        (&"Healthy".into(), &4.into())
    );
    assert_eq!(bench.score("churn-api")["version"], "two");
    // The next update begins from what answers, not from what failed.
    let _ = bench
        .home
        .call(["service", "update", "churn-api", "--workers", "1"])
        .success();
    assert_eq!(bench.score("churn-api")["version"], "two");
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.join().unwrap();
    }
    assert!(answered.load(Ordering::Relaxed) > 0);
    bench.delete("churn-api");
}

#[test]
fn a_killed_service_comes_back_and_a_killed_server_is_not_missed() {
    let bench = Bench::new();
    let _ = bench.deploy("churn-api", &[]).success();
    let shown = bench.show("churn-api");
    let (url, run) = (
        shown["url"].as_str().unwrap(),
        shown["current"]["run"].as_str().unwrap(),
    );
    bench.home.kill_server();
    assert_eq!(
        ask(url, "", "{\"data\": [1]}").unwrap().0,
        200,
        "it needs no server"
    );
    let after = bench.show("churn-api");
    assert_eq!(after["current"]["run"], run, "it is adopted, not started again");
    assert_eq!(after["state"], "Healthy");

    // Killed while no server looks: the next one finds it out, and starts another.
    bench.home.kill_server();
    for pid in bench.home.run_processes() {
        outhaul_testkit::process::signal(pid, nix::sys::signal::Signal::SIGKILL);
    }
    bench.home.start_server(&[]);
    until("another instance answers", || {
        let now = bench.show("churn-api");
        now["state"] == "Healthy" && now["current"]["run"] != run
    });
    assert_eq!(bench.show("churn-api")["url"], url, "at the same address");
    assert_eq!(bench.score("churn-api")["answer"], serde_json::json!([1, 2]));
    bench.delete("churn-api");
}

/// At each of these steps the server is killed, as the power may go; the next one finishes what was begun.
#[test]
fn a_server_killed_on_the_way_leaves_one_service_with_one_instance() {
    for (point, words) in [
        ("submit.before-create", &["deploy"][..]),
        ("submit.after-create", &["deploy"]),
        ("life.after-intent", &["deploy"]),
        ("life.after-submit", &["deploy"]),
        ("collect.before-metrics", &["deploy"]),
        ("submit.before-create", &["deploy", "reload"]),
        ("collect.after-metrics", &["deploy", "reload"]),
        ("cancel.after-request", &["deploy", "reload"]),
        ("life.after-exited", &["deploy", "reload"]),
    ] {
        let bench = Bench::new();
        let is_reload = words.contains(&"reload");
        let arm = || bench.home.start_server(&[("OUTHAUL_FAILPOINT", point.as_ref())]);
        if is_reload {
            let _ = bench.deploy("churn-api", &[]).success();
            let _ = bench.home.call(["server", "stop"]).success();
            arm();
            let _ = bench.home.call(["service", "reload", "churn-api", "--detach"]);
        } else {
            arm();
            // Its answer may be lost with the server: the command asks again, or says so.
            let _ = bench.deploy("churn-api", &["--detach"]);
        }
        let generation = 1 + i32::from(is_reload);
        until(&format!("{point}: it answers"), || {
            let now = bench.home.json(["service", "list"]);
            let now = &now[0];
            now["state"] == "Healthy"
                && now["current"]["generation"] == generation
                && now["leaving"] == serde_json::json!([])
        });
        assert_eq!(
            bench.score("churn-api")["answer"],
            serde_json::json!([1, 2]),
            "{point}"
        );
        let runs = bench.home.json(["runs", "list"]);
        let states: Vec<&str> = runs
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|run| run["state"].as_str())
            .collect();
        let going = states.iter().filter(|state| **state == "Running").count();
        assert_eq!(
            (going, states.len()),
            (1, generation as usize),
            "{point}: {states:?}"
        );
        bench.delete("churn-api");
        assert!(bench.home.run_processes().is_empty(), "{point}");
    }
}
