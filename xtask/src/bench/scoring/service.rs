//! A server of models that runs: started, asked until it answers rightly, weighed.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::servers::{Script, Server};
use crate::bench::limit::{self, Group};
use crate::bench::machine::Machine;
use crate::bench::port;
use crate::bench::venv::Venv;
use crate::shell;
use crate::temp::Temp;

/// The longest that a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(120);
const TRAIN: &str = include_str!("scripts/train.py");

/// A folder in which a server can be started as often as wanted.
pub struct Place<'a> {
    server: &'a Server,
    script: Script,
    venv: Venv,
    outhaul: PathBuf,
    folder: Temp,
}

/// A server that answers; it ends with this value.
pub struct Service {
    group: Group,
    address: SocketAddr,
    path: &'static str,
    body: String,
    /// What it answers, byte for byte.
    pub answer: String,
    /// Seconds from its start to its first answer.
    pub start: f64,
}

/// What came of many calls.
pub struct Load {
    /// Seconds for one answer, all connections together.
    pub each: f64,
    /// The median of a call, in seconds.
    pub p50: f64,
    /// The 99th percentile of a call, in seconds.
    pub p99: f64,
    /// How many calls in a hundred needed a new connection.
    pub anew: f64,
}

impl<'a> Place<'a> {
    /// Installs the server and lays out what it serves.
    pub fn new(machine: &Machine, server: &'a Server, script: Script) -> Result<Self> {
        let (name, packages) = server.venv;
        let venv = Venv::kept(machine, name, packages)?;
        let folder = Temp::new("scoring")?;
        std::fs::create_dir(folder.path().join("model"))?;
        std::fs::write(folder.path().join("score.py"), script.text())?;
        let place = Self {
            server,
            script,
            venv,
            outhaul: machine.program(),
            folder,
        };
        if script == Script::Iris {
            place.once(&["python", "-c", TRAIN])?;
        }
        if let Some(words) = server.prepare {
            place.lay_out(&BTreeMap::new())?;
            place.once(words)?;
        }
        Ok(place)
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn once(&self, words: &[&str]) -> Result<()> {
        limit::time(&mut self.command(words)?, &self.log(), PATIENCE).map(drop)
    }

    fn command(&self, words: &[&str]) -> Result<Command> {
        let folder = self.folder.path();
        let mut command = self.venv.command(words[0], folder)?;
        if words[0] == "OUTHAUL" {
            command = crate::repo::clean(&self.outhaul);
            command.current_dir(folder);
        }
        let python = self.venv.python();
        for word in &words[1..] {
            if *word == "PYTHON" {
                command.arg(&python);
            } else {
                command.arg(word);
            }
        }
        command
            .env("AZUREML_MODEL_DIR", folder.join("model"))
            .env("AZUREML_ENTRY_SCRIPT", "score.py")
            .env("AML_APP_ROOT", folder);
        Ok(command)
    }

    fn lay_out(&self, ports: &BTreeMap<&str, String>) -> Result<()> {
        for (name, text) in self.server.files {
            std::fs::write(self.folder.path().join(name), filled(text, ports))?;
        }
        Ok(())
    }

    /// Starts it and waits for its first right answer.
    pub fn start(&self) -> Result<Service> {
        let address = port::free()?;
        let mut ports = BTreeMap::from([("{port}", address.port().to_string())]);
        for name in ["{grpc}", "{metrics}"] {
            ports.insert(name, port::free()?.port().to_string());
        }
        self.lay_out(&ports)?;
        let words: Vec<String> = self
            .server
            .start
            .iter()
            .map(|word| filled(word, &ports))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = self.command(&words)?;
        let expected = (self.server.answer)(self.script);
        let body = (self.server.body)().to_string();
        let mut said = "it does not listen".to_owned();
        let begin = Instant::now();
        let mut group = Group::start(&mut command, &self.log())?;
        loop {
            match ask(address, self.server.path, &body) {
                Ok((200, answer)) => {
                    let start = begin.elapsed().as_secs_f64();
                    // Some answer a text as it is.
                    let read = serde_json::from_str(&answer).unwrap_or_else(|_| Value::from(answer.as_str()));
                    ensure!(read == expected, "it answers `{answer}` and not `{expected}`");
                    return Ok(Service {
                        group,
                        address,
                        path: self.server.path,
                        body,
                        answer,
                        start,
                    });
                }
                // Not ready yet: what each says then differs.
                Ok((status, answer)) => said = format!("it answers {status}: {answer}"),
                Err(_) => {}
            }
            if group.has_ended()? {
                bail!("it ended: {}", limit::last_line(&self.log()));
            }
            if begin.elapsed() > PATIENCE {
                bail!("it was not ready within {} s; {said}", PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn filled(text: &str, ports: &BTreeMap<&str, String>) -> String {
    let mut text = text.to_owned();
    for (name, port) in ports {
        text = text.replace(name, port);
    }
    text
}

/// One request on a connection of its own: the status and the body of its answer.
fn ask(address: SocketAddr, path: &str, body: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("an answer without an end")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.context("an answer without a status")?, body.to_owned()))
}

impl Service {
    /// Calls it for so long on so many connections. Every answer is compared with its first one.
    pub fn load(&self, machine: &Machine, connections: usize, seconds: f64) -> Result<Load> {
        let mut command = crate::repo::clean(machine.measure());
        command
            .args([
                "load",
                &self.address.to_string(),
                self.path,
                &self.body,
                &self.answer,
            ])
            .args([connections.to_string(), seconds.to_string()]);
        let told: Value = serde_json::from_str(&shell::output(&mut command)?)?;
        let number = |name: &str| told[name].as_f64().with_context(|| format!("no `{name}`"));
        let answers = number("answers")?;
        Ok(Load {
            each: number("seconds")? / answers,
            p50: number("p50")?,
            p99: number("p99")?,
            anew: 100.0 * number("anew")? / answers,
        })
    }

    /// What it and everything it has started keep in memory, in megabytes; what several share counts once.
    pub fn memory(&self) -> Result<f64> {
        let mut parents = BTreeMap::new();
        for entry in std::fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u32>().ok())
            else {
                continue;
            };
            // It may have ended in between.
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1));
            if let Some(parent) = parent.and_then(|parent| parent.parse::<u32>().ok()) {
                parents.insert(pid, parent);
            }
        }
        let leader = self.group.id();
        let descends = |mut pid: u32| {
            while pid != leader {
                match parents.get(&pid) {
                    Some(parent) => pid = *parent,
                    None => return false,
                }
            }
            true
        };
        let mut kilobytes = 0;
        for pid in parents.keys().filter(|pid| descends(**pid)) {
            let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
            let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
            let pss = pss.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
            kilobytes += pss.unwrap_or_default();
        }
        ensure!(kilobytes > 0, "its memory cannot be read");
        Ok(kilobytes as f64 * 1024.0 / 1e6)
    }
}
