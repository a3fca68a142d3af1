//! The door for MLflow: who may come in, and the routes as a client without MLflow's code meets them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use outhaul_types::RunId;
use serde_json::{Value, json};
use support::{PATIENCE, Server};

/// A client with an address and a token.
struct Client {
    uri: String,
    token: Option<String>,
}

impl Client {
    fn of(server: &Server, workspace: &str) -> Self {
        let door = server
            .post(&format!("/mlflow/open?workspace={workspace}"), &Value::Null)
            .json();
        let token = server
            .post("/mlflow/token", &json!({"workspace": workspace}))
            .json();
        Self {
            uri: door["uri"].as_str().unwrap().to_owned(),
            token: Some(token["token"].as_str().unwrap().to_owned()),
        }
    }

    fn with_token(&self, token: Option<&str>) -> Self {
        Self {
            uri: self.uri.clone(),
            token: token.map(str::to_owned),
        }
    }

    fn send(&self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let rest = self.uri.strip_prefix("http://").unwrap();
        let (address, prefix) = rest.split_once('/').unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let authorization = self
            .token
            .as_ref()
            .map(|token| format!("authorization: Bearer {token}\r\n"))
            .unwrap_or_default();
        let head = format!(
            "{method} /{prefix}{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n{authorization}\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let (status, text) = self.send("GET", &format!("/api/2.0/mlflow/{path}"), b"");
        (
            status,
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text}")),
        )
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.send(
            "POST",
            &format!("/api/2.0/mlflow/{path}"),
            &serde_json::to_vec(body).unwrap(),
        );
        (
            status,
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text}")),
        )
    }

    fn done(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.post(path, body);
        assert_eq!(status, 200, "{path} {body}: {answer}");
        answer
    }

    fn new_run(&self) -> String {
        let run = self.done("runs/create", &json!({"experiment_id": "0", "run_name": "r"}));
        run["run"]["info"]["run_id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn nobody_comes_in_without_the_workspaces_token() {
    let server = Server::start();
    assert_eq!(server.get("/mlflow").json()["open"], json!(false));
    server.send(
        "PUT",
        "/api/v1/workspaces/team",
        "content-type: application/json\r\n",
        b"{}",
    );
    let client = Client::of(&server, "default");
    let team = Client::of(&server, "team");
    let run = client.new_run();
    let token = client.token.clone().unwrap();
    let path = format!("runs/get?run_id={run}");
    for (name, client, status, code) in [
        ("none", client.with_token(None), 401, "UNAUTHENTICATED"),
        ("empty", client.with_token(Some("")), 401, "UNAUTHENTICATED"),
        (
            "cut",
            client.with_token(Some(&token[..token.len() - 1])),
            401,
            "UNAUTHENTICATED",
        ),
        (
            "other workspace's",
            client.with_token(team.token.as_deref()),
            403,
            "PERMISSION_DENIED",
        ),
        ("right", client.with_token(Some(&token)), 200, ""),
    ] {
        let (got, answer) = client.get(&path);
        assert_eq!(got, status, "{name}: {answer}");
        assert_eq!(answer["error_code"].as_str().unwrap_or_default(), code, "{name}");
    }
    // A run of another workspace is not there.
    assert_eq!(team.get(&path).0, 404);
    assert_eq!(client.with_token(None).send("GET", "/health", b"").0, 200);
    // The rest of the API is not behind the door.
    for path in [
        "/api/v1/runs",
        "/api/2.0/mlflow/../../../api/v1/runs",
        "/api/2.0/mlflow/runs/colour",
    ] {
        let (status, text) = client.send("GET", path, b"");
        assert!(
            status == 404 && text.contains("ENDPOINT_NOT_FOUND"),
            "{path}: {text}"
        );
    }
    let renewed = server.post("/mlflow/token", &json!({"renew": true})).json();
    assert_eq!(client.get(&path).0, 401);
    assert_eq!(client.with_token(renewed["token"].as_str()).get(&path).0, 200);
}

#[test]
fn the_door_stays_where_it_is_until_it_is_closed() {
    let mut server = Server::start();
    let client = Client::of(&server, "default");
    let run = client.new_run();
    let path = format!("runs/get?run_id={run}");
    server.stop();
    server.run();
    let door = server.get("/mlflow").json();
    assert_eq!((&door["open"], &door["uri"]), (&json!(true), &json!(client.uri)));
    assert_eq!(client.get(&path).0, 200);
    // Nothing on the disk holds a token or what it is made from.
    let mark = client
        .token
        .as_ref()
        .unwrap()
        .rsplit_once('.')
        .unwrap()
        .1
        .to_owned();
    let mut folders = vec![server.home()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let bytes = std::fs::read(entry.path()).unwrap_or_default();
                assert!(
                    !String::from_utf8_lossy(&bytes).contains(&mark),
                    "{}",
                    entry.path().display()
                );
            }
        }
    }
    assert_eq!(
        server.post("/mlflow/close", &Value::Null).json()["open"],
        json!(false)
    );
    server.stop();
    server.run();
    assert_eq!(server.get("/mlflow").json()["uri"], Value::Null);
    let address = client
        .uri
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap()
        .0
        .to_owned();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn wrong_requests_get_errors_of_the_protocol() {
    let server = Server::start();
    let client = Client::of(&server, "default");
    let run = client.new_run();
    client.done(
        "runs/log-parameter",
        &json!({"run_id": run, "key": "p", "value": "1"}),
    );
    client.done(
        "runs/log-parameter",
        &json!({"run_id": run, "key": "p", "value": "1"}),
    );
    client.done("experiments/create", &json!({"name": "taken"}));
    for (path, body, status, code, says) in [
        (
            "runs/log-metric",
            json!({"key": "a", "value": 1}),
            400,
            "INVALID_PARAMETER_VALUE",
            "`run_id`",
        ),
        (
            "runs/log-metric",
            json!({"run_id": "zzz", "key": "a", "value": 1}),
            404,
            "RESOURCE_DOES_NOT_EXIST",
            "zzz",
        ),
        (
            "runs/log-metric",
            json!({"run_id": run, "key": "a", "value": "high"}),
            400,
            "INVALID_PARAMETER_VALUE",
            "number",
        ),
        (
            "runs/log-metric",
            json!({"run_id": run, "key": "a", "value": 1, "step": "x"}),
            400,
            "INVALID_PARAMETER_VALUE",
            "whole number",
        ),
        (
            "runs/log-parameter",
            json!({"run_id": run, "key": "p", "value": "2"}),
            400,
            "INVALID_PARAMETER_VALUE",
            "`p`",
        ),
        (
            "runs/log-batch",
            json!({"run_id": run, "params": [{"key": "q", "value": "1"}, {"key": "p", "value": "3"}], "metrics": [{"key": "m", "value": 1}]}),
            400,
            "INVALID_PARAMETER_VALUE",
            "`p`",
        ),
        (
            "runs/log-batch",
            json!({"run_id": run, "tags": [{"key": "a=b", "value": "1"}]}),
            400,
            "INVALID_PARAMETER_VALUE",
            "tag name",
        ),
        (
            "runs/delete-tag",
            json!({"run_id": run, "key": "none"}),
            404,
            "RESOURCE_DOES_NOT_EXIST",
            "`none`",
        ),
        (
            "runs/update",
            json!({"run_id": run, "status": "DONE"}),
            400,
            "INVALID_PARAMETER_VALUE",
            "`DONE`",
        ),
        (
            "runs/create",
            json!({"experiment_id": "77"}),
            404,
            "RESOURCE_DOES_NOT_EXIST",
            "`77`",
        ),
        (
            "runs/search",
            json!({"experiment_ids": ["0"], "filter": "colour = 'red'"}),
            400,
            "INVALID_PARAMETER_VALUE",
            "colour",
        ),
        (
            "runs/search",
            json!({"experiment_ids": ["0"], "page_token": "x"}),
            400,
            "INVALID_PARAMETER_VALUE",
            "page token",
        ),
        (
            "experiments/create",
            json!({"name": "taken"}),
            400,
            "RESOURCE_ALREADY_EXISTS",
            "`taken`",
        ),
        (
            "experiments/delete",
            json!({"experiment_id": "0"}),
            400,
            "INVALID_PARAMETER_VALUE",
            "default",
        ),
        (
            "registered-models/create",
            json!({"name": "m"}),
            501,
            "NOT_IMPLEMENTED",
            "model registry",
        ),
        (
            "logged-models",
            json!({"experiment_id": "0", "source_run_id": "none"}),
            404,
            "RESOURCE_DOES_NOT_EXIST",
            "none",
        ),
    ] {
        let (got, answer) = client.post(path, &body);
        assert_eq!(
            (got, answer["error_code"].as_str().unwrap()),
            (status, code),
            "{path} {body}: {answer}"
        );
        assert!(
            answer["message"].as_str().unwrap().contains(says),
            "{path} {body}: {answer}"
        );
    }
    let (_, answer) = client.get(&format!("runs/get?run_id={run}"));
    assert_eq!(
        answer["run"]["data"]["params"],
        json!([{"key": "p", "value": "1"}])
    );
    assert_eq!(answer["run"]["data"]["metrics"], json!([]));
    let path = format!("/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/..%2f..%2fx");
    assert_eq!(client.send("PUT", &path, b"x").0, 400);
}

