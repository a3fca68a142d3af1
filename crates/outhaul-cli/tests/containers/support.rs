//! A data folder whose server knows a real engine, and what is run in its containers.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use outhaul_testkit::dockerd::{Dockerd, Image, dockerd};
use outhaul_testkit::home::Home;
use outhaul_testkit::process::{Answer, eventually};
use serde_json::Value;

/// Tells where and who it is, leaves a metric and files, and ends with code 3 if it is asked to.
const WHERE: &str = r#"
import json, os, sys
from outhaul.run import Run

run = Run.get_context()
run.log("answer", 42)
shm = os.statvfs("/dev/shm")
found = {
    "uid": os.getuid(),
    "contained": os.path.exists("/.dockerenv"),
    "shm": shm.f_blocks * shm.f_frsize,
    "extra": os.environ.get("EXTRA"),
    "python": sys.executable,
    "target": os.environ["OUTHAUL_TARGET"],
}
with open("outputs/where.json", "w") as file:
    json.dump(found, file)
print("out of the container")
print("err of the container", file=sys.stderr)
sys.exit(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
"#;

/// Appends its start to a mark in the shared folder, prints numbered lines until its gate is there.
const STEPS: &str = r#"
import os, sys, time
mark, gate = sys.argv[1], sys.argv[2]
with open(mark, "a") as file:
    file.write("started\n")
count = 0
while not os.path.exists(gate):
    print("line", count, flush=True)
    count += 1
    time.sleep(0.01)
with open("outputs/count", "w") as file:
    file.write(str(count))
"#;

/// A data folder and an engine.
pub(crate) struct Bench {
    pub(crate) home: Home,
    pub(crate) engine: &'static Dockerd,
    pub(crate) image: String,
}

impl Bench {
    /// `None` where there is no engine.
    pub(crate) fn new() -> Option<Self> {
        let engine = dockerd()?;
        let home = Home::new(env!("CARGO_BIN_EXE_outhaul"));
        let image = engine.image(Image::Debian);
        let bench = Self { home, engine, image };
        bench.home.write("where/train.py", WHERE);
        bench.home.write("steps/train.py", STEPS);
        std::fs::create_dir(bench.shared()).unwrap();
        std::fs::set_permissions(bench.shared(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let shared = bench.shared().display().to_string();
        bench.environment(&format!(
            "  image: {}\n  shm-size: 32m\n  arguments: [--volume, '{shared}:{shared}', --env, EXTRA=more]\n",
            bench.image
        ));
        Some(bench)
    }

    /// Writes the environment file with this section.
    pub(crate) fn environment(&self, docker: &str) {
        self.home.write("environment.yml", &format!("docker:\n{docker}"));
    }

    /// A folder that containers see under its own path.
    pub(crate) fn shared(&self) -> PathBuf {
        self.home.work().join("shared")
    }

    /// A command whose server, should it start one, knows the engine.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.home.command(words);
        command.env(
            "DOCKER_HOST",
            format!("unix://{}", self.engine.socket().display()),
        );
        command
    }

    pub(crate) fn call(&self, words: &[&str]) -> Answer {
        Answer::of(self.command(words))
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let mut command = self.command(words);
        command.args(["--format", "json"]);
        Answer::of(command).success().json()
    }

    /// Submits the script that goes on until its gate is there.
    pub(crate) fn submit_steps(&self, target: &str, number: usize) -> String {
        let (mark, gate) = (self.mark(number), self.gate(number));
        let words = [
            "run",
            "--target",
            target,
            "--environment",
            "environment.yml",
            "--detach",
            "steps/train.py",
            "--",
        ];
        let mut command = self.command(&words);
        command.args([&mark, &gate]);
        Answer::of(command).success().text().to_owned()
    }

    fn mark(&self, number: usize) -> PathBuf {
        self.shared().join(format!("mark-{number}"))
    }

    pub(crate) fn gate(&self, number: usize) -> PathBuf {
        self.shared().join(format!("gate-{number}"))
    }

    /// How often the script was started.
    pub(crate) fn starts(&self, number: usize) -> usize {
        std::fs::read_to_string(self.mark(number))
            .unwrap_or_default()
            .lines()
            .count()
    }

    /// Waits until a run is in a state, and sees that it does not end in another one before.
    pub(crate) fn wait_for(&self, id: &str, state: &str) -> Value {
        eventually(&format!("the run is {state}"), || {
            let run = self.json(&["runs", "show", id]);
            let ended = ["Completed", "Failed", "Canceled"].contains(&run["state"].as_str().unwrap());
            assert!(
                !ended || run["state"] == state,
                "{run:#}\n{}",
                self.home.server_log()
            );
            (run["state"] == state).then_some(run)
        })
    }

    /// Sees that the whole log of the script arrived, once.
    pub(crate) fn check_steps(&self, id: &str, number: usize) {
        let run = self.wait_for(id, "Completed");
        assert_eq!(self.starts(number), 1, "{run:#}");
        let count: usize = self.output(id, "count").parse().unwrap();
        let expected: String = (0..count).map(|line| format!("line {line}\n")).collect();
        let log = self.call(&["runs", "logs", id, "--stream", "stdout"]).success();
        assert!(
            log.stdout == expected.as_bytes(),
            "{} bytes and not {}",
            log.stdout.len(),
            expected.len()
        );
    }

    /// The text of an output file.
    pub(crate) fn output(&self, id: &str, name: &str) -> String {
        let folder = self.home.work().join(format!("outputs-of-{id}"));
        let words = ["runs", "outputs", id, "--download"];
        let mut command = self.command(&words);
        command.arg(&folder);
        let _ = Answer::of(command).success();
        std::fs::read_to_string(folder.join("outputs").join(name)).unwrap()
    }

    /// Names of this data folder's containers, running or not.
    pub(crate) fn containers(&self) -> Vec<String> {
        let id = std::fs::read_to_string(self.home.data().join("server-id")).unwrap_or_default();
        containers(self.engine.socket(), id.trim())
    }
}

/// Names of the containers of a home, asked of the engine without any of our code.
fn containers(socket: &Path, home: &str) -> Vec<String> {
    let mut stream = UnixStream::connect(socket).unwrap();
    let filter = format!("%7B%22label%22%3A%5B%22outhaul.home%3D{home}%22%5D%7D");
    write!(
        stream,
        "GET /containers/json?all=1&filters={filter} HTTP/1.0\r\nHost: engine\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let listed: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
    let names = listed.as_array().unwrap().iter();
    names.map(|container| container["Names"][0].to_string()).collect()
}
