//! Whole commands: what a person sees, for help, for success and for everything that can be wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use outhaul_testkit::home::Home;

fn home() -> Home {
    let home = Home::new(env!("CARGO_BIN_EXE_outhaul"));
    home.write("hi.py", "print('hi')\n");
    home
}

/// The command and all that it says, with what differs from day to day made equal.
fn shown(home: &Home, arguments: &[&str]) -> String {
    let answer = home.call(arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut shown = format!(
        "$ outhaul {}\n-> {}\n",
        arguments.join(" "),
        answer.code.unwrap_or(-1)
    );
    for (name, said) in [("stdout", text(&answer.stdout)), ("stderr", text(&answer.stderr))] {
        if !said.is_empty() {
            shown.push_str(&format!("--- {name}\n{}\n", said.trim_end()));
        }
    }
    shown
        .replace(&*home.work().to_string_lossy(), "[work]")
        .replace(&*home.data().to_string_lossy(), "[home]")
}

fn all(home: &Home, commands: &[&[&str]]) -> String {
    commands
        .iter()
        .map(|arguments| shown(home, arguments))
        .collect::<Vec<_>>()
        .join("\n")
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    for (pattern, replacement) in [
        (r"(?m)^outhaul: (waiting|preparing).*\n", ""),
        (r"\b[0-9a-hjkmnp-tv-z]{16}-1\b", "[run]-1"),
        (r"\b[0-9a-f]{64}\b", "[hash]"),
        (r"\b[0-9a-hjkmnp-tv-z]{16}\b", "[run]"),
        (r"\b(hi|fail|sh)-[0-9a-hjkmnp-tv-z]{8}\b", "$1-[run]"),
        (r"(logs|outputs|cancel|rerun) [0-9a-hjkmnp-tv-z]{8}\b", "$1 [run]"),
        (r"(?m)^[0-9a-hjkmnp-tv-z]{8} ", "[run]    "),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)", "[time]"),
        (r"(just now|\d+s ago)", "[ago]"),
        (r"\b\d+\.\d+s\b", "[duration]"),
        (r" +\[duration\]", " [duration]"),
        (r"\d+ slots", "[slots] slots"),
        (r"(?m)^(local  local .*) \d+$", "$1 [slots]"),
        (
            r"(?m)^.*supervise-\S+sh: .*no-such-command.*$",
            "[the shell's word on no-such-command]",
        ),
        (r"\[ago\] +", "[ago] "),
        (r"/\S*/bin/python3?(\.\d+)?\b", "[python]"),
    ] {
        settings.add_filter(pattern, replacement);
    }
    settings
}

macro_rules! assert_shown {
    ($name:literal, $text:expr) => {
        settings().bind(|| insta::assert_snapshot!($name, $text))
    };
}

#[test]
fn help() {
    let home = home();
    let commands: Vec<Vec<&str>> = vec![
        vec!["--help"],
        vec!["run", "--help"],
        vec!["runs", "--help"],
        vec!["runs", "list", "--help"],
        vec!["runs", "show", "--help"],
        vec!["runs", "logs", "--help"],
        vec!["runs", "metrics", "--help"],
        vec!["runs", "outputs", "--help"],
        vec!["runs", "cancel", "--help"],
        vec!["runs", "wait", "--help"],
        vec!["runs", "snapshot", "--help"],
        vec!["runs", "rerun", "--help"],
        vec!["target", "--help"],
        vec!["environment", "--help"],
        vec!["model", "--help"],
        vec!["model", "register", "--help"],
        vec!["model", "list", "--help"],
        vec!["model", "download", "--help"],
        vec!["model", "update", "--help"],
        vec!["experiment", "--help"],
        vec!["workspace", "--help"],
        vec!["score", "--help"],
        vec!["serve", "--help"],
        vec!["server", "--help"],
        vec!["doctor", "--help"],
        vec!["completions", "--help"],
        vec!["call", "--help"],
    ];
    let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
    assert_shown!("help", all(&home, &commands));
    assert!(!home.data().exists(), "help changes nothing");
    assert!(home.call(["--version"]).success().text().starts_with("outhaul "));
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            home.call(["completions", shell])
                .success()
                .text()
                .contains("outhaul"),
            "{shell}"
        );
    }
}

