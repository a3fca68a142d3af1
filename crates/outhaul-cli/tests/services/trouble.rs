//! What cannot be served, and what is refused.

use serde_json::Value;

use crate::support::{Bench, SCORE, Said};

#[test]
fn scripts_that_cannot_be_served_end_in_failed_with_their_traceback() {
    let bench = Bench::new();
    for (script, words) in [
        ("def init(:\n", "SyntaxError"),
        ("def init(): pass\n", "run"),
        (
            "def init():\n    import not_there\ndef run(data): pass\n",
            "No module named 'not_there'",
        ),
        (
            "import pickle\ndef init():\n    pickle.loads(b'garbage')\ndef run(data): pass\n",
            "UnpicklingError",
        ),
    ] {
        bench.home.write("deploy/score.py", script);
        let failed = bench.deploy("churn-api", &[]);
        assert_eq!(failed.code, Some(2), "{failed}");
        assert!(failed.said().contains("did not come up"), "{failed}");
        assert!(failed.said().contains(words), "{words}: {failed}");
        assert_eq!(bench.show("churn-api")["state"], "Failed");
        bench.delete("churn-api");
    }
    // One that has failed comes up by an update.
    bench.home.write("deploy/score.py", "def init(): 1/0\n");
    assert_eq!(bench.deploy("churn-api", &[]).code, Some(2));
    bench.home.write("deploy/score.py", SCORE);
    let _ = bench.home.call(["service", "reload", "churn-api"]).success();
    assert_eq!(bench.show("churn-api")["state"], "Healthy");
    assert_eq!(bench.show("churn-api")["error"], Value::Null);
    bench.delete("churn-api");
}

#[test]
fn wrong_requests_change_nothing() {
    let bench = Bench::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (words, says) in [
        (
            &["deploy", "local", "Churn", "--entry", "deploy/score.py"][..],
            "service name `Churn` is not allowed",
        ),
        (&["deploy", "local", "churn-api"], "no entry script"),
        (
            &["deploy", "local", "churn-api", "--entry", "none.py"],
            "no entry script `none.py`",
        ),
        (
            &["deploy", "local", "churn-api", "--entry", "model.txt"],
            "does not end in `.py`",
        ),
        (
            &[
                "deploy",
                "local",
                "churn-api",
                "--entry",
                "deploy/score.py",
                "--port",
                &port,
            ],
            "Address already in use",
        ),
        (
            &[
                "deploy",
                "local",
                "churn-api",
                "--entry",
                "deploy/score.py",
                "--model",
                "./none.pkl",
            ],
            "no model file or folder",
        ),
        (
            &[
                "deploy",
                "local",
                "churn-api",
                "--entry",
                "deploy/score.py",
                "--model",
                "churn",
            ],
            "model `churn`",
        ),
        (
            &[
                "deploy",
                "local",
                "churn-api",
                "--entry",
                "deploy/score.py",
                "--environment",
                "none:1",
            ],
            "environment",
        ),
        (
            &["service", "update", "churn-api", "--workers", "2"],
            "no web service `churn-api`",
        ),
        (&["service", "reload", "churn-api"], "no web service `churn-api`"),
    ] {
        let answer = bench.home.call(words);
        assert_eq!(answer.code, Some(2), "{words:?}: {answer}");
        assert!(answer.said().contains(says), "{words:?}: {answer}");
    }
    assert_eq!(bench.home.json(["service", "list"]), serde_json::json!([]));
    assert_eq!(bench.home.json(["runs", "list"]), serde_json::json!([]));
}
