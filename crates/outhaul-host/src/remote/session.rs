//! Asking a machine: an operation, its answer, and what is done when the script is not there (any more).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use outhaul_driver::{DriverError, ErrorKind};

use super::answer::{Answer, NoAnswer, shortened};
use super::install::Installation;
use super::shell::{Input, Shell, Stream};

/// What a machine says of itself when it is first asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Our root folder, absolute.
    pub root: String,
    /// Made with the folder: another one means that all in it is gone.
    pub epoch: String,
    /// The host's boot id, where it tells.
    pub boot: Option<String>,
    /// Ids of the trees that it keeps.
    pub trees: Vec<String>,
}

/// A machine with our script on it.
pub struct Session {
    shell: Arc<dyn Shell>,
    installation: Installation,
    hello: Mutex<Option<Arc<Hello>>>,
    greeting: tokio::sync::Mutex<()>,
    /// Everything of ours is being removed: whoever still works on the machine must not put our files there again.
    leaving: AtomicBool,
}

/// What came of a command.
pub(super) struct Ran {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) status: i32,
}

impl Session {
    /// A session over a shell. Nothing is asked yet.
    #[must_use]
    pub fn new(shell: Arc<dyn Shell>, installation: Installation) -> Self {
        Self {
            shell,
            installation,
            hello: Mutex::default(),
            greeting: tokio::sync::Mutex::default(),
            leaving: AtomicBool::new(false),
        }
    }

    /// What carries the commands.
    #[must_use]
    pub fn shell(&self) -> &Arc<dyn Shell> {
        &self.shell
    }

    /// What is installed.
    #[must_use]
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// What the machine said when it was first asked; asks it if it was not.
    ///
    /// # Errors
    /// When the machine cannot be asked, or our files cannot be put there.
    pub async fn hello(&self, operation: &'static str) -> Result<Arc<Hello>, DriverError> {
        if let Some(hello) = self.known() {
            return Ok(hello);
        }
        let _one = self.greeting.lock().await;
        if let Some(hello) = self.known() {
            return Ok(hello);
        }
        let token = token();
        let line = self.installation.line("hello", &[&token]);
        let mut ran = self.command(&line, Input::Bytes(b""), operation).await?;
        if super::answer::behind_mark(&ran.stdout).is_none() {
            if self.leaving.load(Ordering::SeqCst) {
                let message = "the target was detached";
                return Err(DriverError::permanent(ErrorKind::Refused, operation, message));
            }
            let install = self.installation.install_line(&token);
            let installed = self
                .command(&install, Input::Bytes(self.installation.pack()), operation)
                .await?;
            read(&installed, operation)?;
            ran = self.command(&line, Input::Bytes(b""), operation).await?;
        }
        let answer = read(&ran, operation)?;
        let text = |name: &str| answer.value(name).unwrap_or_default().to_owned();
        let hello = Arc::new(Hello {
            root: text("root"),
            epoch: text("epoch"),
            boot: answer
                .value("boot")
                .filter(|boot| *boot != "-")
                .map(str::to_owned),
            trees: answer.values("tree").map(str::to_owned).collect(),
        });
        *self.hello.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&hello));
        Ok(hello)
    }

    fn known(&self) -> Option<Arc<Hello>> {
        self.hello.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says whether everything of ours is about to go: from then on our files are not put there again.
    pub(super) fn leave(&self, leaving: bool) {
        self.leaving.store(leaving, Ordering::SeqCst);
    }

    /// Forgets what the machine said: it is asked again, and our files are put there again if they are gone.
    pub fn forget(&self) {
        *self.hello.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Asks for an operation with a short input, and once more if the script was not there any more.
    ///
    /// # Errors
    /// When the machine cannot be asked, or could not do it.
    pub async fn ask(
        &self,
        operation: &'static str,
        name: &str,
        arguments: &[&str],
        input: &[u8],
    ) -> Result<Answer, DriverError> {
        for last in [false, true] {
            self.hello(operation).await?;
            let line = self.installation.line(name, arguments);
            let ran = self.command(&line, Input::Bytes(input), operation).await?;
            if super::answer::behind_mark(&ran.stdout).is_none() && !last {
                self.forget();
                continue;
            }
            return read(&ran, operation);
        }
        unreachable!("the second try returns")
    }

    /// Runs a script with what follows it as its input; its output is given as it is.
    ///
    /// # Errors
    /// When the machine cannot be asked.
    pub async fn script(
        &self,
        operation: &'static str,
        script: &str,
        input: &[u8],
    ) -> Result<(i32, Vec<u8>), DriverError> {
        for last in [false, true] {
            self.hello(operation).await?;
            let line = self.installation.line("script", &[&script.len().to_string()]);
            let all = [script.as_bytes(), input].concat();
            let ran = self.command(&line, Input::Bytes(&all), operation).await?;
            match super::answer::behind_mark(&ran.stdout) {
                Some(output) => return Ok((ran.status, output.to_vec())),
                None if last => return Err(not_started(&ran, operation)),
                None => self.forget(),
            }
        }
        unreachable!("the second try returns")
    }

    pub(super) async fn command(
        &self,
        line: &str,
        input: Input<'_>,
        operation: &'static str,
    ) -> Result<Ran, DriverError> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let status = self
            .shell
            .run(line, input, &mut |stream, bytes| match stream {
                Stream::Stdout => stdout.extend_from_slice(bytes),
                Stream::Stderr => stderr.extend_from_slice(&bytes[..bytes.len().min(64 << 10)]),
            })
            .await
            .map_err(|error| error.during(operation))?;
        Ok(Ran {
            stdout,
            stderr,
            status,
        })
    }
}

