//! An image as a place where environments are built: files under the root are the host's, commands and everything else
//! are the image's.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use outhaul_docker::{DockerError, Engine, ErrorKind, Mount, StepRequest, StepStream};
use outhaul_environment::{
    BuildHost, FileFacts, Finished, Guard, HostError, HostErrorKind, LogSink, NoLog, OutputLines, Step,
};

/// Runs a command in a folder that is made if it is missing.
const IN_FOLDER: &str = r#"mkdir -p "$1" && cd "$1" || exit 126; shift; exec "$@""#;

/// Builds inside an image.
pub(crate) struct ImageBuildHost {
    /// The host that the engine runs on.
    pub(crate) host: Arc<dyn BuildHost>,
    pub(crate) engine: Engine,
    /// Id of the image.
    pub(crate) image: String,
    /// The folder that the image's containers share with the host.
    pub(crate) root: String,
    pub(crate) user: Option<(u32, u32)>,
    /// What is known of the image's own files, which never change.
    pub(crate) known: Mutex<HashMap<String, FileFacts>>,
}

fn host_error(operation: &'static str, subject: &str, error: DockerError) -> HostError {
    HostError {
        operation,
        subject: subject.to_owned(),
        kind: match error.kind {
            ErrorKind::Unreachable => HostErrorKind::Unreachable,
            ErrorKind::DiskFull => HostErrorKind::Full,
            ErrorKind::Denied => HostErrorKind::Denied,
            _ => HostErrorKind::Other,
        },
        message: error.message,
    }
}

impl ImageBuildHost {
    /// Whether a path lies in what the image shares with the host.
    fn is_shared(&self, path: &str) -> bool {
        Path::new(path).starts_with(&self.root)
    }

    /// What a shell in the image prints.
    async fn ask(&self, subject: &str, script: &str, words: &[&str]) -> Result<String, HostError> {
        let step = Step {
            purpose: "looking into the image".to_owned(),
            argv: ["sh", "-c", script, "sh"]
                .iter()
                .chain(words)
                .map(|&word| word.to_owned())
                .collect(),
            env: Vec::new(),
            cwd: None,
            files: Vec::new(),
        };
        let finished = self.run(&step, &NoLog).await?;
        if finished.success() {
            return Ok(String::from_utf8_lossy(&finished.stdout).into_owned());
        }
        Err(HostError {
            operation: "look into the image at",
            subject: subject.to_owned(),
            kind: HostErrorKind::Other,
            message: String::from_utf8_lossy(&finished.stderr).trim().to_owned(),
        })
    }
}

#[async_trait]
impl BuildHost for ImageBuildHost {
    async fn run(&self, step: &Step, log: &dyn LogSink) -> Result<Finished, HostError> {
        let program = step.argv.first().map_or("", String::as_str);
        for file in &step.files {
            self.host.write_atomic(&file.path, file.text.as_bytes()).await?;
        }
        // What is mounted must be there.
        let mark = format!("{}/image", self.root);
        if !self.host.exists(&mark).await? {
            self.host
                .write_atomic(&mark, format!("{}\n", self.image).as_bytes())
                .await?;
        }
        let folder = step.cwd.as_deref().unwrap_or("/");
        let argv = ["sh", "-c", IN_FOLDER, "sh", folder]
            .into_iter()
            .chain(step.argv.iter().map(String::as_str));
        let request = StepRequest {
            image: self.image.clone(),
            argv: argv.map(str::to_owned).collect(),
            environment: step.env.clone(),
            folder: "/".to_owned(),
            mounts: vec![Mount {
                writable: true,
                ..Mount::read_only(&self.root)
            }],
            user: self.user,
        };
        let (mut out, mut err) = (OutputLines::default(), OutputLines::default());
        let mut heard = |stream, bytes: &[u8]| match stream {
            StepStream::Stdout => out.take(bytes, log),
            StepStream::Stderr => err.take(bytes, log),
        };
        let code = self
            .engine
            .run_step(&request, &mut heard)
            .await
            .map_err(|error| host_error("run", program, error))?;
        let code = i32::try_from(code).unwrap_or(255);
        let signal = (code > 128).then_some(code - 128);
        Ok(Finished {
            code: signal.is_none().then_some(code),
            signal,
            stdout: out.finish(log),
            stderr: err.finish(log),
        })
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, HostError> {
        if self.is_shared(path) {
            return self.host.read(path).await;
        }
        let script = r#"if [ -e "$1" ]; then echo yes && cat "$1"; else echo no; fi"#;
        let said = self.ask(path, script, &[path]).await?;
        Ok(said.strip_prefix("yes\n").map(|text| text.as_bytes().to_vec()))
    }

    async fn write_atomic(&self, path: &str, bytes: &[u8]) -> Result<(), HostError> {
        self.host.write_atomic(path, bytes).await
    }

    async fn exists(&self, path: &str) -> Result<bool, HostError> {
        if self.is_shared(path) {
            return self.host.exists(path).await;
        }
        Ok(self.facts(path).await?.is_some())
    }

    async fn facts(&self, path: &str) -> Result<Option<FileFacts>, HostError> {
        if self.is_shared(path) {
            // A link may lead into the image, where the host cannot follow it.
            if let Some(facts) = self.host.facts(path).await? {
                return Ok(Some(facts));
            }
        }
        let known = |path: &str| {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(path).cloned()
        };
        if let Some(facts) = known(path) {
            return Ok(Some(facts));
        }
        let script = r#"[ ! -e "$1" ] || { readlink -f "$1" 2> /dev/null || echo "$1"; [ ! -f "$1" ] || [ ! -x "$1" ] || echo x; }"#;
        let said = self.ask(path, script, &[path]).await?;
        let mut lines = said.lines();
        let Some(real) = lines.next() else {
            return Ok(None);
        };
        let facts = FileFacts {
            real: real.to_owned(),
            // The root belongs to one image, in which a file is what it is.
            size: 0,
            modified_ns: 0,
            inode: 0,
            executable: lines.next() == Some("x"),
        };
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.to_owned(), facts.clone());
        Ok(Some(facts))
    }

    async fn list(&self, path: &str) -> Result<Vec<String>, HostError> {
        self.host.list(path).await
    }

    async fn remove_tree(&self, path: &str) -> Result<(), HostError> {
        self.host.remove_tree(path).await
    }

    async fn place_tree(&self, from: &Path, to: &str) -> Result<(), HostError> {
        self.host.place_tree(from, to).await
    }

    async fn find_executables(&self, names: &[String], folders: &[String]) -> Result<Vec<String>, HostError> {
        let script = r#"folders=$1; shift; IFS=:
for folder in $folders; do for name; do p=$folder/$name; [ ! -f "$p" ] || [ ! -x "$p" ] || printf '%s\n' "$p"; done; done"#;
        let folders = folders.join(":");
        let words: Vec<&str> = std::iter::once(folders.as_str())
            .chain(names.iter().map(String::as_str))
            .collect();
        let said = self.ask("PATH", script, &words).await?;
        Ok(said.lines().map(str::to_owned).collect())
    }

    async fn lock(&self, path: &str) -> Result<Box<dyn Guard>, HostError> {
        self.host.lock(path).await
    }
}
