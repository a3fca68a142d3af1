//! The manager: what callers ask for. Finding interpreters and tools, records, and the work itself live beside.

mod conda;
mod interpreters;
mod records;
mod tools;
mod work;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::channels::CondaBackend;
use crate::error::EnvironmentError;
use crate::host::{BuildHost, Guard, LogSink};
use crate::lock::environment_id;
use crate::spec::spec_id;
use outhaul_types::Lock;
use outhaul_types::{EnvironmentSpec, Interpreter};

pub use self::records::ListedEnvironment;
pub use self::tools::{ToolFacts, UvFacts};
#[cfg(feature = "conda")]
pub(crate) use self::work::fresh_name;

/// Which tool resolves and installs packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ToolChoice {
    /// uv where it is there or can be installed, else pip.
    #[default]
    Auto,
    /// Always pip.
    Pip,
}

/// What a manager is told about its machine; it reads no environment of its own.
#[derive(Debug, Clone, Default)]
pub struct ManagerOptions {
    /// Path of a uv binary to use rather than one on the search path.
    pub uv: Option<String>,
    /// Folders with programs, the entries of `PATH`.
    pub search_path: Vec<String>,
    /// Variables for build commands: proxies, certificates, `HOME`, `PIP_*` and `UV_*`. The commands get these, the
    /// search path, and nothing else.
    pub passed_env: Vec<(String, String)>,
    /// Which tool is used.
    pub tool: ToolChoice,
    /// What solves and fetches packages of conda channels; specs with such packages fail without.
    pub conda: Option<Arc<dyn CondaBackend>>,
}

/// How to make an environment ready.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PrepareOptions {
    /// Try again even if the same thing failed before.
    pub retry: bool,
    /// Resolve the packages anew even if the spec has a lock.
    pub relock: bool,
}

/// An environment that runs can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltEnvironment {
    /// Content id, see [`environment_id`].
    pub id: String,
    /// The spec that was asked for.
    pub spec_id: String,
    /// Path of the interpreter.
    pub python: String,
    /// Folder of the interpreter and the packages' programs, to go first on `PATH`.
    pub bin_dir: String,
    /// What exactly is in it.
    pub lock: Lock,
    /// Environment variables for runs, from the spec.
    pub variables: BTreeMap<String, String>,
}

type Turn = tokio::sync::Mutex<()>;

/// Makes environments under one folder of one host, each once.
///
/// Under the root: `specs/` (spec id to environment id), `locks/`, `built/` (markers; only what has one counts),
/// `envs/<id>/<attempt>/`, `failed/`, `logs/`, `tools/`, `probes/`, `guards/`.
pub struct EnvironmentManager {
    host: Arc<dyn BuildHost>,
    root: String,
    options: ManagerOptions,
    env: Vec<(String, String)>,
    turns: Mutex<HashMap<String, Weak<Turn>>>,
}

/// The right to work on something, in this process and among processes. Fields drop in order: the file first.
struct Claim {
    _file: Box<dyn Guard>,
    _turn: tokio::sync::OwnedMutexGuard<()>,
}

impl EnvironmentManager {
    /// A manager for `root`, an absolute folder that it has for itself. Nothing is touched yet.
    #[must_use]
    pub fn new(host: Arc<dyn BuildHost>, root: &str, options: ManagerOptions) -> Self {
        let env = tools::command_env(&options);
        let root = root.trim_end_matches('/').to_owned();
        Self {
            host,
            root,
            options,
            env,
            turns: Mutex::default(),
        }
    }

    /// The environment of a spec if it is there already. Starts no process and writes nothing.
    pub async fn ready(&self, spec: &EnvironmentSpec) -> Result<Option<BuiltEnvironment>, EnvironmentError> {
        if let Interpreter::UserManaged { python } = &spec.interpreter {
            return Ok(self
                .cached_probe(python)
                .await?
                .map(|probed| self.user_managed(spec, python, &probed)));
        }
        let spec_id = spec_id(spec);
        match self.environment_of_spec(&spec_id).await? {
            Some(id) => self.built(spec, &spec_id, &id, None).await,
            None => Ok(None),
        }
    }

    /// The environment of a lock if it is there already. Starts no process and writes nothing.
    pub async fn ready_locked(
        &self,
        spec: &EnvironmentSpec,
        lock: &Lock,
    ) -> Result<Option<BuiltEnvironment>, EnvironmentError> {
        if lock.interpreter.is_some() {
            return self.ready(spec).await;
        }
        self.built(spec, &spec_id(spec), &environment_id(lock), Some(lock))
            .await
    }

    /// Makes the environment ready: at once if it is there, else by locking and building it, once for all callers in
    /// all processes. A given lock is used as it is.
    ///
    /// # Errors
    /// [`EnvironmentError::class`] says whose fault a failure is. Failures by the spec's fault are kept and answer
    /// later calls at once, until the spec changes or `options.retry` is set.
    pub async fn prepare(
        &self,
        spec: &EnvironmentSpec,
        lock: Option<Lock>,
        options: PrepareOptions,
        log: &dyn LogSink,
    ) -> Result<BuiltEnvironment, EnvironmentError> {
        if let Interpreter::UserManaged { python } = &spec.interpreter {
            let probed = self
                .probe(python, log)
                .await
                .map_err(|trouble| trouble.error(python))?;
            return Ok(self.user_managed(spec, python, &probed));
        }
        if !options.relock {
            let ready = match &lock {
                Some(lock) => self.ready_locked(spec, lock).await?,
                None => self.ready(spec).await?,
            };
            if let Some(built) = ready {
                return Ok(built);
            }
        }
        work::Work::new(self, spec, log).run(lock, options).await
    }

    /// All environments that were built here, with the specs that they belong to.
    pub async fn list(&self) -> Result<Vec<ListedEnvironment>, EnvironmentError> {
        self.listed().await
    }

    /// Removes a built environment; `false` if there is none with this id. Its lock stays, so that it can be built
    /// again. The caller makes sure that no run uses it.
    pub async fn remove(&self, id: &str) -> Result<bool, EnvironmentError> {
        if !records::is_id(id) {
            return Ok(false);
        }
        let _claim = self.claim(&format!("build-{id}")).await?;
        let there = self.host.exists(&self.path("built", id, "json")).await?;
        // The marker goes first: what is half removed must not count as built.
        self.host.remove_tree(&self.path("built", id, "json")).await?;
        self.host.remove_tree(&format!("{}/envs/{id}", self.root)).await?;
        Ok(there)
    }

    /// What the machine has to build with.
    pub async fn tools(&self) -> Result<ToolFacts, EnvironmentError> {
        self.tool_facts().await
    }

    /// Waits for the right to work on `name`.
    async fn claim(&self, name: &str) -> Result<Claim, EnvironmentError> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let known = turns.get(name).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let turn = Arc::new(Turn::default());
                turns.insert(name.to_owned(), Arc::downgrade(&turn));
                turn
            })
        };
        let turn = turn.lock_owned().await;
        let file = self.host.lock(&self.path("guards", name, "lock")).await?;
        Ok(Claim {
            _file: file,
            _turn: turn,
        })
    }

    fn path(&self, folder: &str, name: &str, end: &str) -> String {
        format!("{}/{folder}/{name}.{end}", self.root)
    }
}