#[test]
fn runs_of_both_ways_are_one_kind_of_run() {
    let server = Server::start();
    let client = Client::of(&server, "default");
    let ours = server.submit(
        r#"echo '{"kind":"scalar","name":"loss","value":0.25,"step":3}' >> "$OUTHAUL_METRICS_FILE"; echo x > outputs/x
        echo "$MLFLOW_RUN_ID $MLFLOW_EXPERIMENT_NAME $MLFLOW_TRACKING_URI ${#MLFLOW_TRACKING_TOKEN}"
        grep -c "$MLFLOW_TRACKING_TOKEN" ../launch.sh; tr '\0' '\n' < /proc/$$/cmdline | grep -c "$MLFLOW_TRACKING_TOKEN""#,
    );
    assert_eq!(
        server.end(&ours.id).state.as_str(),
        "Failed",
        "`grep` finds nothing, which is its failure"
    );
    let log = server
        .get(&format!("/runs/{}/logs?stream=stdout", ours.id))
        .text();
    let lines: Vec<&str> = log.lines().collect();
    let token = format!("r-{}-1.", ours.id).len() + 64;
    assert_eq!(
        lines,
        [
            format!("{} tests {} {token}", ours.id, client.uri).as_str(),
            "0",
            "0"
        ]
    );

    let run = client.new_run();
    let metric = |value: f64, step: u64| json!({"key": "loss", "value": value, "timestamp": 5, "step": step});
    let batch = json!({"run_id": run, "metrics": [metric(0.5, 1), metric(0.75, 2)], "params": [{"key": "p", "value": "1"}], "tags": [{"key": "t", "value": "1"}]});
    client.done("runs/log-batch", &batch);
    client.done("runs/log-batch", &batch);
    let path = format!("/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/a/b.txt");
    assert_eq!(client.send("PUT", &path, b"hello").0, 200);
    assert_eq!(client.send("GET", &path, b""), (200, "hello".into()));
    client.done("runs/update", &json!({"run_id": run, "status": "FINISHED"}));

    // Theirs in our lists.
    let id: RunId = run.parse().unwrap();
    let seen = server.run_of(&id);
    assert_eq!(
        (
            seen.state.as_str(),
            seen.experiment.as_str(),
            seen.properties["p"].as_str()
        ),
        ("Completed", "Default", "1")
    );
    assert_eq!(
        server
            .get(&format!("/runs/{run}/metrics"))
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        server.get(&format!("/runs/{run}/outputs")).json()[0]["path"],
        json!("a/b.txt")
    );
    // Ours in theirs.
    let (_, experiment) = client.get("experiments/get-by-name?experiment_name=tests");
    let experiment = &experiment["experiment"]["experiment_id"];
    for (filter, expected) in [
        ("metrics.loss < 0.6", vec![ours.id.to_string()]),
        ("metrics.loss > 0.6", vec![run.clone()]),
        ("status = 'FAILED'", vec![ours.id.to_string()]),
        ("tags.`outhaul.target` = 'local'", vec![ours.id.to_string()]),
        ("params.p = '1' AND tags.t = '1'", vec![run.clone()]),
        ("", vec![run.clone(), ours.id.to_string()]),
    ] {
        let found = client.done(
            "runs/search",
            &json!({"experiment_ids": ["0", experiment], "filter": filter}),
        );
        let ids: Vec<_> = found["runs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|run| run["info"]["run_id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ids, expected, "{filter}");
    }
    let (_, listed) = client.get(&format!("artifacts/list?run_id={}&path=outputs", ours.id));
    assert_eq!(
        listed["files"],
        json!([{"path": "outputs/x", "is_dir": false, "file_size": 2}])
    );
    // A canceled run tells its client.
    let other = client.new_run();
    server.post(&format!("/runs/{other}/cancel"), &Value::Null);
    let (status, answer) = client.post(
        "runs/log-metric",
        &json!({"run_id": other, "key": "a", "value": 1}),
    );
    assert_eq!((status, &answer["error_code"]), (400, &json!("INVALID_STATE")));
}