/// A word that no other caller uses at the same time.
fn token() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    format!(
        "{now:x}-{:x}-{:x}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

pub(super) fn read(ran: &Ran, operation: &'static str) -> Result<Answer, DriverError> {
    Answer::parse(&ran.stdout).map_err(|why| match why {
        NoAnswer::NotStarted { .. } => not_started(ran, operation),
        NoAnswer::CutOff => DriverError::temporary(
            ErrorKind::Unreachable,
            operation,
            format!("the answer broke off{}", said(&ran.stderr)),
        ),
        NoAnswer::Failed(reason) => refused(operation, &reason),
    })
}

/// What the far side could not do, with what mends it.
fn refused(operation: &'static str, reason: &str) -> DriverError {
    let lower = reason.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["no space", "disk full", "quota"]) {
        return DriverError::temporary(ErrorKind::DiskFull, operation, reason)
            .with_hint("make room on the target, or attach it with `--folder` on a larger disk");
    }
    let error = DriverError::permanent(ErrorKind::Target, operation, reason);
    if has(&["read-only", "permission denied"]) {
        return error.with_hint("attach the target with `--folder` on a disk that the user may write to");
    }
    if has(&[
        "tar: not found",
        "tar: command not found",
        "setsid: not found",
        "setsid: command not found",
    ]) {
        return error.with_hint("install `tar` and `util-linux` on the target");
    }
    error
}

fn not_started(ran: &Ran, operation: &'static str) -> DriverError {
    let heard = [ran.stdout.as_slice(), ran.stderr.as_slice()].concat();
    let words = shortened(&heard);
    let words = if words.is_empty() {
        "nothing".to_owned()
    } else {
        format!("`{words}`")
    };
    DriverError::permanent(
        ErrorKind::Target,
        operation,
        format!("the login shell ran no command: it said {words} and ended with status {}", ran.status),
    )
    .with_hint("give the user a login shell that runs commands (`chsh -s /bin/sh USER`), and see that its start files neither wait nor exit")
}

fn said(stderr: &[u8]) -> String {
    let words = shortened(stderr);
    if words.is_empty() {
        words
    } else {
        format!(": {words}")
    }
}
