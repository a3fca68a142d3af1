//! The API as a client meets it: the document against the routes, and requests that are wrong.

mod support;

use serde_json::{Value, json};
use support::Server;

/// Fills the placeholders of a documented path with names of things that are there.
fn path(template: &str, run: &str) -> String {
    template
        .replace("{run}", run)
        .replace("{array}", run)
        .replace("{job}", "1")
        .replace("{workspace}", "default")
        .replace("{target}", "local")
        .replace("{name}", "none")
        .replace("{model}", "none")
        .replace("{hash}", &"0".repeat(64))
        .replace("{*path}", "outputs/x")
        .replace("{path}", "outputs/x")
}

#[test]
fn every_documented_route_is_there_and_answers_as_documented() {
    let server = Server::start();
    let run = server.submit("echo x > outputs/x");
    server.end(&run.id);
    let document: Value = serde_json::from_str(&outhaul_server::openapi()).unwrap();
    assert_eq!(server.get("/openapi.json").json(), document);
    let routes = outhaul_server::routes();
    assert!(routes.len() >= 25, "{routes:?}");
    for (method, template) in routes
        .into_iter()
        .filter(|(_, path)| !path.ends_with("/server/stop"))
    {
        let body: Value = match template.rsplit('/').next().unwrap() {
            "runs" => server.submission("true"),
            "plan" => server.submission("true"),
            "rerun" => json!({"id": outhaul_types::RunId::generate().unwrap()}),
            "build" => json!({"environment": {"kind": "named", "name": "none"}}),
            "environments" => json!({"name": "e", "spec": {}}),
            "tracked" => json!({"id": outhaul_types::RunId::generate().unwrap(), "experiment": "e"}),
            "end" => json!({"state": "Completed"}),
            "metrics" => json!([]),
            "properties" => json!({}),
            _ => json!({}),
        };
        let body = if method == "GET" {
            Vec::new()
        } else {
            serde_json::to_vec(&body).unwrap()
        };
        let answer = server.send(
            &method,
            &path(&template, run.id.as_str()),
            "content-type: application/json\r\n",
            &body,
        );
        let text = String::from_utf8_lossy(&answer.body);
        assert!(
            !text.contains("there is no route"),
            "{method} {template} is documented and not there"
        );
        let documented = &document["paths"][&template][method.to_lowercase()]["responses"];
        assert!(
            documented.get(answer.status.to_string()).is_some(),
            "{method} {template} answers {}, which is not documented: {text}",
            answer.status
        );
        assert!(answer.head.contains("outhaul-build: test"), "{method} {template}");
    }
}

#[test]
fn every_route_is_documented_with_what_it_takes_and_gives() {
    let document: Value = serde_json::from_str(&outhaul_server::openapi()).unwrap();
    for (method, path) in outhaul_server::routes() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        assert!(
            operation["summary"].is_string() || operation["description"].is_string(),
            "{method} {path} says nothing"
        );
        assert!(
            operation["responses"]
                .as_object()
                .is_some_and(|responses| !responses.is_empty()),
            "{method} {path}"
        );
    }
}