#[test]
fn a_runs_token_ends_with_it() {
    let server = Server::start();
    let client = Client::of(&server, "default");
    let run =
        server.submit(r#"echo "$MLFLOW_TRACKING_TOKEN"; while [ ! -e outputs/go ]; do sleep 0.02; done"#);
    server.has_printed(&run.id);
    let token = server
        .get(&format!("/runs/{}/logs?stream=stdout", run.id))
        .text()
        .trim()
        .to_owned();
    let own = client.with_token(Some(&token));
    own.done(
        "runs/log-metric",
        &json!({"run_id": run.id, "key": "a", "value": 1}),
    );
    // Its end is not MLflow's to tell.
    let told = own.done("runs/update", &json!({"run_id": run.id, "status": "FINISHED"}));
    assert_eq!(told["run_info"]["status"], json!("RUNNING"));
    std::fs::write(
        server
            .home()
            .join(format!("targets/local/runs/{}-1/code/outputs/go", run.id)),
        "",
    )
    .unwrap();
    assert_eq!(server.end(&run.id).state.as_str(), "Completed");
    assert_eq!(own.get(&format!("runs/get?run_id={}", run.id)).0, 401);
    assert_eq!(
        server.get(&format!("/runs/{}/metrics", run.id)).json()[0]["name"],
        json!("a")
    );
}