#[test]
fn a_script_that_cannot_be_served_is_told_with_its_traceback() {
    let home = home();
    home.write("no_run.py", "def init(): pass\n");
    home.write(
        "raises.py",
        "def init():\n    raise ValueError('no weights')\ndef run(data): pass\n",
    );
    home.write("keys", "secret-of-callers\n");
    for (arguments, words) in [
        (vec!["none.py"], vec!["the entry script", "none.py"]),
        (vec!["no_run.py"], vec!["no function `run()`"]),
        (
            vec!["raises.py"],
            vec![
                "cannot be served: ValueError: no weights",
                "Traceback",
                "line 2, in init",
            ],
        ),
        (vec!["raises.py", "--model", "none"], vec!["the model"]),
        (
            vec!["raises.py", "--key-file", "keys"],
            vec!["others can read", "chmod 600"],
        ),
    ] {
        let arguments = [vec!["score", "--port", "0"], arguments].concat();
        let answer = home.call(&arguments);
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert_eq!(answer.code, Some(2), "{arguments:?}: {said}");
        assert!(answer.stdout.is_empty(), "{arguments:?}");
        for word in words {
            assert_eq!(
                said.matches(word).count(),
                1,
                "{arguments:?}: `{word}` once in\n{said}"
            );
        }
        assert!(!said.contains("secret-of-callers"));
    }
    assert!(!home.data().exists(), "no server is started");
}

#[test]
fn a_run_from_submission_to_download() {
    let home = home();
    home.write(
        "hi.py",
        "from outhaul.run import Run\nrun = Run.get_context()\nprint('hi')\nfor i in range(4):\n    run.log('mse', 4 - i, step=i)\nopen('outputs/model.txt', 'w').write('model')\n",
    );
    let text = all(
        &home,
        &[
            &[
                "run",
                "hi.py",
                "--experiment",
                "first",
                "--name",
                "first",
                "--tag",
                "try=1",
            ],
            &["runs", "list", "--tag", "try=1"],
        ],
    );
    assert_shown!("run_success", text);
    let id = home.json(["runs", "list"])[0]["id"].as_str().unwrap().to_owned();
    let prefix = &id[..6];
    assert_shown!(
        "run_reads",
        all(
            &home,
            &[
                &["runs", "show", prefix],
                &["runs", "logs", prefix],
                &["runs", "logs", prefix, "--stream", "stderr"],
                &["runs", "metrics", prefix],
                &["runs", "outputs", prefix],
                &["runs", "outputs", prefix, "--download", "left"],
                &["runs", "snapshot", prefix],
                &["runs", "snapshot", prefix, "--download", "code"],
                &["runs", "cancel", prefix],
                &["runs", "wait", prefix],
                &["experiment", "list"],
                &["target", "list"],
                &["target", "show", "local"],
            ]
        )
        .replace(&id, "[run]")
        .replace(prefix, "[prefix]")
    );
    assert_eq!(
        std::fs::read_to_string(home.work().join("left/outputs/model.txt")).unwrap(),
        "model"
    );
    assert!(
        std::fs::read_to_string(home.work().join("code/hi.py"))
            .unwrap()
            .contains("get_context")
    );
    let run = home.json(["runs", "show", prefix]);
    for field in [
        "id",
        "name",
        "state",
        "target",
        "experiment",
        "created_at",
        "started_at",
        "ended_at",
    ] {
        assert!(run[field].is_string(), "{field}: {run}");
    }
    assert!(home.json(["server", "status"])["pid"].is_u64());
    let rerun = home.call(["runs", "rerun", prefix]).success();
    assert_eq!(rerun.text(), "hi");
}

#[test]
fn every_read_has_a_json_form() {
    let home = home();
    let _ = home.call(["run", "hi.py"]).success();
    home.write("environment.yml", "name: tools\ndependencies:\n  - python>=3.8\n");
    let _ = home
        .call(["environment", "register", "environment.yml"])
        .success();
    let _ = home.call(["model", "register", "m", "--path", "hi.py"]).success();
    let id = home.json(["runs", "list"])[0]["id"].as_str().unwrap().to_owned();
    for list in [
        vec!["runs", "list"],
        vec!["runs", "metrics", &id],
        vec!["runs", "outputs", &id],
        vec!["target", "list"],
        vec!["environment", "list"],
        vec!["model", "list"],
        vec!["experiment", "list"],
        vec!["workspace", "list"],
        vec!["doctor"],
    ] {
        let json = home.json(list.iter().copied());
        assert!(json.is_array(), "{list:?}: {json}");
    }
    for object in [
        vec!["runs", "show", &id],
        vec!["runs", "snapshot", &id],
        vec!["target", "show", "local"],
        vec!["target", "check", "local"],
        vec!["environment", "show", "tools"],
        vec!["model", "show", "m"],
        vec!["workspace", "show"],
        vec!["server", "status"],
    ] {
        let json = home.json(object.iter().copied());
        assert!(json.is_object() || json.is_array(), "{object:?}: {json}");
    }
}

