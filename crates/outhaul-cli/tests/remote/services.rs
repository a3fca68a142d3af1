//! Web services on a second host: brought there, called from here, kept through what happens to the server and the link.

use outhaul_testkit::certificate::Certificate;
use outhaul_testkit::process::{Answer, until};
use serde_json::Value;

use crate::far::Far;
use crate::support::ours;

/// Tells where it runs and what it got.
const SCORE: &str = r#"
import json, os

def init():
    global weight
    path = os.environ["AZUREML_MODEL_DIR"]
    with open(os.path.join(path, os.listdir(path)[0])) as file:
        weight = int(file.read())

def run(data):
    with open("/proc/net/fib_trie") as file:
        network = file.read()
    return {"answer": [value * weight for value in json.loads(data)["data"]], "pid": os.getpid(),
            "network": network, "key": os.environ.get("OUTHAUL_SCORING_KEY")}
"#;

/// A second host, and what is served on it.
fn attached() -> Option<Far> {
    let far = Far::attached()?;
    far.home.write("deploy/score.py", SCORE);
    far.home.write("model.txt", "3");
    far.home.write("rows.json", "{\"data\": [1, 2]}");
    Some(far)
}

fn deploy(far: &Far, name: &str, more: &[&str]) -> Answer {
    let words = [
        "deploy",
        "remote",
        name,
        "--target",
        "box",
        "--entry",
        "deploy/score.py",
    ];
    far.home.call([&words[..], more].concat())
}

fn test(far: &Far, name: &str) -> Answer {
    far.home.call(["service", "test", name, "--data", "rows.json"])
}

fn scored(far: &Far, name: &str) -> Value {
    serde_json::from_slice(&test(far, name).success().stdout).unwrap()
}

fn said(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.stderr).into_owned()
}

