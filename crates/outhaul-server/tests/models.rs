//! The model registry as a client of the API meets it: ids, sources, changes, and requests that are wrong.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use outhaul_snapshot::{BlobStore, EntryKind, Tree, TreeEntry};
use outhaul_types::RunId;
use serde_json::{Value, json};
use support::{Answer, Server};

const MODELS: &str = "/workspaces/-/models";

fn id() -> RunId {
    RunId::generate().unwrap()
}

/// A registration from what a run left.
fn of_run(run: &str, name: &str, path: &str) -> Value {
    json!({"id": id(), "name": name, "source": {"kind": "run", "run": run, "path": path}})
}

/// A tree of files with these paths and contents among the artifacts, as the command puts it there.
fn tree(server: &Server, files: &[(&str, &str)]) -> String {
    let store = BlobStore::open(server.home().join("artifacts")).unwrap();
    let entries = files.iter().map(|(path, content)| {
        let put = store.put_bytes(content.as_bytes()).unwrap();
        TreeEntry {
            path: (*path).to_owned(),
            kind: EntryKind::File {
                hash: put.hash,
                size: put.size,
                executable: false,
            },
        }
    });
    store
        .put_tree(&Tree::new(entries.collect()).unwrap())
        .unwrap()
        .to_hex()
}

fn of_tree(tree: &str) -> Value {
    json!({"id": id(), "name": "m", "source": {"kind": "tree", "tree": tree, "path": "/somewhere/m"}})
}

fn change(server: &Server, method: &str, model: &str, body: &Value) -> Answer {
    let path = format!("/api/v1{MODELS}/{model}");
    let body = serde_json::to_vec(body).unwrap();
    server.send(method, &path, "content-type: application/json\r\n", &body)
}

fn count(server: &Server) -> usize {
    server.get(MODELS).json().as_array().unwrap().len()
}

#[test]
fn the_same_id_registers_once_also_after_a_restart() {
    let mut server = Server::start();
    let run = server.submit("mkdir outputs/net && echo w > outputs/net/w");
    server.end(&run.id);
    let request = of_run(run.id.as_str(), "churn", "outputs/net");
    let first = server.post(MODELS, &request);
    assert_eq!((first.status, &first.json()["version"]), (201, &json!(1)));
    let changed = change(&server, "PATCH", "churn:1", &json!({"set_tags": {"a": "1"}}));
    assert_eq!(changed.status, 200);
    server.stop();
    server.run();
    let again = server.post("/workspaces/default/models", &request);
    assert_eq!((again.status, again.json()), (200, changed.json()));
    let mut other = request.clone();
    other["name"] = json!("other");
    assert_eq!(server.post(MODELS, &other).status, 409);
    assert_eq!(count(&server), 1);

    // Deleted: neither the number nor the id comes again.
    assert_eq!(change(&server, "DELETE", "churn:1", &json!(null)).status, 204);
    assert_eq!(server.post(MODELS, &request).status, 409);
    let next = server.post(MODELS, &of_run(run.id.as_str(), "churn", "outputs/net/w"));
    assert_eq!((next.status, &next.json()["version"]), (201, &json!(2)));
}

#[test]
fn files_are_given_out_by_their_paths() {
    let server = Server::start();
    let id = tree(&server, &[("net/a b", "1"), ("net/deep/w", "22")]);
    let made = server.post(MODELS, &of_tree(&id)).json();
    assert_eq!(
        made["files"],
        json!({"tree": id, "entry": "net", "files": 2, "bytes": 3})
    );
    assert_eq!(made["origin"], json!({"kind": "path", "path": "/somewhere/m"}));
    let shown = server.get(&format!("{MODELS}/m")).json();
    assert_eq!((&shown["model"], &shown["lineage"]), (&made, &Value::Null));
    let file = server.get(&format!("{MODELS}/m:1/files/net/a%20b"));
    assert_eq!((file.status, file.text().as_str()), (200, "1"));
    for (path, hint) in [
        ("net/deep/v", "did you mean `net/deep/w`?"),
        ("net", "outhaul model show"),
    ] {
        let missing = server.get(&format!("{MODELS}/m/files/{path}"));
        assert_eq!(missing.status, 404, "{path}");
        assert!(
            missing.json()["hint"].as_str().unwrap().contains(hint),
            "{}",
            missing.json()
        );
    }
}