#[test]
fn failures_and_their_exit_codes() {
    let home = home();
    home.write(
        "fail.py",
        "import sys\nprint('about to fail', file=sys.stderr)\nsys.exit(42)\n",
    );
    assert_shown!(
        "run_failures",
        all(
            &home,
            &[
                &["run", "fail.py"],
                &["run", "--", "sh", "-c", "kill -9 $$"],
                &["run", "--", "no-such-command"],
                &["run", "-q", "--max-duration", "1s", "--", "sleep", "1000"],
            ]
        )
    );
    home.write(
        "environment.yml",
        "dependencies:\n  - pip:\n      - outhaul-no-such-package-xyz\n",
    );
    let answer = home.call(["run", "-q", "hi.py", "--environment", "environment.yml"]);
    assert_eq!(answer.code.unwrap_or(-1), 120);
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(
        said.contains("outhaul-no-such-package-xyz"),
        "the resolver's own words: {said}"
    );
}

#[test]
fn bad_input_gets_one_clear_error() {
    let home = home();
    home.write("sub/other.py", "print('other')\n");
    home.write("bad.yml", "name: x\ndependencies:\n  - python\n - pip\n");
    home.write("key.yml", "name: x\ndependencis:\n  - python\n");
    home.write("kind.yml", "name: x\ndependencies: python\n");
    home.write("empty.yml", "");
    home.write("bad.toml", "pip = [\n");
    home.write("requirements.txt", "numpy>=1.0\n-e .\n");
    home.write("outhaul.toml", "conda = \"refuse\"\n");
    home.write("conda.yml", "name: x\ndependencies:\n  - python\n  - numpy\n");
    let before: &[&[&str]] = &[
        &["run"],
        &["run", "missing.py"],
        &["run", "hi.py", "--source", "sub"],
        &["run", "hi.py", "--source", "missing"],
        &["run", "hi.py", "--environment", "missing.yml"],
        &["run", "hi.py", "--environment", "bad.yml"],
        &["run", "hi.py", "--environment", "key.yml"],
        &["run", "hi.py", "--environment", "kind.yml"],
        &["run", "hi.py", "--environment", "empty.yml"],
        &["run", "hi.py", "--environment", "bad.toml"],
        &["run", "hi.py", "--environment", "requirements.txt"],
        &["run", "hi.py", "--env", "1A=3"],
        &["run", "hi.py", "--tag", "x"],
        &["run", "hi.py", "--name", "a/b"],
        &["run", "hi.py", "--max-duration", "5x"],
        &["runs", "list", "--state", "Runing"],
        &["frobnicate"],
    ];
    assert_shown!("bad_input_before_the_server", all(&home, before));
    assert!(!home.data().exists(), "nothing was changed");
    let after: &[&[&str]] = &[
        &["run", "hi.py", "--target", "locla"],
        &["run", "hi.py", "--environment", "tols"],
        &["run", "hi.py", "--environment", "conda.yml"],
        &["run", "hi.py", "--workspace", "nowhere"],
        &["runs", "show", "zzzz"],
        &["runs", "logs", "not-an-id!"],
        &["runs", "list", "--experiment", "nothing"],
        &["runs", "list", "--target", "gpu-box"],
        &["target", "show", "locl"],
        &["target", "check", "gpu-box"],
        &["environment", "show", "nothing"],
        &["workspace", "use", "nowhere"],
        &["workspace", "create", "a/b"],
        &["runs", "list"],
    ];
    assert_shown!("bad_input_with_the_server", all(&home, after));
}

#[test]
fn odd_files_in_the_source_folder() {
    use std::os::unix::ffi::OsStrExt;
    let home = home();
    let odd = home.work().join(std::ffi::OsStr::from_bytes(b"caf\xe9.txt"));
    std::fs::write(&odd, "").unwrap();
    let mut text = shown(&home, &["run", "hi.py"]);
    std::fs::remove_file(&odd).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", home.work().join("leak")).unwrap();
    text += &shown(&home, &["run", "hi.py"]);
    std::fs::remove_file(home.work().join("leak")).unwrap();
    assert_shown!("odd_files", text);
    assert_eq!(home.json(["runs", "list"]), serde_json::json!([]));
}