#[test]
fn wrong_requests_get_one_clear_error_and_change_nothing() {
    let server = Server::start();
    let good = server.submission("true");
    let with = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    for (body, status, says) in [
        (json!({}), 400, "missing field `id`"),
        (with("id", json!("../../x")), 400, "not a run id"),
        (with("colour", json!("red")), 400, "unknown field `colour`"),
        (
            with("target", json!("locla")),
            404,
            "there is no compute target `locla`",
        ),
        (
            with("workspace", json!("nowhere")),
            404,
            "there is no workspace `nowhere`",
        ),
        (
            with("experiment", json!("a/b")),
            400,
            "experiment name `a/b` is not allowed",
        ),
        (with("name", json!("-x")), 400, "run name `-x` is not allowed"),
        (with("tags", json!({"": "x"})), 400, "tag name"),
        (
            with("variables", json!({"A-B": "x"})),
            400,
            "`A-B` cannot be the name of an environment variable",
        ),
        (
            with("variables", json!({"OUTHAUL_RUN_ID": "x"})),
            400,
            "set by outhaul itself",
        ),
        (
            with("command", json!({"kind": "program", "argv": []})),
            400,
            "the command is empty",
        ),
        (
            with("command", json!({"kind": "script", "script": "../x.py"})),
            400,
            "not inside the source folder",
        ),
        (
            with("command", json!({"kind": "script", "script": "x.py"})),
            400,
            "not in the snapshot",
        ),
        (
            with("environment", json!({"kind": "named", "name": "e"})),
            404,
            "there is no environment `e`",
        ),
        (
            {
                let mut body = with(
                    "environment",
                    json!({"kind": "spec", "spec": {"conda": ["numpy"]}}),
                );
                body["conda"] = json!("refuse");
                body
            },
            422,
            "numpy",
        ),
        (
            with(
                "snapshot",
                json!({"tree": "0", "files": 0, "bytes": 0, "source": ""}),
            ),
            400,
            "not the id of a source tree",
        ),
        (
            with(
                "snapshot",
                json!({"tree": "0".repeat(64), "files": 0, "bytes": 0, "source": ""}),
            ),
            400,
            "cannot be read",
        ),
    ] {
        let answer = server.post("/runs", &body);
        let error = answer.json();
        assert_eq!(answer.status, status, "{error}");
        assert!(
            error["message"].as_str().unwrap().contains(says),
            "{error} does not say {says:?}"
        );
    }
    let hint = server.post("/runs", &with("target", json!("locla"))).json()["hint"].clone();
    assert_eq!(hint, json!("did you mean `local`?"));
    assert_eq!(server.get("/runs").json(), json!([]), "nothing was changed");
    let not_json = server.send(
        "POST",
        "/api/v1/runs",
        "content-type: application/json\r\n",
        b"{nonsense",
    );
    assert_eq!(
        (not_json.status, not_json.json()["code"].clone()),
        (400, json!("bad_request"))
    );
    let no_route = server.get("/nonsense");
    assert_eq!(
        (no_route.status, no_route.json()["code"].clone()),
        (404, json!("not_found"))
    );
    let no_method = server.send("DELETE", "/api/v1/runs", "", b"");
    assert_eq!(
        (no_method.status, no_method.json()["code"].clone()),
        (400, json!("bad_request"))
    );
    for (query, says) in [
        ("?state=Runing", "`Running`"),
        ("?nonsense=1", "nonsense"),
        ("?limit=many", "limit"),
        ("?target=x", "compute target"),
    ] {
        let answer = server.get(&format!("/runs{query}"));
        assert!(answer.status == 400 || answer.status == 404, "{query}");
        assert!(answer.text().contains(says), "{query}: {}", answer.text());
    }
}

#[test]
fn a_plan_needs_nothing_stored_and_stores_nothing() {
    let server = Server::start();
    let mut body = server.submission("echo hello");
    body["snapshot"]["tree"] = json!("0".repeat(64));
    let answer = server.post("/runs/plan", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["command"], json!(["sh", "-c", "echo hello"]));
    assert_eq!(server.get("/runs").json(), json!([]));
}

#[test]
fn submitting_the_same_id_twice_makes_one_run() {
    let server = Server::start();
    let body = server.submission("echo once >> outputs/count");
    let first = server.post("/runs", &body);
    let again = server.post("/runs", &body);
    assert_eq!((first.status, again.status), (201, 200));
    let mut other = body.clone();
    other["experiment"] = json!("another");
    assert_eq!(
        server.post("/runs", &other).status,
        409,
        "the id is taken by another run"
    );
    let id = serde_json::from_value(body["id"].clone()).unwrap();
    server.end(&id);
    assert_eq!(
        server.get(&format!("/runs/{id}/outputs/outputs/count")).text(),
        "once\n"
    );
    assert_eq!(server.get("/runs").json().as_array().unwrap().len(), 1);
}

#[test]
fn an_array_is_submitted_whole_once_or_not_at_all() {
    let server = Server::start();
    let mut body = server.submission("exit $OUTHAUL_ARRAY_INDEX");
    body["array"] = json!("0-4:2%1");
    let id = body["id"].as_str().unwrap().to_owned();
    let first = server.post("/arrays", &body);
    assert_eq!(first.status, 201, "{}", first.text());
    let first = first.json();
    assert_eq!(
        (&first["id"], first["runs"].as_array().unwrap().len()),
        (&json!(id), 3)
    );
    // The answer was lost, and it is asked again.
    let again = server.post("/arrays", &body);
    assert_eq!(
        (again.status, &again.json()["runs"][2]["run"]["id"]),
        (200, &first["runs"][2]["run"]["id"])
    );
    assert_eq!(server.get("/runs").json().as_array().unwrap().len(), 3);
    body["array"] = json!("0-9");
    assert_eq!(
        server.post("/arrays", &body).status,
        409,
        "another array with this id"
    );
    for (index, code) in [(0, 0), (1, 2), (2, 4)] {
        let run = first["runs"][index]["run"]["id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(server.end(&run).exit_code(), Some(code));
    }
    let member = first["runs"][1]["run"]["id"].as_str().unwrap();
    let shown = server.get(&format!("/arrays/{member}")).json();
    assert_eq!(
        (&shown["id"], &shown["runs"][2]["index"]),
        (&json!(id), &json!(4))
    );

    let mut body = server.submission("true");
    for array in [json!("3-1"), json!(""), json!("0-10000"), json!(null)] {
        body["array"] = array;
        let answer = server.post("/arrays", &body);
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    body["array"] = json!("0-1");
    assert_eq!(server.post("/runs", &body).status, 400, "one run is no array");
    assert_eq!(server.get("/runs").json().as_array().unwrap().len(), 3);
}
