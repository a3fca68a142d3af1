//! The life of runs through a whole server: queue, ends, cancel, time limit, logs, metrics, outputs, recovery.

mod support;

use std::collections::BTreeMap;

use outhaul_types::{CancelReason, Exit, FailureClass, RunState};
use serde_json::json;
use support::Server;

#[test]
fn a_run_goes_through_its_states_forward_only_and_leaves_what_it_left() {
    let server = Server::start();
    let run = server
        .submit("cat data.txt; echo err >&2; mkdir outputs/m; echo model > outputs/m/x; echo l > logs/y");
    let run = server.end(&run.id);
    assert_eq!((run.state, run.exit_code()), (RunState::Completed, Some(0)));
    assert!(run.started_at >= Some(run.created_at) && run.ended_at >= run.started_at && run.ran_ms.is_some());
    let events = server.get(&format!("/runs/{}/events", run.id)).json();
    let kinds: Vec<&str> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event"]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.first(), Some(&"submitted"));
    assert_eq!(kinds.last(), Some(&"completed"));
    let order = [
        "submitted",
        "preparing",
        "environment_ready",
        "launch_intended",
        "launched",
        "exited",
        "outputs_collected",
        "completed",
    ];
    let seen: Vec<&str> = kinds.into_iter().filter(|kind| order.contains(kind)).collect();
    assert_eq!(seen, order);
    assert_eq!(
        server.get(&format!("/runs/{}/logs?stream=stdout", run.id)).text(),
        "data\n"
    );
    assert_eq!(
        server.get(&format!("/runs/{}/logs?stream=stderr", run.id)).text(),
        "err\n"
    );
    let outputs = server.get(&format!("/runs/{}/outputs", run.id)).json();
    let paths: Vec<&str> = outputs
        .as_array()
        .unwrap()
        .iter()
        .map(|output| output["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["logs/y", "outputs/m/x"]);
    assert_eq!(
        server
            .get(&format!("/runs/{}/outputs/outputs/m/x", run.id))
            .text(),
        "model\n"
    );
    assert_eq!(
        server
            .get(&format!("/runs/{}/outputs/outputs/m/z", run.id))
            .status,
        404
    );
    let prefix = &run.id.as_str()[..6];
    assert_eq!(server.get(&format!("/runs/{prefix}")).json()["id"], json!(run.id));
}

#[test]
fn failures_say_whose_fault_they_are() {
    let server = Server::start();
    let run = server.submit("echo half > outputs/half; exit 3");
    let run = server.end(&run.id);
    let failure = run.failure.unwrap();
    assert_eq!(
        (run.state, failure.class, run.exit),
        (RunState::Failed, FailureClass::User, Some(Exit::Code { code: 3 }))
    );
    assert!(failure.message.contains("exit code 3"), "{}", failure.message);
    assert_eq!(
        server
            .get(&format!("/runs/{}/outputs/outputs/half", run.id))
            .text(),
        "half\n"
    );
    let mut body = server.submission("true");
    body["environment"] = json!({"kind": "spec", "spec": {"interpreter": {"kind": "user_managed", "python": "/no/such/python"}}});
    let run = server.submit_as(&body);
    let run = server.end(&run.id);
    let failure = run.failure.unwrap();
    assert_eq!(failure.class, FailureClass::Environment);
    assert!(failure.message.contains("/no/such/python"), "{}", failure.message);
}

#[test]
fn queued_runs_say_what_they_wait_for_and_can_be_withdrawn() {
    let server = Server::start();
    let slots = server.get("/targets/local").json()["slots"].as_u64().unwrap();
    let busy: Vec<_> = (0..slots).map(|_| server.submit("echo up; sleep 1000")).collect();
    let first = server.submit("exit 0");
    let second = server.submit("exit 0");
    let waiting = server
        .until(&second.id, "queued", |run| run.state == RunState::Queued)
        .waiting
        .unwrap();
    assert_eq!(
        waiting.reason,
        format!("{slots} of {slots} slots of target `local` are in use; 1 run is before it")
    );
    assert!(waiting.moved_by.contains("a run on `local` ending"));
    let answer = server
        .post(&format!("/runs/{}/cancel", second.id), &json!({}))
        .json();
    assert_eq!(answer["state"], json!("Canceled"));
    let again = server
        .post(&format!("/runs/{}/cancel", second.id), &json!({}))
        .json();
    assert_eq!(again["already_ended"], json!(true));
    for run in &busy {
        server.post(&format!("/runs/{}/cancel", run.id), &json!({}));
    }
    for run in &busy {
        let run = server.end(&run.id);
        assert_eq!(
            (run.state, run.cancel.unwrap().reason),
            (RunState::Canceled, CancelReason::User)
        );
    }
    assert_eq!(server.end(&first.id).state, RunState::Completed);
}

#[test]
fn the_time_limit_cancels_with_its_own_reason() {
    let server = Server::start();
    let mut body = server.submission("echo up; exec sleep 1000");
    body["max_duration_seconds"] = json!(1);
    let run = server.submit_as(&body);
    let run = server.end(&run.id);
    assert_eq!(
        (run.state, run.cancel.unwrap().reason),
        (RunState::Canceled, CancelReason::MaxDuration)
    );
}

#[test]
fn metrics_tags_and_children_come_from_the_metrics_file() {
    let server = Server::start();
    let lines = [
        r#"{"t": 1, "kind": "scalar", "name": "mse", "value": 0.1, "step": 0}"#,
        "not json",
        r#"{"t": 2, "kind": "scalar", "name": "mse", "value": "NaN", "step": 1}"#,
        r#"{"t": 3, "kind": "tag", "name": "best", "value": "0.4"}"#,
        r#"{"t": 4, "kind": "child", "id": "fold-1", "name": "fold 1"}"#,
        r#"{"t": 5, "kind": "scalar", "run": "fold-1", "name": "acc", "value": 1}"#,
        r#"{"t": 6, "kind": "scalar", "run": "never-announced", "name": "acc", "value": 2}"#,
        r#"{"t": 7, "kind": "child_end", "run": "fold-1", "state": "Failed", "error": "boom"}"#,
        r#"{"t": 8, "kind": "child", "id": "fold-2"}"#,
    ];
    let text = lines.join("\n").replace('\'', "");
    let run = server.submit(&format!("printf '%s' '{text}' >> \"$OUTHAUL_METRICS_FILE\""));
    let run = server.end(&run.id);
    assert_eq!(
        (run.state, run.tags),
        (
            RunState::Completed,
            BTreeMap::from([("best".to_owned(), "0.4".to_owned())])
        )
    );
    let metrics = server.get(&format!("/runs/{}/metrics", run.id)).json();
    let values: Vec<_> = metrics
        .as_array()
        .unwrap()
        .iter()
        .map(|metric| metric["value"].clone())
        .collect();
    assert_eq!(values, [json!(0.1), json!("NaN")]);
    let events = server.get(&format!("/runs/{}/events", run.id)).text();
    assert!(
        events.contains("1 line of the metrics file was left out: not a JSON object"),
        "{events}"
    );
    server.until(&run.id, "the children's end", |_| {
        let children = server.get(&format!("/runs?parent={}", run.id)).json();
        children
            .as_array()
            .unwrap()
            .iter()
            .all(|child| child["ended_at"].is_string())
    });
    let children = server.get(&format!("/runs?parent={}", run.id)).json();
    let states: BTreeMap<_, _> = children
        .as_array()
        .unwrap()
        .iter()
        .map(|child| (child["name"].as_str().unwrap().to_owned(), child["state"].clone()))
        .collect();
    assert_eq!(states.len(), 2);
    assert_eq!(states["fold 1"], json!("Failed"));
    assert_eq!(
        server.get("/runs").json().as_array().unwrap().len(),
        1,
        "children are listed under their parent only"
    );
}

#[test]
fn a_script_has_no_say_in_other_runs() {
    let server = Server::start();
    let other = server.submit("exit 0");
    let other = server.end(&other.id);
    let lines = format!(
        "{{\"kind\": \"tag\", \"run\": \"{0}\", \"name\": \"spoiled\", \"value\": \"1\"}}\n{{\"kind\": \"child\", \"id\": \"{0}\"}}\n{{\"kind\": \"scalar\", \"run\": \"{0}\", \"name\": \"m\", \"value\": 1}}\n",
        other.id
    );
    let run = server.submit(&format!("printf '%s' '{lines}' >> \"$OUTHAUL_METRICS_FILE\""));
    assert_eq!(server.end(&run.id).state, RunState::Completed);
    assert_eq!(server.run_of(&other.id), other);
    assert_eq!(
        server.get(&format!("/runs/{}/metrics", other.id)).json(),
        json!([])
    );
}

#[test]
fn a_followed_log_has_offsets_states_and_an_explicit_end() {
    let server = Server::start();
    let run = server.submit("printf 'one\\n'; printf 'two\\n' >&2; printf 'a\\rb'");
    let text = server
        .follow(&format!("/runs/{}/logs?follow=true&states=true", run.id))
        .text();
    let frames: Vec<&str> = text
        .split("\n\n")
        .filter(|frame| frame.contains("event: log"))
        .collect();
    let mut streams: BTreeMap<String, String> = BTreeMap::new();
    let mut next = 0;
    for frame in frames {
        let data: serde_json::Value = serde_json::from_str(
            frame
                .lines()
                .find_map(|line| line.strip_prefix("data: "))
                .unwrap(),
        )
        .unwrap();
        let bytes = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            data["data"].as_str().unwrap(),
        )
        .unwrap();
        next += bytes.len() as u64;
        assert_eq!(data["next"].as_u64(), Some(next));
        assert!(frame.contains(&format!("id: {next}")));
        streams
            .entry(data["stream"].as_str().unwrap().to_owned())
            .or_default()
            .push_str(&String::from_utf8(bytes).unwrap());
    }
    assert_eq!(streams["stdout"], "one\na\rb");
    assert_eq!(streams["stderr"], "two\n");
    assert!(text.contains("event: run\n"), "{text}");
    assert!(
        text.trim_end()
            .rsplit("\n\n")
            .next()
            .unwrap()
            .contains("event: end"),
        "{text}"
    );
    let tail = server
        .follow(&format!("/runs/{}/logs?stream=stdout&offset=4", run.id))
        .text();
    assert!(
        tail.contains("\"offset\":4") && !tail.contains("\"offset\":0"),
        "{tail}"
    );
}

#[test]
fn a_stopped_server_takes_its_runs_up_again() {
    let mut server = Server::start();
    let gate = server.home().with_file_name("gate");
    let run = server.submit(&format!(
        "echo up; while [ ! -e {} ]; do sleep 0.05; done; echo done; exit 4",
        gate.display()
    ));
    let slots = server.get("/targets/local").json()["slots"].as_u64().unwrap();
    let queued: Vec<_> = (0..slots).map(|_| server.submit("echo q")).collect();
    server.has_printed(&run.id);
    server.stop();
    std::fs::write(&gate, "").unwrap();
    server.run();
    let run = server.end(&run.id);
    assert_eq!((run.state, run.exit_code()), (RunState::Failed, Some(4)));
    assert_eq!(
        server.get(&format!("/runs/{}/logs?stream=stdout", run.id)).text(),
        "up\ndone\n"
    );
    for run in queued {
        let run = server.end(&run.id);
        assert_eq!(run.state, RunState::Completed, "{:?} {:?}", run.failure, run.exit);
    }
}

#[test]
fn a_followed_stream_says_that_the_server_stops() {
    let mut server = Server::start();
    let run = server.submit("echo up; exec sleep 1000");
    let (mut stream, mut text) =
        server.follow_until(&format!("/runs/{}/logs?follow=true", run.id), "event: log");
    server.post("/server/stop", &json!({}));
    std::io::Read::read_to_string(&mut stream, &mut text).unwrap();
    assert!(
        text.contains("event: end") && text.contains("server stopping"),
        "{text}"
    );
    server.stop_quietly();
    server.run();
    server.post(&format!("/runs/{}/cancel", run.id), &json!({}));
    assert_eq!(server.end(&run.id).state, RunState::Canceled);
}

#[test]
fn rerun_uses_the_recorded_code_and_lock() {
    let server = Server::start();
    let run = server.submit("cat data.txt");
    let run = server.end(&run.id);
    let lock = server.get(&format!("/runs/{}/lock", run.id)).json();
    assert!(
        lock["python_version"].as_str().unwrap().starts_with('3'),
        "{lock}"
    );
    let answer = server.post(
        &format!("/runs/{}/rerun", run.id),
        &json!({"id": outhaul_types::RunId::generate().unwrap()}),
    );
    assert_eq!(answer.status, 201, "{}", answer.text());
    let again = server.end(&serde_json::from_value(answer.json()["id"].clone()).unwrap());
    assert_eq!(
        (again.state, again.environment_id),
        (RunState::Completed, run.environment_id.clone())
    );
    let spec = again.spec.unwrap();
    assert_eq!(
        (spec.rerun_of, spec.environment_lock),
        (Some(run.id), run.environment_id)
    );
    assert_eq!(
        server
            .get(&format!("/runs/{}/logs?stream=stdout", again.id))
            .text(),
        "data\n"
    );
}