#[test]
fn a_dry_run_shows_the_exact_plan_and_changes_nothing() {
    let home = home();
    home.write("data/x.csv", "1,2\n");
    home.write(".amlignore", "*.log\n");
    home.write("noise.log", "noise\n");
    assert_shown!(
        "dry_run_without_server",
        shown(&home, &["run", "hi.py", "--dry-run", "--", "--alpha", "0.4"])
    );
    assert!(!home.data().exists(), "nothing was changed");
    let _ = home.call(["target", "list"]).success();
    let before = files(&home);
    assert_shown!(
        "dry_run_with_server",
        shown(
            &home,
            &[
                "run",
                "hi.py",
                "--dry-run",
                "--env",
                "A=it's",
                "--",
                "--alpha",
                "0.4"
            ]
        )
    );
    assert_eq!(home.json(["runs", "list"]), serde_json::json!([]));
    assert_eq!(files(&home), before, "nothing was changed");
}

/// Files of the data folder, but for the server's log and database.
fn files(home: &Home) -> Vec<String> {
    fn walk(folder: &std::path::Path, list: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), list);
            } else {
                list.push(entry.path().display().to_string());
            }
        }
    }
    let mut list = Vec::new();
    walk(&home.data(), &mut list);
    list.retain(|path| !path.contains("server.log") && !path.contains("outhaul.db"));
    list.sort();
    list
}

#[test]
fn defaults_stand_in_a_file_above() {
    let home = home();
    home.write(
        "outhaul.toml",
        "experiment = \"from-file\"\n\n[tags]\nteam = \"blue\"\n\n[env]\nGREETING = \"hello\"\n",
    );
    home.write("deep/er/say.py", "import os\nprint(os.environ['GREETING'])\n");
    let mut command = home.command(["run", "-q", "say.py"]);
    command.current_dir(home.work().join("deep/er"));
    assert_eq!(
        outhaul_testkit::process::Answer::of(command).success().text(),
        "hello"
    );
    let run = home.json(["runs", "list"])[0].clone();
    assert_eq!(
        (run["experiment"].as_str(), run["tags"]["team"].as_str()),
        (Some("from-file"), Some("blue"))
    );
    home.write("outhaul.toml", "tarjet = \"local\"\n");
    assert_shown!("unknown_key", shown(&home, &["run", "hi.py"]));
}

#[test]
fn folders_that_are_not_ours_or_too_new() {
    let home = home();
    std::fs::create_dir(home.data()).unwrap();
    std::fs::write(home.data().join("thesis.tex"), "important").unwrap();
    let mut text = shown(&home, &["runs", "list"]);
    assert_eq!(
        std::fs::read_to_string(home.data().join("thesis.tex")).unwrap(),
        "important"
    );
    std::fs::remove_dir_all(home.data()).unwrap();
    std::fs::create_dir(home.data()).unwrap();
    std::fs::write(home.data().join("version"), "99\n").unwrap();
    text += &shown(&home, &["runs", "list"]);
    assert_shown!("foreign_folders", text);
}

#[test]
fn a_second_server_is_refused_and_says_so() {
    let home = home();
    let _ = home.call(["target", "list"]).success();
    assert_shown!("second_server", shown(&home, &["serve"]));
    assert_shown!(
        "server_stop",
        all(
            &home,
            &[&["server", "stop"], &["server", "stop"], &["server", "status"]]
        )
    );
}

#[test]
fn the_environment_of_a_run_holds_no_secrets_of_the_shell() {
    let home = home();
    home.write(
        "env.py",
        "import os\nprint(sorted(name for name in os.environ if 'SECRET' in name or name == 'WANTED'))\n",
    );
    let mut command = home.command(["run", "-q", "--env", "WANTED", "env.py"]);
    command.env("MY_SECRET_TOKEN", "canary-5f1c").env("WANTED", "yes");
    assert_eq!(
        outhaul_testkit::process::Answer::of(command).success().text(),
        "['WANTED']"
    );
    let found = std::process::Command::new("grep")
        .args(["-r", "-l", "canary-5f1c"])
        .arg(home.data())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&found.stdout),
        "",
        "the secret is in none of our files"
    );
}

#[test]
fn code_that_was_damaged_in_the_store_is_stored_anew_by_the_next_run() {
    let home = home();
    let _ = home.call(["run", "-q", "hi.py"]).success();
    // As a power cut leaves it: the name is there, the content is not.
    let mut blobs = files(&home);
    blobs.retain(|path| path.contains("/blobs/") && std::fs::read(path).unwrap() == b"print('hi')\n");
    assert_eq!(blobs.len(), 1);
    std::fs::remove_file(&blobs[0]).unwrap();
    std::fs::write(&blobs[0], "").unwrap();
    let broken = home.call(["run", "-q", "hi.py"]);
    assert_eq!(broken.code, Some(122), "{broken}");
    assert!(
        String::from_utf8_lossy(&broken.stderr).contains("submit the code again"),
        "{broken}"
    );
    assert_eq!(home.call(["run", "-q", "hi.py"]).success().text(), "hi");
}
