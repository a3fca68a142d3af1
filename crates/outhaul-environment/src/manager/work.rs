//! The slow path: one environment is locked and built, with a log, under claims.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{BuiltEnvironment, EnvironmentManager, PrepareOptions};
use crate::error::EnvironmentError;
use crate::host::{Finished, LogSink};
use crate::interpreter::Probed;
use crate::lock::{LOCK_VERSION, environment_id};
use crate::plan::{Step, Tool};
use crate::redact::redact_urls;
use crate::resolver::{FailureKind, classify_failure, explain_failure, parse_pip_report, parse_uv_compile};
use crate::spec::spec_id;
use crate::version::Specifier;
use outhaul_types::Lock;
use outhaul_types::{EnvironmentSpec, Interpreter};

/// Most log that is kept in memory for the log file; older lines go first.
const LOG: usize = 4 << 20;

/// Passes output on to the caller's log and keeps it for the log file. Passwords in addresses are taken out of both.
pub(super) struct Tee<'a> {
    to: &'a dyn LogSink,
    kept: Mutex<Vec<u8>>,
}

impl<'a> Tee<'a> {
    pub(super) fn new(to: &'a dyn LogSink) -> Self {
        Self {
            to,
            kept: Mutex::default(),
        }
    }
}

impl Tee<'_> {
    /// A line of our own.
    pub(super) fn say(&self, text: &str) {
        self.line(format!("{text}\n").as_bytes());
    }

    pub(super) fn purpose(&self, step: &Step) {
        self.say(&format!("{}: {}", step.purpose, step.argv.join(" ")));
    }
}

impl LogSink for Tee<'_> {
    fn line(&self, bytes: &[u8]) {
        let clean;
        // Bytes that are no text cannot be an address; they pass as they are.
        let bytes = match std::str::from_utf8(bytes) {
            Ok(text) if text.contains("://") => {
                clean = redact_urls(text);
                clean.as_bytes()
            }
            _ => bytes,
        };
        self.to.line(bytes);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        if kept.len() > 2 * LOG {
            let excess = kept.len() - LOG;
            kept.drain(..excess);
        }
    }
}

/// A name that was never used before on this machine.
pub(crate) fn fresh_name() -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    format!("{now:x}-{:x}-{count:x}", std::process::id())
}

/// What a failed step means.
pub(super) fn judge(step: &Step, tool: Tool, finished: &Finished) -> EnvironmentError {
    let purpose = step.purpose.clone();
    if let Some(signal) = finished.signal {
        let message = format!("ended by signal {signal}; the machine may be out of memory");
        return EnvironmentError::Temporary {
            purpose,
            message,
            log: None,
        };
    }
    let (out, err) = (
        String::from_utf8_lossy(&finished.stdout),
        String::from_utf8_lossy(&finished.stderr),
    );
    let words = explain_failure(tool, if err.trim().is_empty() { &out } else { &err });
    match classify_failure(&format!("{err}\n{out}")) {
        FailureKind::DiskFull => EnvironmentError::Temporary {
            purpose,
            message: format!("no space is left on the disk; free some and try again\n{words}"),
            log: None,
        },
        FailureKind::Network => EnvironmentError::Temporary {
            purpose,
            message: format!("the package index could not be reached\n{words}"),
            log: None,
        },
        FailureKind::Unsolvable => EnvironmentError::Unsolvable {
            message: words,
            log: None,
        },
        FailureKind::Other => EnvironmentError::BuildFailed {
            purpose,
            message: words,
            log: None,
        },
    }
}

impl EnvironmentManager {
    /// Runs a step that must succeed.
    pub(super) async fn run_step(
        &self,
        step: &Step,
        tool: Tool,
        log: &Tee<'_>,
    ) -> Result<Finished, EnvironmentError> {
        log.purpose(step);
        let finished = self.host.run(step, log).await?;
        if finished.success() {
            Ok(finished)
        } else {
            Err(judge(step, tool, &finished))
        }
    }
}

