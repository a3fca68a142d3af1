//! Containers of this machine's engine.

use std::ffi::OsStr;

use outhaul_testkit::certificate::Certificate;
use outhaul_testkit::process::{Answer, is_there, until};
use serde_json::Value;

use crate::support::Bench;

const RUN: [&str; 6] = [
    "run",
    "--target",
    "local",
    "--environment",
    "environment.yml",
    "where/train.py",
];

#[test]
fn the_same_script_leaves_the_same_in_a_container() {
    let Some(bench) = Bench::new() else { return };
    let answer = bench.call(&[&RUN[..], &["--", "3"]].concat());
    let said = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert!(said.contains("out of the container"), "{answer}");
    let runs = bench.json(&["runs", "list"]);
    let id = runs[0]["id"].as_str().unwrap().to_owned();
    let run = bench.json(&["runs", "show", &id]);
    assert_eq!(run["state"], "Failed", "{run:#}");
    assert_eq!(run["exit"]["code"], 3, "{run:#}");
    let found: Value = serde_json::from_str(&bench.output(&id, "where.json")).unwrap();
    assert_eq!(found["contained"], true, "{found:#}");
    assert_eq!(found["uid"], nix::unistd::geteuid().as_raw(), "{found:#}");
    assert_eq!(found["shm"], 32 << 20, "{found:#}");
    assert_eq!(
        (&found["extra"], &found["target"]),
        (&Value::from("more"), &Value::from("local"))
    );
    let log = bench.call(&["runs", "logs", &id, "--stream", "stderr"]).success();
    assert_eq!(log.text(), "err of the container");
    let metrics = bench.json(&["runs", "metrics", &id]);
    assert_eq!(metrics[0]["value"], 42, "{metrics:#}");
    until("the container is removed", || bench.containers().is_empty());
    let local = bench.json(&["target", "check", "local"]);
    assert!(
        local.to_string().contains("API"),
        "the engine is among the checks: {local:#}"
    );
}

#[test]
fn the_plan_shows_the_container_and_makes_none() {
    let Some(bench) = Bench::new() else { return };
    let _ = bench.call(&["target", "list"]).success();
    let plan = bench.json(&[&RUN[..], &["--dry-run"]].concat());
    let body = &plan["server"]["container"];
    assert_eq!(body["HostConfig"]["ShmSize"], 32 << 20, "{plan:#}");
    assert!(body["Image"].as_str().unwrap().starts_with("sha256:"), "{plan:#}");
    assert!(bench.containers().is_empty());
    let text = bench.call(&[&RUN[..], &["--dry-run"]].concat()).success();
    assert!(
        text.text().contains(&format!("in the image {}", bench.image)),
        "{text}"
    );
}

#[test]
fn a_canceled_run_leaves_no_container() {
    let Some(bench) = Bench::new() else { return };
    let id = bench.submit_steps("local", 0);
    until("the script is started", || bench.starts(0) == 1);
    let _ = bench.call(&["runs", "cancel", &id]).success();
    let _ = bench.wait_for(&id, "Canceled");
    until("the container is removed", || bench.containers().is_empty());
}

/// The steps at which what the engine knows and what we know differ most.
const STEPS: &[&str] = &[
    "life.after-intent",
    "life.after-submit",
    "life.after-launched",
    "life.before-end",
];

#[test]
fn a_server_that_dies_starts_no_container_twice() {
    let Some(bench) = Bench::new() else { return };
    if !cfg!(debug_assertions) {
        return;
    }
    for (number, name) in STEPS.iter().enumerate() {
        let _ = bench.home.kill_server();
        let mut start = bench.command(&["target", "list"]);
        start.env("OUTHAUL_FAILPOINT", OsStr::new(name));
        let _ = Answer::of(start).success();
        let server = bench.home.server().unwrap();
        std::fs::write(bench.gate(number), "").unwrap();
        let id = bench.submit_steps("local", number);
        until(&format!("the server dies at `{name}`"), || {
            // Somebody has to be there for the run to go on.
            !is_there(server)
        });
        bench.check_steps(&id, number);
        until(&format!("nothing is left of the run of `{name}`"), || {
            bench.containers().is_empty()
        });
    }
}

