//! Runs that a client plays, and what clients may say about others.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use outhaul_types::{Run, RunId};
use serde_json::{Value, json};
use support::Server;

fn track(server: &Server, body: &Value) -> Run {
    let answer = server.post("/runs/tracked", body);
    assert_eq!(answer.status, 201, "{}", answer.text());
    serde_json::from_value(answer.json()).unwrap()
}

fn id() -> RunId {
    RunId::generate().unwrap()
}

fn put(server: &Server, run: &RunId, path: &str, bytes: &[u8]) -> support::Answer {
    server.send("PUT", &format!("/api/v1/runs/{run}/outputs/{path}"), "", bytes)
}

#[test]
fn a_whole_tracked_run_survives_its_server() {
    let mut server = Server::start();
    let request =
        json!({"id": id(), "experiment": "notebook", "tags": {"by": "hand"}, "properties": {"alpha": "0.5"}});
    let run = track(&server, &request);
    assert_eq!(
        (run.state.as_str(), run.target.as_str(), run.attempt),
        ("Running", "-", 0)
    );
    assert!(run.started_at.is_some() && run.spec.is_none());
    let path = |rest: &str| format!("/runs/{}{rest}", run.id);

    let metrics = json!([
        {"kind": "scalar", "name": "loss", "value": 0.5, "step": 1, "t": 1.5},
        {"kind": "scalar", "name": "loss", "value": "NaN", "step": 2, "time": 2.5},
        {"kind": "list", "name": "all", "value": [1, 2]},
    ]);
    assert_eq!(server.post(&path("/metrics"), &metrics).status, 204);
    let large = vec![7u8; 5 << 20];
    assert_eq!(put(&server, &run.id, "model/weights.bin", &large).status, 200);
    assert_eq!(put(&server, &run.id, "model/weights.bin", b"new").status, 200);
    assert_eq!(put(&server, &run.id, "report.html", b"<p>").status, 200);
    let tags = json!({"set": {"best": "yes", "by": "me"}, "remove": ["none"]});
    assert_eq!(server.post(&path("/tags"), &tags).status, 200);
    assert_eq!(
        server
            .post(&path("/properties"), &json!({"beta": "1", "alpha": "0.5"}))
            .status,
        200
    );
    server.stop();
    server.run();

    // The same request again: the run as it stands.
    let again = server.post("/runs/tracked", &request);
    assert_eq!((again.status, &again.json()["state"]), (200, &json!("Running")));
    let values = server.get(&path("/metrics")).json();
    assert_eq!(
        values[0],
        json!({"name": "loss", "kind": "scalar", "value": 0.5, "step": 1, "time": 1.5})
    );
    assert_eq!(
        (&values[1]["value"], &values[1]["time"]),
        (&json!("NaN"), &json!(2.5))
    );
    assert!(values[2]["time"].as_f64().unwrap() > 1.7e9);
    let outputs = server.get(&path("/outputs")).json();
    assert_eq!(outputs.as_array().unwrap().len(), 2);
    assert_eq!(server.get(&path("/outputs/model/weights.bin")).text(), "new");
    assert_eq!(
        server.post(&path("/end"), &json!({"state": "Completed"})).status,
        200
    );
    let ended = server.end(&run.id);
    assert_eq!(ended.state.as_str(), "Completed");
    assert_eq!(
        ended.tags,
        [("best", "yes"), ("by", "me")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into()
    );
    assert_eq!(ended.properties.len(), 2);
    let listed = server.get("/runs?experiment=notebook&target=-").json();
    assert_eq!(listed[0]["id"], json!(run.id));
    assert_eq!(server.get(&path("/logs")).text(), "");
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let server = Server::start();
    let run = track(
        &server,
        &json!({"id": id(), "experiment": "e", "properties": {"p": "1"}}),
    );
    let other = track(&server, &json!({"id": id(), "experiment": "e"}));
    server.post(
        &format!("/runs/{}/end", other.id),
        &json!({"state": "Failed", "message": "no data"}),
    );
    let before = server.run_of(&run.id);
    let of = |run: &Run, rest: &str| format!("/runs/{}{rest}", run.id);
    let scalar = json!({"kind": "scalar", "name": "a", "value": 1});
    for (path, body, status, says) in [
        (
            "/runs/tracked".to_owned(),
            json!({"id": id()}),
            400,
            "`experiment` is missing",
        ),
        (
            "/runs/tracked".to_owned(),
            json!({"id": id(), "experiment": "a b"}),
            400,
            "not allowed",
        ),
        (
            "/runs/tracked".to_owned(),
            json!({"id": id(), "experiment": "e", "parent": "zzzzzzzz"}),
            404,
            "no run",
        ),
        (
            "/runs/tracked".to_owned(),
            json!({"id": run.id, "experiment": "f"}),
            409,
            "submitted differently",
        ),
        (
            "/runs/tracked".to_owned(),
            json!({"id": run.id, "experiment": "e", "properties": {"p": "2"}}),
            409,
            "cannot change",
        ),
        (
            of(&run, "/metrics"),
            json!([scalar, {"kind": "scalar", "name": "b"}]),
            400,
            "metric 2: `value` is missing",
        ),
        (
            of(&run, "/metrics"),
            json!([{"kind": "tag", "name": "b", "value": "x"}]),
            400,
            "no metric",
        ),
        (of(&run, "/tags"), json!({"set": {"a=b": "c"}}), 400, "tag name"),
        (
            of(&run, "/properties"),
            json!({"new": "1", "p": "2"}),
            409,
            "property `p`",
        ),
        (
            of(&run, "/end"),
            json!({"state": "Running"}),
            400,
            "not the state of a run that ended",
        ),
        (
            of(&other, "/end"),
            json!({"state": "Completed"}),
            409,
            "has ended: Failed",
        ),
        (of(&other, "/metrics"), json!([scalar]), 409, "has ended: Failed"),
        (of(&run, "/rerun"), json!({"id": id()}), 400, "no command"),
    ] {
        let answer = server.post(&path, &body);
        let text = answer.text();
        assert!(
            answer.status == status && text.contains(says),
            "{path} {body}: {} {text}",
            answer.status
        );
    }
    for path in ["..%2Fx", "a/../../x", "a//b"] {
        let answer = put(&server, &run.id, path, b"x");
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
    }
    assert_eq!(put(&server, &other.id, "x", b"x").status, 409);
    assert_eq!(server.run_of(&run.id), before);
    assert_eq!(server.get(&of(&run, "/metrics")).json(), json!([]));
    assert_eq!(server.get(&of(&run, "/outputs")).json(), json!([]));
    let other = server.run_of(&other.id);
    assert_eq!(other.failure.as_ref().unwrap().message, "no data");
    // An ended run may be described further: by tags, and by properties that it has not yet.
    for (properties, status) in [
        (json!({"a": "b"}), 200),
        (json!({"a": "b"}), 200),
        (json!({"a": "c"}), 409),
    ] {
        let answer = server.post(&of(&other, "/properties"), &properties);
        assert_eq!(answer.status, status, "{properties}: {}", answer.text());
    }
    // Ending it again in the same way is no error.
    assert_eq!(
        server
            .post(&of(&other, "/tags"), &json!({"set": {"seen": "1"}}))
            .status,
        200
    );
    assert_eq!(
        server
            .post(&of(&other, "/end"), &json!({"state": "Failed"}))
            .status,
        200
    );
}

#[test]
fn children_end_with_their_parent_and_a_canceled_run_is_over_at_once() {
    let server = Server::start();
    let parent = track(&server, &json!({"id": id(), "experiment": "e"}));
    let child = track(&server, &json!({"id": id(), "parent": parent.id}));
    let grandchild = track(
        &server,
        &json!({"id": id(), "parent": child.id, "experiment": "other"}),
    );
    let done = track(&server, &json!({"id": id(), "parent": parent.id}));
    server.post(&format!("/runs/{}/end", done.id), &json!({"state": "Completed"}));
    assert_eq!(
        (&child.experiment, &child.parent),
        (&parent.experiment, &Some(parent.id.clone()))
    );
    let ids = |path: &str| {
        let list = server.get(path).json();
        let ids = list
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids("/runs"), [parent.id.to_string()]);
    assert_eq!(ids("/runs?children=true").len(), 4);
    assert_eq!(
        ids(&format!("/runs?parent={}", parent.id)),
        [done.id.to_string(), child.id.to_string()]
    );

    let canceled = server
        .post(&format!("/runs/{}/cancel", parent.id), &Value::Null)
        .json();
    assert_eq!(
        (&canceled["state"], &canceled["already_ended"]),
        (&json!("Canceled"), &json!(false))
    );
    for (run, state) in [
        (&parent, "Canceled"),
        (&child, "Canceled"),
        (&grandchild, "Canceled"),
        (&done, "Completed"),
    ] {
        assert_eq!(server.end(&run.id).state.as_str(), state);
    }
    let again = server
        .post(&format!("/runs/{}/cancel", parent.id), &Value::Null)
        .json();
    assert_eq!(again["already_ended"], json!(true));

    // Its client may go on with it; a second request finds it going on.
    for _ in 0..2 {
        let resumed = server
            .post(&format!("/runs/{}/resume", parent.id), &Value::Null)
            .json();
        assert_eq!(
            (&resumed["state"], &resumed["attempt"]),
            (&json!("Running"), &json!(2))
        );
        assert_eq!(
            (&resumed["ended_at"], &resumed["cancel"]),
            (&Value::Null, &Value::Null)
        );
    }
}

#[test]
fn a_run_with_a_process_takes_what_clients_say_and_keeps_it_beside_its_own() {
    let server = Server::start();
    let run = server.submit(
        r#"echo '{"kind":"property","name":"p","value":"own"}' >> "$OUTHAUL_METRICS_FILE"
        echo '{"kind":"scalar","name":"own","value":1}' >> "$OUTHAUL_METRICS_FILE"
        echo own > outputs/own; echo ready; while [ ! -e outputs/go ]; do sleep 0.02; done"#,
    );
    server.has_printed(&run.id);
    let path = |rest: &str| format!("/runs/{}{rest}", run.id);
    let metric = json!([{"kind": "scalar", "name": "client", "value": 2}]);
    assert_eq!(server.post(&path("/metrics"), &metric).status, 204);
    assert_eq!(
        server.post(&path("/properties"), &json!({"q": "client"})).status,
        200
    );
    assert_eq!(put(&server, &run.id, "outputs/client", b"client").status, 200);
    for refused in ["/end", "/resume"] {
        let answer = server.post(&path(refused), &json!({"state": "Completed"}));
        assert!(
            answer.status == 409 && answer.text().contains("when its process ends"),
            "{}",
            answer.text()
        );
    }
    let removed = server.send(
        "DELETE",
        &format!("/api/v1{}", path("/outputs/outputs/client")),
        "",
        b"",
    );
    assert_eq!(removed.status, 409);
    let go = server
        .home()
        .join(format!("targets/local/runs/{}-1/code/outputs/go", run.id));
    std::fs::write(go, "").unwrap();
    let ended = server.end(&run.id);
    assert_eq!(ended.state.as_str(), "Completed");
    assert_eq!(
        ended.properties,
        [("p", "own"), ("q", "client")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into()
    );
    let mut names: Vec<_> = server
        .get(&path("/metrics"))
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|metric| metric["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["client", "own"]);
    let paths: Vec<_> = server
        .get(&path("/outputs"))
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|output| output["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(paths, ["outputs/client", "outputs/go", "outputs/own"]);
}
