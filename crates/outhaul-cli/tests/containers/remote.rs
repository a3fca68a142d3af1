//! Containers of the engine of a machine that is reached over SSH.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use outhaul_testkit::process::{Answer, until};
use outhaul_testkit::sshd::{Setup, Sshd};
use serde_json::Value;

use crate::support::Bench;

/// The engine's machine, attached as `box`.
fn attached(bench: &Bench) -> Option<Sshd> {
    // This engine is the test's own, so its user may use it.
    let socket = bench.engine.socket();
    if std::fs::metadata(socket).unwrap().uid() == nix::unistd::geteuid().as_raw() {
        std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    }
    let sshd = Setup::new()
        .line("SetEnv DOCKER_HOST=unix://FOLDER/docker.sock")
        .start()?;
    std::os::unix::fs::symlink(socket, sshd.folder().join("docker.sock")).unwrap();
    let key = bench.home.write("key", sshd.client_key());
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let port = sshd.address().port().to_string();
    let mut command = bench.command(&["target", "attach", "remote", "box", "--address", "127.0.0.1"]);
    command
        .args([
            "--port",
            &port,
            "--username",
            sshd.username(),
            "--private-key-file",
            "key",
            "--yes",
        ])
        .env("HOME", bench.home.work())
        .env_remove("SSH_AUTH_SOCK");
    let _ = Answer::of(command).success();
    Some(sshd)
}

#[test]
fn the_same_run_is_made_on_another_machine_and_leaves_nothing_there() {
    let Some(bench) = Bench::new() else { return };
    let Some(sshd) = attached(&bench) else { return };
    let checks = bench.json(&["target", "check", "box"]);
    assert!(checks.to_string().contains("API"), "{checks:#}");
    let words = [
        "run",
        "--target",
        "box",
        "--environment",
        "environment.yml",
        "where/train.py",
    ];
    let _ = bench.call(&words).success();
    let id = bench.json(&["runs", "list"])[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let found: Value = serde_json::from_str(&bench.output(&id, "where.json")).unwrap();
    let user = nix::unistd::User::from_name(sshd.username()).unwrap().unwrap();
    assert_eq!(found["uid"], user.uid.as_raw(), "{found:#}");
    assert_eq!(
        (&found["contained"], &found["target"]),
        (&Value::from(true), &Value::from("box"))
    );
    assert_eq!(bench.json(&["runs", "metrics", &id])[0]["value"], 42);
    until("the container is removed", || bench.containers().is_empty());

    // A server that dies meanwhile finds the container again.
    let id = bench.submit_steps("box", 1);
    until("the script is started", || bench.starts(1) == 1);
    assert_eq!(bench.home.kill_server(), 1);
    let _ = bench.wait_for(&id, "Running");
    std::fs::write(bench.gate(1), "").unwrap();
    bench.check_steps(&id, 1);

    let id = bench.submit_steps("box", 2);
    until("the script is started", || bench.starts(2) == 1);
    let _ = bench.call(&["runs", "cancel", &id]).success();
    let _ = bench.wait_for(&id, "Canceled");
    let _ = bench.call(&["target", "detach", "box"]).success();
    assert_eq!(bench.containers(), Vec::<String>::new());
    let left = std::fs::read_dir(sshd.home()).unwrap().flatten();
    assert!(left.map(|entry| entry.file_name()).all(|name| name != ".outhaul"));
}

#[test]
fn a_model_is_served_in_a_container_of_another_machine() {
    let Some(bench) = Bench::new() else { return };
    let Some(_sshd) = attached(&bench) else { return };
    let score = |version: &str| {
        format!(
            "import os\ndef init(): pass\ndef run(data): return [os.path.exists('/.dockerenv'), '{version}', os.environ.get('OUTHAUL_SCORING_KEY')]\n"
        )
    };
    bench.home.write("deploy/score.py", &score("one"));
    bench.home.write("rows.json", "{}");
    let mut deploy = vec!["deploy", "remote", "there", "--target", "box", "--auth-keys"];
    deploy.extend(["--entry", "deploy/score.py", "--environment", "environment.yml"]);
    // The other machine is this one, whose loopback the server would need for the way.
    deploy.extend(["--host", "0.0.0.0"]);
    let url = bench.call(&deploy).success().text().to_owned();
    let ask = || bench.json(&["service", "test", "there", "--data", "rows.json"]);
    assert_eq!(ask(), serde_json::json!([true, "one", null]));
    bench.home.write("deploy/score.py", &score("two"));
    let reloaded = bench.call(&["service", "reload", "there"]).success();
    assert_eq!(reloaded.text(), url);
    assert_eq!(ask(), serde_json::json!([true, "two", null]));
    let _ = bench.call(&["service", "delete", "there"]).success();
    until("the containers are removed", || bench.containers().is_empty());
    let _ = bench.call(&["target", "detach", "box"]).success();
}

#[test]
fn a_machine_whose_engine_is_gone_can_be_detached() {
    let Some(bench) = Bench::new() else { return };
    let Some(sshd) = attached(&bench) else { return };
    std::fs::remove_file(sshd.folder().join("docker.sock")).unwrap();
    let said = bench.json(&["target", "detach", "box"]);
    assert!(said.to_string().contains("did not answer"), "{said:#}");
    let left = std::fs::read_dir(sshd.home()).unwrap().flatten();
    assert!(left.map(|entry| entry.file_name()).all(|name| name != ".outhaul"));
}