#[test]
fn a_killed_server_finds_its_container_again() {
    let Some(bench) = Bench::new() else { return };
    let id = bench.submit_steps("local", 0);
    until("the script is started", || bench.starts(0) == 1);
    assert_eq!(bench.home.kill_server(), 1);
    let _ = bench.wait_for(&id, "Running");
    std::fs::write(bench.gate(0), "").unwrap();
    bench.check_steps(&id, 0);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_made() {
    let Some(bench) = Bench::new() else { return };
    for (section, words) in [
        ("  gpus: true\n", "names no image"),
        ("  image: x\n  arguments: [--privileged]\n", "--privileged"),
        ("  dockerfile: no/such/Dockerfile\n", "no/such/Dockerfile"),
    ] {
        bench.environment(section);
        let answer = bench.call(&RUN);
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert!(!answer.is_success() && said.contains(words), "{answer}");
        assert_eq!(said.matches("error:").count(), 1, "{answer}");
    }
    assert_eq!(bench.json(&["runs", "list"]), Value::Array(Vec::new()));
}

#[test]
fn without_an_engine_it_is_said() {
    let Some(bench) = Bench::new() else { return };
    let mut command = bench.home.command(RUN);
    command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let answer = Answer::of(command);
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(
        !answer.is_success() && said.contains("no Docker engine"),
        "{answer}"
    );
}

#[test]
fn an_image_is_built_from_a_dockerfile_once() {
    let Some(bench) = Bench::new() else { return };
    bench
        .home
        .write("Dockerfile", &format!("FROM {}\nENV EXTRA=built\n", bench.image));
    bench.environment("  dockerfile: Dockerfile\n");
    for _ in 0..2 {
        let _ = bench.call(&RUN).success();
    }
    let runs = bench.json(&["runs", "list"]);
    for run in runs.as_array().unwrap() {
        let found: Value =
            serde_json::from_str(&bench.output(run["id"].as_str().unwrap(), "where.json")).unwrap();
        assert_eq!(found["extra"], "built", "{found:#}");
    }
    assert_eq!(runs[0]["environment_id"], runs[1]["environment_id"], "{runs:#}");
}

/// As a process, but in a container: it answers here, an update takes the socket over from one container to the next.
#[test]
fn a_web_service_runs_in_a_container_and_is_updated_without_a_gap() {
    let Some(bench) = Bench::new() else { return };
    let score = |version: &str| {
        format!(
            "import os\ndef init(): pass\ndef run(data): return [os.path.exists('/.dockerenv'), os.environ['EXTRA'], '{version}', os.environ.get('OUTHAUL_SCORING_KEY')]\n"
        )
    };
    bench.home.write("deploy/score.py", &score("one"));
    let deploy = [
        "deploy",
        "local",
        "in-docker",
        "--entry",
        "deploy/score.py",
        "--environment",
        "environment.yml",
    ];
    let url = bench.call(&deploy).success().text().to_owned();
    bench.home.write("rows.json", "{}");
    let ask = || bench.json(&["service", "test", "in-docker", "--data", "rows.json"]);
    assert_eq!(ask(), serde_json::json!([true, "more", "one", null]));
    let containers = bench.containers();
    assert_eq!(containers.len(), 1, "{containers:?}");
    bench.home.write("deploy/score.py", &score("two"));
    let reloaded = bench.call(&["service", "reload", "in-docker"]).success();
    assert_eq!(reloaded.text(), url, "at the same address");
    assert_eq!(ask(), serde_json::json!([true, "more", "two", null]));
    // Keys and TLS as without a container, and the script sees no key.
    let tls = Certificate::new(&bench.home.work(), "127.0.0.1");
    let (certificate, key) = (tls.certificate.to_str().unwrap(), tls.key.to_str().unwrap());
    let update = [
        "service",
        "update",
        "in-docker",
        "--auth-keys",
        "--tls-cert",
        certificate,
        "--tls-key",
        key,
    ];
    let url = bench.call(&update).success().text().to_owned();
    let post = |key: Option<&str>| tls.post(&format!("{url}/score"), key, "{}");
    let refused = post(None);
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("401"),
        "{refused}"
    );
    let keys = bench.json(&["service", "keys", "in-docker"]);
    let answer = post(keys["primary"].as_str()).success();
    assert_eq!(answer.json(), serde_json::json!([true, "more", "two", null]));
    let _ = bench.call(&["service", "delete", "in-docker"]).success();
    until("the containers are removed", || bench.containers().is_empty());
}
