//! The model registry by the command: from a run to a download, what it comes from, what is refused, and kills.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use outhaul_testkit::home::Home;
use outhaul_types::RunId;
use serde_json::{Value, json};

const TRAIN: &str = "\
import os
os.makedirs('outputs/net/deep')
for path, text in [('model.pkl', 'weights'), ('net/a', '1'), ('net/deep/b', '22')]:
    open('outputs/' + path, 'w').write(text)
";

fn home() -> Home {
    let home = Home::new(env!("CARGO_BIN_EXE_outhaul"));
    home.write("train/train.py", TRAIN);
    home
}

/// A run that left a file and a folder; its id.
fn trained(home: &Home) -> String {
    let _ = home
        .call(["run", "-q", "train/train.py", "--experiment", "ridge"])
        .success();
    home.json(["runs", "list"])[0]["id"].as_str().unwrap().to_owned()
}

fn register(home: &Home, arguments: &[&str]) -> String {
    let words = [&["model", "register"], arguments].concat();
    home.call(words).success().text().to_owned()
}

/// Exit code and what was said of a command that must fail.
fn refused(home: &Home, arguments: &[&str]) -> (i32, String) {
    let answer = home.call(arguments);
    assert!(answer.stdout.is_empty(), "{arguments:?}");
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    (answer.code.unwrap_or(-1), said)
}

fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files_below(&path) } else { 1 }
        })
        .sum()
}

#[test]
fn a_model_of_a_run_from_registration_to_download() {
    let home = home();
    let run = trained(&home);
    let artifacts = home.data().join("artifacts");
    let before = files_below(&artifacts);
    let from = ["--from-run", &run[..8], "--path"];
    let words = [
        &["churn"],
        &from[..],
        &["outputs/model.pkl", "--tag", "stage=test", "--property", "p=1"],
        &["--framework", "ScikitLearn:1.5", "--description", "the first"],
    ]
    .concat();
    assert_eq!(register(&home, &words), "churn:1");
    // The tree alone is new: the file is the one that the run left.
    assert_eq!(files_below(&artifacts), before + 1);
    assert_eq!(
        register(&home, &[&["churn"], &from[..], &["outputs/net/"]].concat()),
        "churn:2"
    );

    let shown = home.json(["model", "show", "churn:1"]);
    let model = &shown["model"];
    assert_eq!(
        (
            &model["version"],
            &model["tags"],
            &model["framework"],
            &model["framework_version"]
        ),
        (
            &json!(1),
            &json!({"stage": "test"}),
            &json!("ScikitLearn"),
            &json!("1.5")
        )
    );
    assert_eq!(shown["contents"][0]["path"], "model.pkl");
    // Through the run to its code and its packages.
    let lineage = &shown["lineage"];
    let told = home.json(["runs", "show", &run]);
    assert_eq!(
        (&lineage["run"], &lineage["experiment"]),
        (&json!(run), &json!("ridge"))
    );
    assert_eq!(lineage["snapshot"], told["spec"]["snapshot"]);
    assert_eq!(lineage["environment_id"], told["environment_id"]);
    assert!(
        lineage["environment_lock"]["python_version"].is_string(),
        "{lineage}"
    );
    let answer = home.call(["model", "show", "churn:1"]).success();
    let text = answer.text();
    for word in [
        &*run,
        "ridge",
        "outputs/model.pkl",
        "stage=test",
        "the first",
        "ScikitLearn 1.5",
    ] {
        assert!(text.contains(word), "`{word}` in\n{text}");
    }

    let answer = home.call(["model", "download", "churn", "--to", "to"]).success();
    assert_eq!(answer.text(), "to/net");
    assert_eq!(
        std::fs::read_to_string(home.work().join("to/net/deep/b")).unwrap(),
        "22"
    );
    let (code, said) = refused(&home, &["model", "download", "churn", "--to", "to"]);
    assert!(code == 2 && said.contains("`to/net` is there already"), "{said}");
    std::fs::write(home.work().join("to/net/a"), "changed").unwrap();
    let _ = home
        .call(["model", "download", "churn", "--to", "to", "--force"])
        .success();
    assert_eq!(
        std::fs::read_to_string(home.work().join("to/net/a")).unwrap(),
        "1"
    );

    let ids = |arguments: &[&str]| -> Vec<String> {
        let list = home.json([&["model", "list"], arguments].concat());
        list.as_array()
            .unwrap()
            .iter()
            .map(|model| format!("{}:{}", model["name"].as_str().unwrap(), model["version"]))
            .collect()
    };
    for (arguments, expected) in [
        (&[][..], &["churn:2", "churn:1"][..]),
        (&["--latest"], &["churn:2"]),
        (&["--tag", "stage"], &["churn:1"]),
        (
            &["--tag", "stage=test", "--framework", "scikitlearn"],
            &["churn:1"],
        ),
        (&["--tag", "stage=production"], &[]),
        (&["--run", &run[..8], "--name", "churn"], &["churn:2", "churn:1"]),
        (&["--name", "other"], &[]),
    ] {
        assert_eq!(ids(arguments), expected, "{arguments:?}");
    }
    let update = [
        "model",
        "update",
        "churn:1",
        "--tag",
        "stage=production",
        "--remove-tag",
        "none",
    ];
    let _ = home.call(update).success();
    assert_eq!(ids(&["--tag", "stage=production"]), ["churn:1"]);
    assert!(
        home.call(["model", "list"])
            .success()
            .text()
            .contains("stage=production")
    );

    let _ = home.call(["model", "delete", "churn:2"]).success();
    assert_eq!(ids(&[]), ["churn:1"]);
    assert_eq!(
        register(&home, &[&["churn"], &from[..], &["outputs/net"]].concat()),
        "churn:3"
    );
}