#[test]
fn wrong_requests_are_one_clear_error_and_change_nothing() {
    let server = Server::start();
    let run = server.submit("echo w > outputs/w");
    server.end(&run.id);
    let run = run.id.as_str();
    let with = |key: &str, value: Value| {
        let mut body = of_run(run, "m", "outputs/w");
        body[key] = value;
        body
    };
    let lost = tree(&server, &[("m/w", "soon lost")]);
    let hash = blake3::hash(b"soon lost").to_hex();
    std::fs::remove_file(server.home().join("artifacts").join(&hash[..2]).join(&hash[2..])).unwrap();
    for (body, status, says) in [
        (json!({}), 400, "missing field `id`"),
        (with("colour", json!("red")), 400, "unknown field `colour`"),
        (with("id", json!("x")), 400, "not a run id"),
        (with("name", json!("a/b")), 400, "model name `a/b`"),
        (with("tags", json!({"a=b": "x"})), 400, "tag name `a=b`"),
        (with("properties", json!({"": "x"})), 400, "name of a property"),
        (with("framework", json!("")), 400, "the framework must be"),
        (of_run("zzzz", "m", "outputs/w"), 404, "no run `zzzz`"),
        (of_run(run, "m", "outputs/v"), 404, "`outputs/v`"),
        (
            of_run(run, "m", "/etc/passwd"),
            400,
            "cannot be the path of an output",
        ),
        (of_tree("../../outhaul.db"), 400, "not among the artifacts"),
        (of_tree(&"0".repeat(64)), 400, "not among the artifacts"),
        (of_tree(&tree(&server, &[])), 400, "the folder is empty"),
        (
            of_tree(&tree(&server, &[("a", ""), ("b", "")])),
            400,
            "one file or one folder",
        ),
        (of_tree(&lost), 400, "`m/w` is missing"),
    ] {
        let answer = server.post(MODELS, &body);
        let error = answer.json();
        assert_eq!(answer.status, status, "{body}: {error}");
        assert!(
            error["message"].as_str().unwrap().contains(says),
            "{error} does not say {says:?}"
        );
    }
    assert_eq!(
        server
            .post("/workspaces/none/models", &of_run(run, "m", "outputs/w"))
            .status,
        404
    );
    assert_eq!(count(&server), 0);

    let good = with("properties", json!({"p": "1"}));
    assert_eq!(server.post(MODELS, &good).status, 201);
    let before = server.get(&format!("{MODELS}/m:1")).json();
    for (method, model, body, status) in [
        ("PATCH", "m", json!({"set_tags": {"a": "1"}}), 400),
        ("PATCH", "m:2", json!({"set_tags": {"a": "1"}}), 404),
        ("PATCH", "m:1", json!({"version": 2}), 400),
        (
            "PATCH",
            "m:1",
            json!({"set_tags": {"a": "1"}, "add_properties": {"p": "2"}}),
            409,
        ),
        ("DELETE", "m", json!(null), 400),
        ("DELETE", "m:01x", json!(null), 400),
        ("DELETE", "n:1", json!(null), 404),
    ] {
        let answer = change(&server, method, model, &body);
        assert_eq!(
            answer.status,
            status,
            "{method} {model} {body}: {}",
            answer.text()
        );
    }
    assert_eq!(server.get(&format!("{MODELS}?name=m&colour=red")).status, 400);
    assert_eq!(server.get(&format!("{MODELS}/m:1")).json(), before);
}

#[test]
fn a_run_of_another_workspace_is_refused() {
    let server = Server::start();
    let run = server.submit("echo w > outputs/w");
    server.end(&run.id);
    let made = server.send(
        "PUT",
        "/api/v1/workspaces/second",
        "content-type: application/json\r\n",
        b"{}",
    );
    assert_eq!(made.status, 200);
    let request = of_run(run.id.as_str(), "m", "outputs/w");
    let answer = server.post("/workspaces/second/models", &request);
    assert_eq!(answer.status, 400);
    let error = answer.json();
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("is in workspace `default`"),
        "{error}"
    );
    assert_eq!(server.get("/workspaces/second/models").json(), json!([]));
}