#[test]
fn a_model_is_served_on_another_machine_through_all_that_happens() {
    let Some(far) = attached() else { return };
    let deployed = deploy(&far, "there", &["--model", "model.txt", "--auth-keys"]).success();
    let url = deployed.text().to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let answer = scored(&far, "there");
    assert_eq!(answer["answer"], serde_json::json!([3, 6]));
    assert_eq!(answer["key"], Value::Null, "the script sees no key");
    let address = far.host.sshd().address().ip().to_string();
    let network = answer["network"].as_str().unwrap();
    assert!(
        network.contains(&format!("{address}\n")),
        "it runs there: {network}"
    );

    // The key is asked for, and lies in no file of the machine.
    let bare = std::process::Command::new("curl")
        .args([
            "--silent",
            "--noproxy",
            "*",
            "--data",
            "{}",
            "--output",
            "/dev/null",
        ])
        .args(["--write-out", "%{http_code}"])
        .arg(format!("{url}/score"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&bare.stdout), "401");
    let keys = far.home.json(["service", "keys", "there"]);
    let mut grep = std::process::Command::new("grep");
    grep.args(["-rlsF", "-e", keys["primary"].as_str().unwrap()])
        .args(ours(far.host.sshd()));
    let found = Answer::of(grep);
    assert_eq!((found.code, found.text()), (Some(1), ""), "{found}");

    // An update takes the socket over there, and another one that does not come up changes nothing.
    far.home.write("other.txt", "5");
    let updated = far
        .home
        .call(["service", "update", "there", "--model", "other.txt"])
        .success();
    assert_eq!(updated.text(), url);
    assert_eq!(scored(&far, "there")["answer"], serde_json::json!([5, 10]));
    far.home.write(
        "broken/score.py",
        "def init(): raise ValueError('not today')\ndef run(data): pass\n",
    );
    let broken = far
        .home
        .call(["service", "update", "there", "--source", "broken"]);
    assert_eq!(broken.code, Some(2), "{broken}");
    assert!(said(&broken).contains("not today"), "{broken}");

    // It goes on without the server, and the next one leads there again.
    let pid = scored(&far, "there")["pid"].clone();
    assert_eq!(far.home.kill_server(), 1);
    assert_eq!(far.home.json(["service", "show", "there"])["state"], "Healthy");
    let answer = scored(&far, "there");
    assert_eq!(
        (&answer["pid"], &answer["answer"]),
        (&pid, &serde_json::json!([5, 10]))
    );

    // Without a link callers are told so; with one all is as before.
    far.host.link_down();
    let told = test(&far, "there");
    assert_eq!(told.code, Some(1), "{told}");
    assert!(
        said(&told).contains("502") || told.text().contains("cannot be reached"),
        "{told}"
    );
    far.host.link_up();
    until("it is reached again", || test(&far, "there").is_success());
    assert_eq!(scored(&far, "there")["pid"], pid);

    let refused = far.home.call(["target", "detach", "box"]);
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(said(&refused).contains("`there`"), "{refused}");
    let _ = far.home.call(["service", "delete", "there"]).success();
    assert!(std::net::TcpStream::connect(url.trim_start_matches("http://")).is_err());
    let _ = far.home.call(["target", "detach", "box"]).success();
    assert_eq!(ours(far.host.sshd()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn callers_come_to_the_machine_itself_where_it_listens_to_all() {
    let Some(far) = attached() else { return };
    let folder = far.host.sshd().folder();
    let address = far.host.sshd().address().ip().to_string();
    let tls = Certificate::new(folder, &address);
    let user = nix::unistd::User::from_name(far.host.sshd().username())
        .unwrap()
        .unwrap();
    nix::unistd::chown(&tls.key, Some(user.uid), None).unwrap();
    let wishes = [
        "--host",
        "0.0.0.0",
        "--model",
        "model.txt",
        "--tls-cert",
        tls.certificate.to_str().unwrap(),
        "--tls-key",
        tls.key.to_str().unwrap(),
    ];
    let url = deploy(&far, "open", &wishes).success().text().to_owned();
    assert!(url.starts_with(&format!("https://{address}:")), "{url}");
    // No server is needed on the way.
    assert_eq!(far.home.kill_server(), 1);
    let answer = tls.post(&format!("{url}/score"), None, "{\"data\": [4]}");
    let answer: Value = serde_json::from_slice(&answer.success().stdout).unwrap();
    assert_eq!(answer["answer"], serde_json::json!([12]));
    let mut words = vec!["service", "test", "open", "--data", "rows.json"];
    let unknown = far.home.call(&words);
    assert!(
        !unknown.is_success() && said(&unknown).contains("certificate"),
        "{unknown}"
    );
    words.extend(["--cacert", tls.certificate.to_str().unwrap()]);
    let known = far.home.call(&words).success();
    assert_eq!(known.json()["answer"], serde_json::json!([3, 6]));
    let _ = far.home.call(["service", "delete", "open"]).success();
}

#[test]
fn what_cannot_be_is_said_and_changes_nothing() {
    let Some(far) = attached() else { return };
    let _ = far
        .home
        .call([
            "deploy",
            "local",
            "here",
            "--entry",
            "deploy/score.py",
            "--model",
            "model.txt",
        ])
        .success();
    let port = far.home.json(["service", "show", "here"])["spec"]["port"].to_string();
    for (name, more, word) in [
        (
            "there",
            &["--tls-cert", "c.pem", "--tls-key", "k.pem"][..],
            "whole path",
        ),
        ("there", &["--host", "nowhere"], "invalid value"),
        ("here", &["--overwrite"], "runs on `local`"),
        ("there", &["--port", &port], "belongs to the web service `here`"),
    ] {
        let refused = deploy(&far, name, more);
        assert_eq!(refused.code, Some(2), "{more:?}: {refused}");
        assert!(said(&refused).contains(word), "{more:?}: {refused}");
    }
    let words = [
        "deploy",
        "remote",
        "there",
        "--target",
        "bx",
        "--entry",
        "deploy/score.py",
    ];
    let refused = far.home.call(words);
    assert!(said(&refused).contains("`box`"), "{refused}");
    let listed = far.home.json(["service", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed:#}");
    let _ = far.home.call(["service", "delete", "here"]).success();
}