#[test]
fn files_of_this_machine_are_kept_whole() {
    let home = home();
    home.write("saved/outputs/w.bin", "1234");
    home.write("saved/.gitignore", "*\n");
    std::os::unix::fs::symlink("outputs/w.bin", home.work().join("saved/link")).unwrap();
    assert_eq!(register(&home, &["net", "--path", "saved/"]), "net:1");
    home.write("saved/outputs/w.bin", "changed");
    let paths = |name: &str| -> Vec<String> {
        let shown = home.json(["model", "show", name]);
        let files = shown["contents"].as_array().unwrap();
        files
            .iter()
            .map(|file| file["path"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        paths("net"),
        ["saved/.gitignore", "saved/link", "saved/outputs/w.bin"]
    );
    // What was registered does not change with the folder, and needs no server that was there before.
    assert!(home.kill_server() > 0);
    let _ = home.call(["model", "download", "net", "--to", "to"]).success();
    assert_eq!(
        std::fs::read_to_string(home.work().join("to/saved/link")).unwrap(),
        "1234"
    );
    // The same content is kept once.
    let before = files_below(&home.data().join("artifacts"));
    assert_eq!(register(&home, &["copy", "--path", "to/saved"]), "copy:1");
    assert_eq!(files_below(&home.data().join("artifacts")), before);
}

#[test]
fn what_cannot_be_registered_is_one_clear_error_and_changes_nothing() {
    let home = home();
    let run = trained(&home);
    home.write("model.pkl", "weights");
    std::fs::create_dir_all(home.work().join("empty/deep")).unwrap();
    std::fs::create_dir(home.work().join("loop")).unwrap();
    std::os::unix::fs::symlink("..", home.work().join("loop/up")).unwrap();
    assert_eq!(register(&home, &["Churn", "--path", "model.pkl"]), "Churn:1");
    let before = home.json(["model", "list"]);
    let run = run.as_str();
    for (arguments, says) in [
        (
            &["m", "--path", "none.pkl"][..],
            "there is no file or folder `none.pkl`",
        ),
        (&["m", "--path", "empty"], "there is no file in folder `empty`"),
        (&["m", "--path", "loop"], "link to a folder"),
        (&["m", "--path", "/dev/null"], "neither a file nor a folder"),
        (&["m", "--path", ".."], "holds the data folder"),
        (&["a b", "--path", "model.pkl"], "model name `a b` is not allowed"),
        (
            &["churn", "--path", "model.pkl"],
            "there is a model `Churn` already",
        ),
        (
            &["m", "--path", "model.pkl", "--tag", "a=1", "--tag", "a=2"],
            "tag `a` is given twice",
        ),
        (
            &["m", "--path", "outputs/model.pkl", "--from-run", "zzzzzz"],
            "there is no run `zzzzzz`",
        ),
        (
            &["m", "--path", "outputs/none.pkl", "--from-run", run],
            "`outputs/none.pkl`",
        ),
        (
            &["m", "--path", "outputs/mode", "--from-run", run],
            "`outputs/mode`",
        ),
        (
            &["m", "--path", "../model.pkl", "--from-run", run],
            "cannot be the path of an output",
        ),
        (
            &["m", "--path", "outputs", "--from-run", run, "--workspace", "none"],
            "no workspace `none`",
        ),
    ] {
        let (code, said) = refused(&home, &[&["model", "register"], arguments].concat());
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert_eq!(
            said.matches(says).count(),
            1,
            "{arguments:?}: `{says}` once in\n{said}"
        );
    }
    for (arguments, says) in [
        (&["show", "Churn:2"][..], "there is no model `Churn:2`"),
        (&["show", "churn"], "there is no model `churn`"),
        (&["show", "Churn:0"], "`0` is not a version"),
        (
            &["delete", "Churn"],
            "which version of model `Churn` to delete is not said",
        ),
        (&["update", "Churn:1"], "nothing to change is given"),
        (&["update", "Churn:1", "--tag", "=x"], "name before `=`"),
        (&["download", "none"], "there is no model `none`"),
        (&["list", "--run", "zzzzzz"], "there is no run `zzzzzz`"),
    ] {
        let (code, said) = refused(&home, &[&["model"], arguments].concat());
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
    assert_eq!(home.json(["model", "list"]), before);
}

#[test]
fn a_run_that_goes_on_has_nothing_to_register_yet() {
    let home = home();
    home.write(
        "slow/slow.py",
        "open('outputs/m', 'w').write('x')\nopen('started', 'w')\nimport time\ntime.sleep(1000)\n",
    );
    let _ = home.call(["run", "--detach", "slow/slow.py"]).success();
    let id = home.json(["runs", "list"])[0]["id"].as_str().unwrap().to_owned();
    let register = ["model", "register", "m", "--from-run", &id, "--path", "outputs/m"];
    let (code, said) = refused(&home, &register);
    assert!(
        code == 2 && said.contains("has not ended") && said.contains("runs wait"),
        "{said}"
    );
    assert_eq!(home.json(["model", "list"]), json!([]));
    let _ = home.call(["runs", "cancel", &id]).success();
    let _ = home.call(["runs", "wait", &id]);
}

#[test]
fn asking_twice_registers_once_and_a_workspace_has_its_own_names() {
    let home = home();
    home.write("model.pkl", "weights");
    home.write("other.pkl", "others");
    let id = RunId::generate().unwrap().to_string();
    let words = |path: &'static str| ["m", "--path", path, "--id"].map(str::to_owned).to_vec();
    let with_id = |path| {
        let mut words = words(path);
        words.push(id.clone());
        words
    };
    let call = |path| home.call([vec!["model".to_owned(), "register".to_owned()], with_id(path)].concat());
    assert_eq!(call("model.pkl").success().text(), "m:1");
    assert!(home.kill_server() > 0);
    assert_eq!(call("model.pkl").success().text(), "m:1");
    assert_eq!(home.json(["model", "list"]).as_array().map(Vec::len), Some(1));
    let other = call("other.pkl");
    assert_eq!(other.code, Some(2));
    assert!(String::from_utf8_lossy(&other.stderr).contains("another registration"));
    let _ = home.call(["workspace", "create", "second"]).success();
    let second = [
        "model",
        "register",
        "M",
        "--path",
        "model.pkl",
        "--workspace",
        "second",
    ];
    assert_eq!(home.call(second).success().text(), "M:1");
    assert_eq!(home.json(["model", "list"])[0]["name"], Value::from("m"));
}

#[test]
fn a_damaged_file_is_not_handed_out() {
    let home = home();
    home.write("model.pkl", "weights");
    assert_eq!(register(&home, &["m", "--path", "model.pkl"]), "m:1");
    let hash = home.json(["model", "show", "m"])["contents"][0]["hash"]
        .as_str()
        .unwrap()
        .to_owned();
    let kept = home.data().join("artifacts").join(&hash[..2]).join(&hash[2..]);
    std::fs::remove_file(&kept).unwrap();
    std::fs::write(&kept, "Weights").unwrap();
    let (code, said) = refused(&home, &["model", "download", "m", "--to", "to"]);
    assert_eq!(code, 122, "{said}");
    assert!(said.contains("arrived damaged"), "{said}");
    assert!(!home.work().join("to/model.pkl").exists());
}
