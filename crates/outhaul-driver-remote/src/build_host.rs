//! The machine as a place where environments are built.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use outhaul_driver::{DriverError, ErrorKind};
use outhaul_environment::{
    BuildHost, FileFacts, Finished, Guard, HostError, HostErrorKind, LogSink, OutputLines, Step,
};
use outhaul_host::remote::{Input, Session, Stream};
use outhaul_host::run_dir::quote;
use tokio::sync::oneshot;

/// How long an answer to "is it there?" is believed. Only what was there is remembered.
const BELIEVED: Duration = Duration::from_secs(60);

/// Builds on a machine that is reached by a shell.
pub(crate) struct RemoteBuildHost {
    session: Arc<Session>,
    /// Small files and facts that were read lately, so that a warm run asks for none of them.
    seen: Mutex<HashMap<String, (Instant, Seen)>>,
}

#[derive(Clone)]
enum Seen {
    Bytes(Vec<u8>),
    Facts(FileFacts),
    There,
}

impl RemoteBuildHost {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self {
            session,
            seen: Mutex::default(),
        }
    }

    /// Forgets what was read, after the machine turned out to have changed.
    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn remembered(&self, key: &str) -> Option<Seen> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, (at, _)| at.elapsed() < BELIEVED);
        seen.get(key).map(|(_, seen)| seen.clone())
    }

    fn remember(&self, key: String, what: Seen) {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, (Instant::now(), what));
    }

    async fn script(
        &self,
        operation: &'static str,
        subject: &str,
        script: &str,
        input: &[u8],
    ) -> Result<Vec<u8>, HostError> {
        // What the programs complain of is part of the answer only when they fail.
        let script = format!(
            "{{ {script}\n}} 2> tmp/err.$$; code=$?; [ \"$code\" -eq 0 ] || cat tmp/err.$$; rm -f tmp/err.$$; exit \"$code\"\n"
        );
        let (status, output) = self
            .session
            .script(operation, &script, input)
            .await
            .map_err(|error| host_error(operation, subject, error))?;
        if status == 0 {
            return Ok(output);
        }
        let message = String::from_utf8_lossy(&output).trim().to_owned();
        let kind = if message.contains("No space left") || message.contains("quota") {
            HostErrorKind::Full
        } else if message.contains("Permission denied") || message.contains("Read-only") {
            HostErrorKind::Denied
        } else if message.contains("No such file") {
            HostErrorKind::NotFound
        } else {
            HostErrorKind::Other
        };
        Err(HostError {
            operation,
            subject: subject.to_owned(),
            kind,
            message,
        })
    }
}

pub(crate) fn host_error(operation: &'static str, subject: &str, error: DriverError) -> HostError {
    HostError {
        operation,
        subject: subject.to_owned(),
        kind: match error.kind {
            ErrorKind::DiskFull => HostErrorKind::Full,
            ErrorKind::Unreachable => HostErrorKind::Unreachable,
            _ => HostErrorKind::Other,
        },
        message: error.message,
    }
}

/// Ends the far side's work when it is dropped.
struct Channel(
    #[expect(dead_code, reason = "dropping it tells the task that holds the lock")] oneshot::Sender<()>,
);

impl Guard for Channel {}

/// Variables of the machine that would send packages elsewhere or make the tools refuse to work.
const HARMFUL: &str = "PIP_TARGET PIP_PREFIX PIP_USER PIP_ROOT PIP_REQUIRE_VIRTUALENV PIP_PYTHON PIP_REPORT PIP_DRY_RUN UV_PYTHON \
                       UV_PROJECT UV_PROJECT_ENVIRONMENT UV_TARGET UV_PREFIX UV_SYSTEM_PYTHON VIRTUAL_ENV CONDA_PREFIX \
                       PYTHONHOME PYTHONPATH";

/// The step as a script: the folder, the machine's own environment (its proxies, its certificates, its package index)
/// under that of the step, the command.
fn step_script(step: &Step) -> String {
    let mut script = format!("umask 022\nunset {HARMFUL}\n");
    if let Some(cwd) = &step.cwd {
        let cwd = quote(cwd);
        script.push_str(&format!("mkdir -p {cwd} && cd {cwd} || exit 126\n"));
    }
    script.push_str("exec env");
    for (name, value) in &step.env {
        script.push(' ');
        script.push_str(&quote(&format!("{name}={value}")));
    }
    for word in &step.argv {
        script.push(' ');
        script.push_str(&quote(word));
    }
    script.push('\n');
    script
}