/// One call of `prepare` that has work to do.
pub(super) struct Work<'a> {
    pub(super) manager: &'a EnvironmentManager,
    pub(super) spec: &'a EnvironmentSpec,
    pub(super) spec_id: String,
    pub(super) log: Tee<'a>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        manager: &'a EnvironmentManager,
        spec: &'a EnvironmentSpec,
        log: &'a dyn LogSink,
    ) -> Self {
        Self {
            manager,
            spec,
            spec_id: spec_id(spec),
            log: Tee::new(log),
        }
    }

    pub(super) async fn run(
        self,
        given: Option<Lock>,
        options: PrepareOptions,
    ) -> Result<BuiltEnvironment, EnvironmentError> {
        let manager = self.manager;
        if let Some(lock) = given {
            return self.build(lock, None, options.keep, options).await;
        }
        if !options.retry {
            manager.check_failed(&self.spec_id).await?;
            if !options.relock
                && let Some(id) = manager.environment_of_spec(&self.spec_id).await?
            {
                manager.check_failed(&id).await?;
            }
        }
        let claim = manager.claim(&format!("spec-{}", self.spec_id)).await?;
        // Somebody else may have done it, or failed at it, while we waited.
        if !options.relock
            && let Some(built) = manager.ready(self.spec).await?
        {
            return Ok(built);
        }
        if options.retry {
            manager.forget_failed(&self.spec_id).await?;
        } else {
            manager.check_failed(&self.spec_id).await?;
        }
        let (lock, python) = match self.known_lock(options).await? {
            Some(known) => known,
            None if !self.spec.conda.is_empty() => match self.lock_conda().await {
                Ok(lock) => (lock, None),
                Err(error) => return Err(self.failed(&self.spec_id, error).await),
            },
            None => match self.lock().await {
                Ok((lock, python)) => (lock, Some(python)),
                Err(error) => return Err(self.failed(&self.spec_id, error).await),
            },
        };
        let built = self.build(lock, python, true, options).await;
        drop(claim);
        built
    }

    /// The spec's stored lock, if the machine still has the interpreter that it was made for, or the lock its own.
    async fn known_lock(
        &self,
        options: PrepareOptions,
    ) -> Result<Option<(Lock, Option<Probed>)>, EnvironmentError> {
        if options.relock {
            return Ok(None);
        }
        let Some(id) = self.manager.environment_of_spec(&self.spec_id).await? else {
            return Ok(None);
        };
        let Some(lock) = self.manager.record::<Lock>("locks", &id).await? else {
            return Ok(None);
        };
        if !lock.conda.is_empty() {
            let fits = self.machine().await?.platform == lock.platform;
            return Ok(fits.then_some((lock, None)));
        }
        let exact = Specifier::parse(&lock.python_version.to_string()).ok();
        let (python, _) = self.manager.choose(exact.as_ref()).await?;
        Ok(python
            .filter(|python| python.platform == lock.platform)
            .map(|python| (lock, Some(python))))
    }

    /// Finds the interpreter for a wish, on the search path or from uv.
    async fn interpreter(&self, wanted: Option<&str>) -> Result<Probed, EnvironmentError> {
        let manager = self.manager;
        let specifier = wanted
            .map(Specifier::parse)
            .transpose()
            .map_err(|message| crate::error::SpecError::whole(self.name(), message))?;
        let (chosen, found) = manager.choose(specifier.as_ref()).await?;
        if let Some(chosen) = chosen {
            self.log.say(&format!(
                "interpreter: `{}` ({})",
                chosen.executable, chosen.version
            ));
            return Ok(chosen);
        }
        let newest = found.iter().max_by_key(|probed| probed.version);
        let versions: Vec<String> = found
            .iter()
            .map(|probed| format!("{} at `{}`", probed.version, probed.executable))
            .collect();
        let none = |advice: String| EnvironmentError::NoInterpreter {
            wanted: wanted.unwrap_or("3").to_owned(),
            found: if versions.is_empty() {
                "none".to_owned()
            } else {
                versions.join(", ")
            },
            advice,
        };
        let Some(uv) = manager.uv(newest, &self.log).await? else {
            return Err(none("install one, or install uv, which can fetch it".to_owned()));
        };
        let version = &specifier.map_or_else(|| "3".to_owned(), |specifier| specifier.to_string());
        let folder = format!("{}/tools/pythons", manager.root);
        let fetched = async {
            let steps = manager.steps();
            manager
                .run_step(
                    &steps.fetch_python(&uv.path, version, &folder),
                    Tool::Uv,
                    &self.log,
                )
                .await?;
            manager
                .run_step(
                    &steps.find_fetched_python(&uv.path, version, &folder),
                    Tool::Uv,
                    &self.log,
                )
                .await
        };
        let finished = fetched
            .await
            .map_err(|error| none(format!("fetching one failed too: {error}")))?;
        let path = String::from_utf8_lossy(&finished.stdout).trim().to_owned();
        manager
            .probe(&path, &self.log)
            .await
            .map_err(|trouble| match trouble {
                super::interpreters::Trouble::Host(error) => error.into(),
                super::interpreters::Trouble::Unusable(reason) => {
                    none(format!("the fetched one at `{path}` cannot be used: {reason}"))
                }
            })
    }

    pub(super) fn name(&self) -> &str {
        self.spec.name.as_deref().unwrap_or("environment")
    }

    /// Resolves the spec's packages.
    async fn lock(&self) -> Result<(Lock, Probed), EnvironmentError> {
        let manager = self.manager;
        let wanted = match &self.spec.interpreter {
            Interpreter::Managed { version } => version.as_deref(),
            Interpreter::UserManaged { .. } => None,
        };
        let python = self.interpreter(wanted).await?;
        let (tool, program) = self.tool(&python).await?;
        let mut lock = Lock {
            version: LOCK_VERSION,
            spec_id: self.spec_id.clone(),
            python_version: python.version.to_string(),
            platform: python.platform.clone(),
            tool: tool.to_string(),
            interpreter: None,
            index_options: self.spec.index_options.clone(),
            requirements: String::new(),
            conda: Vec::new(),
            image: None,
        };
        if self.spec.pip.is_empty() {
            return Ok((lock, python));
        }
        let folder = format!("{}/tmp/{}", manager.root, fresh_name());
        let resolved = self.resolve(tool, &program, &python, &folder).await;
        self.tidy(&folder).await;
        lock.requirements = resolved?;
        Ok((lock, python))
    }

    async fn resolve(
        &self,
        tool: Tool,
        program: &str,
        python: &Probed,
        folder: &str,
    ) -> Result<String, EnvironmentError> {
        let manager = self.manager;
        let (input, output) = (format!("{folder}/requirements.txt"), format!("{folder}/answer"));
        let step = match tool {
            Tool::Uv => manager
                .steps()
                .uv_lock(program, &python.executable, self.spec, &input, &output),
            _ => manager.steps().pip_lock(program, self.spec, &input, &output),
        };
        manager.run_step(&step, tool, &self.log).await?;
        let answer = manager.host.read(&output).await?.unwrap_or_default();
        match tool {
            Tool::Uv => Ok(parse_uv_compile(&String::from_utf8_lossy(&answer))),
            _ => parse_pip_report(&answer).map_err(|message| EnvironmentError::NoTool { message }),
        }
    }

    /// uv, or else a python with pip.
    pub(super) async fn tool(&self, python: &Probed) -> Result<(Tool, String), EnvironmentError> {
        if python.version >= super::tools::UV_PYTHON_AT_LEAST
            && let Some(uv) = self.manager.uv(Some(python), &self.log).await?
        {
            self.log.say(&format!("tool: uv {} at `{}`", uv.version, uv.path));
            return Ok((Tool::Uv, uv.path));
        }
        Ok((Tool::Pip, self.manager.pip(python, &self.log).await?))
    }

    /// Builds a lock once. `python` is known when the lock was made for this machine; a lock given by the caller finds
    /// its own, and one with conda packages brings it. `for_spec` makes it the lock of its spec.
    async fn build(
        &self,
        lock: Lock,
        python: Option<Probed>,
        for_spec: bool,
        options: PrepareOptions,
    ) -> Result<BuiltEnvironment, EnvironmentError> {
        let manager = self.manager;
        let id = environment_id(&lock);
        manager.keep_lock(&id, &lock, for_spec).await?;
        if !options.retry {
            manager.check_failed(&id).await?;
        }
        let _claim = manager.claim(&format!("build-{id}")).await?;
        if let Some(built) = manager.built(self.spec, &self.spec_id, &id, Some(&lock)).await? {
            return Ok(built);
        }
        if options.retry {
            manager.forget_failed(&id).await?;
        } else {
            manager.check_failed(&id).await?;
        }
        match self.build_claimed(&id, &lock, python).await {
            Ok((attempt, folder, python)) => {
                let bin_dir = format!("{folder}/bin");
                self.write_log(&id).await;
                manager.keep_built(&id, &attempt, &python, &bin_dir).await?;
                let variables = self.spec.variables.clone();
                Ok(BuiltEnvironment {
                    id,
                    spec_id: self.spec_id.clone(),
                    python,
                    bin_dir,
                    lock,
                    variables,
                })
            }
            Err(error) => Err(self.failed(&id, error).await),
        }
    }

    async fn build_claimed(
        &self,
        id: &str,
        lock: &Lock,
        python: Option<Probed>,
    ) -> Result<(String, String, String), EnvironmentError> {
        let manager = self.manager;
        // Whatever is here has no marker and will never get one.
        let all = format!("{}/envs/{id}", manager.root);
        manager.host.remove_tree(&all).await?;
        let attempt = fresh_name();
        // Environments hold their own path and cannot be moved, so the attempt is built where it will stay.
        let folder = format!("{all}/{attempt}");
        let input = format!("{}/tmp/{attempt}/lock.txt", manager.root);
        let done = if lock.conda.is_empty() {
            self.build_venv(lock, python, &folder, &input).await
        } else {
            self.build_conda(lock, &folder, &input).await
        };
        self.tidy(&format!("{}/tmp/{attempt}", manager.root)).await;
        match done {
            Ok(python) => Ok((attempt, folder, python)),
            Err(error) => {
                self.tidy(&folder).await;
                Err(error)
            }
        }
    }

    async fn build_venv(
        &self,
        lock: &Lock,
        python: Option<Probed>,
        folder: &str,
        input: &str,
    ) -> Result<String, EnvironmentError> {
        let manager = self.manager;
        let python = match python {
            Some(python) => python,
            None => self.interpreter(Some(&lock.python_version.to_string())).await?,
        };
        if python.platform != lock.platform {
            return Err(EnvironmentError::OtherPlatform {
                locked: lock.platform.clone(),
                here: python.platform,
            });
        }
        let (tool, program) = self.tool(&python).await?;
        for step in manager
            .steps()
            .build(tool, &program, &python.executable, lock, folder, input)
        {
            manager.run_step(&step, tool, &self.log).await?;
        }
        Ok(format!("{folder}/bin/python"))
    }

    /// Removes what is not needed any more. Trouble with that must not hide how the work ended.
    pub(super) async fn tidy(&self, path: &str) {
        if let Err(trouble) = self.manager.host.remove_tree(path).await {
            tracing::warn!(%trouble, "left behind");
        }
    }

    /// Writes the log; a failure is kept when it is the spec's fault.
    async fn failed(&self, id: &str, mut error: EnvironmentError) -> EnvironmentError {
        if matches!(error, EnvironmentError::Remembered { .. }) {
            return error;
        }
        self.log.say(&error.to_string());
        let Some(path) = self.write_log(id).await else {
            return error;
        };
        if error.is_remembered()
            && let Err(trouble) = self.manager.keep_failed(id, &error, &path).await
        {
            tracing::warn!(%trouble, "a failed build could not be remembered");
        }
        error.set_log(&path);
        error
    }

    /// The log's path, if it could be written. A log that cannot be written must not hide how the build ended.
    async fn write_log(&self, id: &str) -> Option<String> {
        let path = self.manager.path("logs", id, "log");
        let bytes = self
            .log
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match self.manager.host.write_atomic(&path, &bytes).await {
            Ok(()) => Some(path),
            Err(trouble) => {
                tracing::warn!(%trouble, "the build log could not be written");
                None
            }
        }
    }
}
