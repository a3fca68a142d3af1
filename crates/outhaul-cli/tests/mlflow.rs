//! MLflow's own client, unmodified, from the package index: from a laptop, and inside a run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use outhaul_testkit::home::Home;
use serde_json::Value;

/// The clients that are tried: the newest, and the last line before logged models.
const CLIENTS: [(&str, &str); 2] = [("3", "mlflow-skinny>=3,<4"), ("2", "mlflow-skinny>=2.20,<3")];
/// What else `mlflow.sklearn` needs, which the whole package `mlflow` would bring along with its server.
const OTHERS: [&str; 3] = ["scikit-learn", "pandas", "skops"];

/// The interpreter of a virtual environment with a client and scikit-learn. It is built once for each target folder.
fn client(name: &str, requirement: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mlflow-{name}"));
    let python = folder.join("bin/python");
    // Tests are processes of their own and build at the same time.
    let lock = std::fs::File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let wanted = format!("{requirement} {}", OTHERS.join(" "));
    let complete = folder.join("complete");
    if std::fs::read_to_string(&complete).is_ok_and(|built| built == wanted) {
        return python;
    }
    let _ = std::fs::remove_dir_all(&folder);
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--disable-pip-version-check",
        requirement,
    ];
    run(Command::new(&python).args(install).args(OTHERS));
    std::fs::write(complete, wanted).unwrap();
    python
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

/// What the client is started with: the address and the token as a person would set them.
fn with_door(home: &Home, python: &Path) -> Command {
    let said = |arguments: [&str; 2]| {
        String::from_utf8(home.call(arguments).success().stdout)
            .unwrap()
            .trim()
            .to_owned()
    };
    let mut command = Command::new(python);
    command
        .env("MLFLOW_TRACKING_URI", said(["mlflow", "uri"]))
        .env("MLFLOW_TRACKING_TOKEN", said(["mlflow", "token"]))
        .env("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .current_dir(home.work());
    command
}

fn laptop(name: &str, requirement: &str) {
    let home = Home::new(env!("CARGO_BIN_EXE_outhaul"));
    let script = home.write("laptop.py", include_str!("mlflow/laptop.py"));
    let output = with_door(&home, &client(name, requirement))
        .arg(script)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8(output.stdout).unwrap();
    let facts: Value = serde_json::from_str(said.trim_end().lines().last().unwrap()).unwrap();
    let of = |name: &str| facts[name].as_str().unwrap();
    assert!(of("version").starts_with(name));

    let run = home.json(["runs", "show", of("run")]);
    assert_eq!(
        (&run["state"], &run["target"], &run["experiment"]),
        (&"Completed".into(), &"-".into(), &"My-first-try".into())
    );
    assert_eq!(run["properties"]["alpha"], "0.5");
    let metrics = home.json(["runs", "metrics", of("run")]);
    let mse = metrics
        .as_array()
        .unwrap()
        .iter()
        .filter(|metric| metric["name"] == "mse");
    assert_eq!(mse.count(), 5);
    let outputs = home.json(["runs", "outputs", of("run")]);
    let paths: Vec<_> = outputs
        .as_array()
        .unwrap()
        .iter()
        .map(|output| output["path"].as_str().unwrap())
        .collect();
    assert!(
        paths.contains(&"notes/hello.txt") && paths.iter().any(|path| path.ends_with("/MLmodel")),
        "{paths:?}"
    );
    assert_eq!(home.json(["runs", "show", of("child")])["parent"], of("run"));
    let broken = home.json(["runs", "show", of("broken")]);
    assert_eq!(
        (&broken["state"], &broken["attempt"]),
        (&"Completed".into(), &2.into())
    );
    assert_eq!(home.json(["runs", "show", of("default")])["state"], "Canceled");
    let listed = home.json(["runs", "list", "--experiment", "autolog"]);
    assert_eq!(listed[0]["id"], of("auto"));

    // Nothing of it is lost with a server that is killed, and the next one is found at the same address.
    let uri = home.json(["mlflow", "uri"]);
    assert_eq!(home.kill_server(), 1);
    assert_eq!(home.json(["mlflow", "status"]), uri);
    assert_eq!(home.json(["runs", "show", of("run")]), run);
    assert_eq!(home.json(["runs", "metrics", of("run")]), metrics);
}

#[test]
fn the_newest_client_logs_from_a_laptop() {
    laptop(CLIENTS[0].0, CLIENTS[0].1);
}

#[test]
fn a_client_of_the_last_line_logs_from_a_laptop() {
    laptop(CLIENTS[1].0, CLIENTS[1].1);
}

#[test]
fn a_run_logs_to_itself() {
    let home = Home::new(env!("CARGO_BIN_EXE_outhaul"));
    home.write("inside.py", include_str!("mlflow/inside.py"));
    let python = client(CLIENTS[0].0, CLIENTS[0].1);
    let _ = home.call(["mlflow", "uri"]).success();
    let python = python.to_str().unwrap();
    let answer = home.call([
        "run",
        "--env",
        "MLFLOW_DISABLE_TELEMETRY=true",
        "--",
        python,
        "inside.py",
    ]);
    assert_eq!(
        answer.code,
        Some(0),
        "{}",
        String::from_utf8_lossy(&answer.stderr)
    );
    let listed = home.json(["runs", "list"]);
    let id = listed[0]["id"].as_str().unwrap();
    let run = home.json(["runs", "show", id]);
    assert_eq!(
        (&run["state"], &run["target"]),
        (&"Completed".into(), &"local".into())
    );
    let said = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert!(
        said.lines().any(|line| line == format!("token r-{id}-1")),
        "{said}"
    );
    assert_eq!(
        (&run["properties"]["mine"], &run["properties"]["alpha"]),
        (&"0.5".into(), &"0.25".into())
    );
    let metrics = home.json(["runs", "metrics", id]);
    let names: Vec<_> = metrics
        .as_array()
        .unwrap()
        .iter()
        .map(|metric| metric["name"].as_str().unwrap())
        .collect();
    assert!(
        ["own", "theirs", "training_r2_score"]
            .iter()
            .all(|name| names.contains(name)),
        "{names:?}"
    );
    let outputs = home.json(["runs", "outputs", id]);
    let paths: Vec<_> = outputs
        .as_array()
        .unwrap()
        .iter()
        .map(|output| output["path"].as_str().unwrap())
        .collect();
    assert!(
        paths.contains(&"hello.txt") && paths.contains(&"outputs/own.txt"),
        "{paths:?}"
    );
    let children = home.json(["runs", "list", "--parent", id]);
    assert_eq!(
        (children.as_array().unwrap().len(), &children[0]["state"]),
        (1, &"Completed".into())
    );
}