#[async_trait]
impl BuildHost for RemoteBuildHost {
    async fn run(&self, step: &Step, log: &dyn LogSink) -> Result<Finished, HostError> {
        const OPERATION: &str = "run";
        let program = step.argv.first().map_or("", String::as_str);
        for file in &step.files {
            self.write_atomic(&file.path, file.text.as_bytes()).await?;
        }
        self.session
            .hello(OPERATION)
            .await
            .map_err(|error| host_error(OPERATION, program, error))?;
        let script = step_script(step);
        let line = self
            .session
            .installation()
            .line("step", &[&script.len().to_string()]);
        let (mut out, mut err) = (OutputLines::default(), OutputLines::default());
        let mut begun = false;
        let mut head = Vec::new();
        let mut heard = |stream, bytes: &[u8]| match stream {
            Stream::Stderr => err.take(bytes, log),
            Stream::Stdout if begun => out.take(bytes, log),
            Stream::Stdout => {
                head.extend_from_slice(bytes);
                if let Some(rest) = outhaul_host::remote::behind_mark(&head) {
                    begun = true;
                    out.take(rest, log);
                }
            }
        };
        let status = self
            .session
            .shell()
            .run(&line, Input::Open(script.as_bytes()), &mut heard)
            .await
            .map_err(|error| host_error(OPERATION, program, error.during(OPERATION)))?;
        // What was built or removed may be among the things that are remembered.
        self.forget();
        let signal = (status > 128).then_some(status - 128);
        Ok(Finished {
            code: signal.is_none().then_some(status),
            signal,
            stdout: out.finish(log),
            stderr: err.finish(log),
        })
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, HostError> {
        let key = format!("read {path}");
        if let Some(Seen::Bytes(bytes)) = self.remembered(&key) {
            return Ok(Some(bytes));
        }
        let word = quote(path);
        let script = format!("if [ -e {word} ]; then echo yes && cat {word}; else echo no; fi");
        let output = self.script("read", path, &script, b"").await?;
        let bytes = output.strip_prefix(b"yes\n").map(<[u8]>::to_vec);
        if let Some(bytes) = &bytes {
            self.remember(key, Seen::Bytes(bytes.clone()));
        }
        Ok(bytes)
    }

    async fn write_atomic(&self, path: &str, bytes: &[u8]) -> Result<(), HostError> {
        let word = quote(path);
        let script = format!(
            "mkdir -p \"$(dirname {word})\" && cat > {word}.$$ && [ \"$(wc -c < {word}.$$)\" -eq {} ] && mv {word}.$$ {word}",
            bytes.len()
        );
        self.forget();
        self.script("write", path, &script, bytes).await.map(drop)
    }

    async fn exists(&self, path: &str) -> Result<bool, HostError> {
        let key = format!("exists {path}");
        if self.remembered(&key).is_some() {
            return Ok(true);
        }
        let script = format!("if [ -e {} ]; then echo yes; else echo no; fi", quote(path));
        let there = self.script("look at", path, &script, b"").await? == b"yes\n";
        if there {
            self.remember(key, Seen::There);
        }
        Ok(there)
    }

    async fn facts(&self, path: &str) -> Result<Option<FileFacts>, HostError> {
        let key = format!("facts {path}");
        if let Some(Seen::Facts(facts)) = self.remembered(&key) {
            return Ok(Some(facts));
        }
        let word = quote(path);
        let script = format!(
            "if [ -e {word} ]; then readlink -f {word} && ls -lniLd {word} && if [ -f {word} ] && [ -x {word} ]; then echo x; fi; fi"
        );
        let output = self.script("look at", path, &script, b"").await?;
        let facts = parse_facts(&String::from_utf8_lossy(&output));
        if let Some(facts) = &facts {
            self.remember(key, Seen::Facts(facts.clone()));
        }
        Ok(facts)
    }

    async fn list(&self, path: &str) -> Result<Vec<String>, HostError> {
        let word = quote(path);
        let script = format!("[ ! -d {word} ] || ls -1A {word}");
        let output = self.script("list", path, &script, b"").await?;
        let mut names: Vec<String> = String::from_utf8_lossy(&output)
            .lines()
            .map(str::to_owned)
            .collect();
        names.sort();
        Ok(names)
    }

    async fn remove_tree(&self, path: &str) -> Result<(), HostError> {
        self.forget();
        let word = quote(path);
        let script = format!("rm -rf {word} || {{ chmod -R u+rwx {word}; rm -rf {word}; }}");
        self.script("remove", path, &script, b"").await.map(drop)
    }

    async fn place_tree(&self, from: &Path, to: &str) -> Result<(), HostError> {
        self.forget();
        crate::place::place(&self.session, from, to).await
    }

    async fn find_executables(&self, names: &[String], folders: &[String]) -> Result<Vec<String>, HostError> {
        let words = |list: &[String]| list.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
        let script = format!(
            "for folder in {}; do for name in {}; do p=$folder/$name; if [ -f \"$p\" ] && [ -x \"$p\" ]; then printf '%s\\n' \"$p\"; fi; done; done; :",
            words(folders),
            words(names)
        );
        let output = self.script("look for programs", "PATH", &script, b"").await?;
        Ok(String::from_utf8_lossy(&output)
            .lines()
            .map(str::to_owned)
            .collect())
    }

    async fn lock(&self, path: &str) -> Result<Box<dyn Guard>, HostError> {
        const OPERATION: &str = "lock";
        let word = quote(path);
        // Held by a process on the machine for as long as it has somebody to talk to. Without `flock` nobody waits: two
        // builders then do the same work in two folders, and one of the two counts.
        let script = format!(
            "mkdir -p \"$(dirname {word})\"; if command -v flock > /dev/null 2>&1; then exec flock {word} sh -c 'echo locked; cat'; else echo locked; cat; fi\n"
        );
        self.session
            .hello(OPERATION)
            .await
            .map_err(|error| host_error(OPERATION, path, error))?;
        let line = self
            .session
            .installation()
            .line("script", &[&script.len().to_string()]);
        let (held, holding) = oneshot::channel();
        let (give_up, given_up) = oneshot::channel::<()>();
        let session = Arc::clone(&self.session);
        tokio::spawn(async move {
            let mut held = Some(held);
            let mut heard = Vec::new();
            let mut listen = |stream, bytes: &[u8]| {
                if stream == Stream::Stdout && held.is_some() {
                    heard.extend_from_slice(bytes);
                    if heard.ends_with(b"locked\n")
                        && let Some(held) = held.take()
                    {
                        let _ = held.send(());
                    }
                }
            };
            tokio::select! {
                _ = session.shell().run(&line, Input::Open(script.as_bytes()), &mut listen) => {}
                _ = given_up => {}
            }
        });
        match holding.await {
            Ok(()) => Ok(Box::new(Channel(give_up))),
            Err(_) => Err(HostError {
                operation: OPERATION,
                subject: path.to_owned(),
                kind: HostErrorKind::Unreachable,
                message: "the connection broke".to_owned(),
            }),
        }
    }
}

/// Reads the real path, the line of `ls -lni` and the mark of an executable file.
fn parse_facts(text: &str) -> Option<FileFacts> {
    let mut lines = text.lines();
    let real = lines.next()?.to_owned();
    let columns: Vec<&str> = lines.next()?.split_ascii_whitespace().collect();
    let date = columns.get(6..9)?.join(" ");
    let hash = outhaul_snapshot::Hash::of(date.as_bytes()).to_hex();
    Some(FileFacts {
        real,
        size: columns.get(5)?.parse().ok()?,
        // No date that a program could read is to be had from every `ls`; two equal ones are enough.
        modified_ns: i128::from(i64::from_str_radix(&hash[..15], 16).unwrap_or_default()),
        inode: columns.first()?.parse().ok()?,
        executable: lines.next() == Some("x"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read() {
        let facts = parse_facts(
            "/usr/bin/python3.11\n1234 -rwxr-xr-x 1 0 0 6839896 Nov 25 02:00 /usr/bin/python3\nx\n",
        )
        .unwrap();
        assert_eq!(
            (facts.real.as_str(), facts.size, facts.inode, facts.executable),
            ("/usr/bin/python3.11", 6_839_896, 1234, true)
        );
        let later =
            parse_facts("/usr/bin/python3.11\n1234 -rwxr-xr-x 1 0 0 6839896 Nov 25 02:01 /usr/bin/python3\n")
                .unwrap();
        assert!(later.modified_ns != facts.modified_ns && !later.executable);
        assert!(parse_facts("").is_none());
    }

    #[test]
    fn a_step_is_one_clean_command() {
        let step = Step {
            purpose: "x".into(),
            argv: vec!["/a b/uv".into(), "it's".into()],
            env: vec![("A".into(), "1 2".into())],
            cwd: Some("/r".into()),
            files: vec![],
        };
        assert_eq!(
            step_script(&step),
            format!(
                "umask 022\nunset {HARMFUL}\nmkdir -p /r && cd /r || exit 126\nexec env 'A=1 2' '/a b/uv' 'it'\\''s'\n"
            )
        );
    }
}
