//! A data folder with an entry script and a model, and requests as callers send them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use outhaul_testkit::home::Home;
use outhaul_testkit::process::Answer;
use serde_json::Value;

/// Doubles what it gets, and tells who it is.
pub(crate) const SCORE: &str = r#"
import json, os

def init():
    global weight
    path = os.environ.get("AZUREML_MODEL_DIR")
    if path:
        name = sorted(os.listdir(path))[0]
        with open(os.path.join(path, name)) as file:
            weight = int(file.read())
    else:
        weight = 1

def run(data):
    values = json.loads(data)["data"]
    return {"answer": [value * weight for value in values], "version": "one", "pid": os.getpid(),
            "env": os.environ.get("EXTRA"), "key": os.environ.get("OUTHAUL_SCORING_KEY")}
"#;

pub(crate) struct Bench {
    pub(crate) home: Home,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let home = Home::new(env!("CARGO_BIN_EXE_outhaul"));
        home.write("deploy/score.py", SCORE);
        home.write("model.txt", "3");
        Self { home }
    }

    pub(crate) fn deploy(&self, name: &str, more: &[&str]) -> Answer {
        let words = ["deploy", "local", name, "--entry", "deploy/score.py"];
        self.home.call([&words[..], more].concat())
    }

    pub(crate) fn show(&self, name: &str) -> Value {
        self.home.json(["service", "show", name])
    }

    pub(crate) fn score(&self, name: &str) -> Value {
        self.home.write("rows.json", "{\"data\": [1, 2]}");
        let answer = self
            .home
            .call(["service", "test", name, "--data", "rows.json"])
            .success();
        serde_json::from_slice(&answer.stdout).unwrap()
    }

    pub(crate) fn delete(&self, name: &str) {
        let _ = self.home.call(["service", "delete", name]).success();
    }
}

pub(crate) trait Said {
    /// What it wrote to standard error.
    fn said(&self) -> String;
}

impl Said for Answer {
    fn said(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// One request over a connection of its own: status and body.
pub(crate) fn ask(url: &str, head: &str, body: &str) -> std::io::Result<(u16, String)> {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    write!(
        stream,
        "POST /score HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n{head}\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    status
        .zip(body)
        .ok_or_else(|| std::io::Error::other(format!("no answer: {answer:?}")))
}
