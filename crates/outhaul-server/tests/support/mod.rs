//! A server in this process with a data folder of its own, and plain HTTP over its socket.

#![expect(dead_code, reason = "each test file uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use outhaul_server::{ServeConfig, serve};
use outhaul_snapshot::{BlobStore, TakeOptions, silent, take};
use outhaul_types::{ApiError, Run, RunId};
use serde_json::{Value, json};

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
pub struct Server {
    folder: tempfile::TempDir,
    thread: Option<JoinHandle<Result<(), ApiError>>>,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

impl Server {
    pub fn start() -> Self {
        let mut server = Self {
            folder: tempfile::tempdir().unwrap(),
            thread: None,
        };
        server.run();
        server
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Starts the server on its folder.
    pub fn run(&mut self) {
        let begin = Instant::now();
        while let Err(error) = self.try_run() {
            // A server that ended as a process would have let go of everything; one that ended as a thread may still
            // have a file being written.
            assert!(
                error.message.contains("already running") && begin.elapsed() < PATIENCE,
                "{error}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn try_run(&mut self) -> Result<(), ApiError> {
        let (ready, is_ready) = mpsc::channel();
        let path = std::env::var("PATH").unwrap();
        let config = ServeConfig {
            home: self.home(),
            background: false,
            build: "test".into(),
            program: "/nonexistent/outhaul".into(),
            environment: std::env::vars().collect(),
            search_path: path.split(':').map(str::to_owned).collect(),
            master_key: None,
            failpoint: None,
            ready: Box::new(move |result| ready.send(result.map_err(Clone::clone)).unwrap()),
        };
        self.thread = Some(std::thread::spawn(|| serve(config)));
        is_ready.recv_timeout(PATIENCE).unwrap()
    }

    /// Stops it gracefully.
    pub fn stop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.post("/server/stop", &Value::Null);
            thread.join().unwrap().unwrap();
        }
    }

    /// Waits for a server that was asked to stop already.
    pub fn stop_quietly(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
    }

    pub fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = UnixStream::connect(self.home().join("server.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: outhaul\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        // In one piece: a server that does not wait for the body may close the connection behind its answer.
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let raw = &bytes[end + 4..];
        let body = if head.contains("transfer-encoding: chunked") {
            dechunk(raw)
        } else {
            raw.to_vec()
        };
        Answer { status, head, body }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", &format!("/api/v1{path}"), "", b"")
    }

    pub fn follow(&self, path: &str) -> Answer {
        self.send(
            "GET",
            &format!("/api/v1{path}"),
            "accept: text/event-stream\r\n",
            b"",
        )
    }

    /// Begins to follow, and returns once `mark` was seen.
    pub fn follow_until(&self, path: &str, mark: &str) -> (UnixStream, String) {
        let mut stream = UnixStream::connect(self.home().join("server.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET /api/v1{path} HTTP/1.1\r\nhost: outhaul\r\nconnection: close\r\naccept: text/event-stream\r\n\r\n").unwrap();
        let mut seen = String::new();
        let mut block = [0; 4096];
        while !seen.contains(mark) {
            let size = stream.read(&mut block).unwrap();
            assert!(size > 0, "the stream ended before {mark:?}: {seen}");
            seen.push_str(std::str::from_utf8(&block[..size]).unwrap());
        }
        (stream, seen)
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(
            "POST",
            &format!("/api/v1{path}"),
            "content-type: application/json\r\n",
            &serde_json::to_vec(body).unwrap(),
        )
    }

    /// The body that submits a shell text.
    pub fn submission(&self, shell: &str) -> Value {
        let source = self.folder.path().join("source");
        std::fs::create_dir_all(&source).unwrap();
        std::fs::write(source.join("data.txt"), "data\n").unwrap();
        let blobs = BlobStore::open(self.home().join("blobs")).unwrap();
        let taken = take(
            &source,
            &blobs,
            &self.folder.path().join("index"),
            &TakeOptions::default(),
            &silent,
        )
        .unwrap();
        json!({
            "id": RunId::generate().unwrap(),
            "experiment": "tests",
            "command": {"kind": "program", "argv": ["sh", "-c", shell]},
            "snapshot": {"tree": taken.tree_id.to_hex(), "files": 1, "bytes": 5, "source": "source"},
            "environment": {"kind": "spec", "spec": {"interpreter": {"kind": "user_managed", "python": python()}}},
        })
    }

    pub fn submit(&self, shell: &str) -> Run {
        self.submit_as(&self.submission(shell))
    }

    pub fn submit_as(&self, body: &Value) -> Run {
        let answer = self.post("/runs", body);
        assert_eq!(answer.status, 201, "{}", answer.text());
        serde_json::from_value(answer.json()).unwrap()
    }

    pub fn run_of(&self, id: &RunId) -> Run {
        serde_json::from_value(self.get(&format!("/runs/{id}")).json()).unwrap()
    }

    /// Follows a run's events to its end.
    pub fn end(&self, id: &RunId) -> Run {
        let answer = self.follow(&format!("/runs/{id}/events?follow=true"));
        let text = answer.text();
        let data = text
            .split("event: end\n")
            .nth(1)
            .unwrap_or_else(|| panic!("no end frame: {text}"));
        serde_json::from_str(data.lines().next().unwrap().strip_prefix("data: ").unwrap()).unwrap()
    }

    /// Asks until a run is as wished for.
    pub fn until(&self, id: &RunId, what: &str, done: impl Fn(&Run) -> bool) -> Run {
        let begin = Instant::now();
        loop {
            let run = self.run_of(id);
            if done(&run) {
                return run;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "not seen in time: {what}; the run is {}",
                run.state
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a run has printed something.
    pub fn has_printed(&self, id: &RunId) {
        let begin = Instant::now();
        while self
            .get(&format!("/runs/{id}/logs?stream=stdout"))
            .body
            .is_empty()
        {
            assert!(begin.elapsed() < PATIENCE, "nothing printed in time");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.stop();
    }
}

/// The interpreter behind `python3` (a shim may stand before it).
pub fn python() -> String {
    let output = std::process::Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn dechunk(mut raw: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = raw.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&raw[..end]).unwrap().trim(), 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend(&raw[end + 2..end + 2 + size]);
        raw = &raw[end + 2 + size + 2..];
    }
    body
}
