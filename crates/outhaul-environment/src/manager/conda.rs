//! Environments with packages of conda channels: locked and built from here, whatever the host is.

use super::work::{Work, fresh_name};
use crate::channels::{
    CondaBackend, CondaMachine, CondaPython, CondaWish, MACHINE, parse_machine, with_python,
};
use crate::error::EnvironmentError;
use crate::interpreter::Probed;
use crate::lock::LOCK_VERSION;
use crate::plan::Tool;
use crate::resolver::{parse_pip_report, parse_uv_compile};
use outhaul_types::{CondaPackage, Interpreter, Lock};

/// After how many fetched packages the log gets a line.
const SAID: usize = 10;

impl Work<'_> {
    fn channels(&self) -> Result<&dyn CondaBackend, EnvironmentError> {
        self.manager
            .options
            .conda
            .as_deref()
            .ok_or_else(|| EnvironmentError::NoTool {
                message: "packages of conda channels cannot be installed on this target; take them from the Python index: \
                      `outhaul workspace set --conda pypi`"
                    .to_owned(),
            })
    }

    /// What the host is, for choosing packages.
    pub(super) async fn machine(&self) -> Result<CondaMachine, EnvironmentError> {
        let step = self
            .manager
            .steps()
            .script("asking the machine what it is", MACHINE);
        let finished = self.manager.run_step(&step, Tool::None, &self.log).await?;
        parse_machine(&String::from_utf8_lossy(&finished.stdout))
            .map_err(|message| EnvironmentError::NoTool { message })
    }

    /// Resolves a spec with conda packages: those first, then what pip adds to them.
    pub(super) async fn lock_conda(&self) -> Result<Lock, EnvironmentError> {
        let purpose = "resolving the conda packages";
        let version = match &self.spec.interpreter {
            Interpreter::Managed { version } => version.as_deref(),
            Interpreter::UserManaged { .. } => None,
        };
        let machine = self.machine().await?;
        let platform = machine.platform.clone();
        let wish = CondaWish {
            packages: with_python(&self.spec.conda, version),
            channels: self.spec.channels.clone(),
            machine,
        };
        let from = match wish.channels.as_slice() {
            [] => "conda-forge".to_owned(),
            all => all.join(", "),
        };
        self.log.say(&format!(
            "{purpose} for {platform}: {} from {from}",
            wish.packages.join(", ")
        ));
        let channels = self.channels()?;
        let conda = channels
            .solve(&wish)
            .await
            .map_err(|trouble| trouble.error(self.name(), purpose))?;
        self.log.say(&format!("{} conda packages", conda.len()));
        let python = self.python_of(&conda)?;
        let mut lock = Lock {
            version: LOCK_VERSION,
            spec_id: self.spec_id.clone(),
            python_version: python.version.clone(),
            platform,
            tool: "conda".to_owned(),
            interpreter: None,
            index_options: self.spec.index_options.clone(),
            requirements: String::new(),
            conda,
            image: None,
        };
        if !self.spec.pip.is_empty() {
            // What pip adds depends on what is there, so the conda part is put up for the question.
            let folder = format!("{}/tmp/{}", self.manager.root, fresh_name());
            let prefix = format!("{folder}/env");
            let resolved = self.resolve_into(&lock, &python, &prefix, &folder).await;
            self.tidy(&folder).await;
            let (tool, requirements) = resolved?;
            lock.tool = format!("conda+{tool}");
            lock.requirements = requirements;
        }
        Ok(lock)
    }

    fn python_of(&self, conda: &[CondaPackage]) -> Result<CondaPython, EnvironmentError> {
        let python = self.channels()?.python(conda);
        python.ok_or_else(|| EnvironmentError::Unsolvable {
            message: "there is no Python among the conda packages; name `python` in the spec".to_owned(),
            log: None,
        })
    }

    async fn resolve_into(
        &self,
        lock: &Lock,
        python: &CondaPython,
        prefix: &str,
        folder: &str,
    ) -> Result<(Tool, String), EnvironmentError> {
        let manager = self.manager;
        self.place_conda(&lock.conda, prefix).await?;
        let inner = format!("{prefix}/{}", python.path);
        let (tool, program) = self.conda_tool(&inner).await?;
        let (input, output) = (format!("{folder}/requirements.txt"), format!("{folder}/answer"));
        let steps = manager.steps();
        let step = if tool == Tool::Uv {
            // uv prefers the versions that it finds in its output: what conda installed need not be replaced.
            let known = manager
                .run_step(&steps.installed(&inner), Tool::None, &self.log)
                .await?;
            manager.host.write_atomic(&output, &known.stdout).await?;
            steps.uv_lock(&program, &inner, self.spec, &input, &output)
        } else {
            steps.pip_lock_into(&program, &inner, self.spec, &input, &output)
        };
        manager.run_step(&step, tool, &self.log).await?;
        let answer = manager.host.read(&output).await?.unwrap_or_default();
        let requirements = match tool {
            Tool::Uv => parse_uv_compile(&String::from_utf8_lossy(&answer)),
            _ => parse_pip_report(&answer).map_err(|message| EnvironmentError::NoTool { message })?,
        };
        Ok((tool, requirements))
    }

    /// uv or pip for a conda environment: with the help of the host's own Python, which stays, or else of the
    /// environment's.
    async fn conda_tool(&self, inner: &str) -> Result<(Tool, String), EnvironmentError> {
        if let (Some(own), _) = self.manager.choose(None).await? {
            match self.tool(&own).await {
                Ok(tool) => return Ok(tool),
                Err(error) => self
                    .log
                    .say(&format!("the machine's own python is of no help: {error}")),
            }
        }
        let probed: Probed = self
            .manager
            .probe(inner, &self.log)
            .await
            .map_err(|trouble| trouble.error(inner))?;
        self.tool(&probed).await
    }

    /// Puts packages on the host, as a folder that is whole.
    async fn place_conda(&self, packages: &[CondaPackage], prefix: &str) -> Result<(), EnvironmentError> {
        let channels = self.channels()?;
        let fail = |purpose: &'static str| {
            move |trouble: crate::channels::CondaTrouble| trouble.error(self.name(), purpose)
        };
        self.log
            .say(&format!("fetching {} conda packages", packages.len()));
        let count = std::sync::atomic::AtomicUsize::new(0);
        let say = |line: &str| {
            let done = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            if done.is_multiple_of(SAID) || done == packages.len() {
                self.log.say(&format!("fetched {line}"));
            }
        };
        channels
            .fetch(packages, &say)
            .await
            .map_err(fail("fetching the conda packages"))?;
        self.log
            .say(&format!("installing the conda packages into `{prefix}`"));
        let staging = channels
            .install(packages, prefix)
            .await
            .map_err(fail("installing the conda packages"))?;
        let placed = self.manager.host.place_tree(&staging, prefix).await;
        if let Err(trouble) = std::fs::remove_dir_all(&staging)
            && trouble.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%trouble, "left behind");
        }
        Ok(placed?)
    }

    /// Builds a lock with conda packages into `folder`; the answer is the path of its interpreter.
    pub(super) async fn build_conda(
        &self,
        lock: &Lock,
        folder: &str,
        input: &str,
    ) -> Result<String, EnvironmentError> {
        let here = self.machine().await?.platform;
        if here != lock.platform {
            return Err(EnvironmentError::OtherPlatform {
                locked: lock.platform.clone(),
                here,
            });
        }
        let python = self.python_of(&lock.conda)?;
        self.place_conda(&lock.conda, folder).await?;
        let inner = format!("{folder}/{}", python.path);
        if !lock.requirements.is_empty() {
            let (tool, program) = self.conda_tool(&inner).await?;
            if let Some(step) = self.manager.steps().install(tool, &program, &inner, lock, input) {
                self.manager.run_step(&step, tool, &self.log).await?;
            }
        }
        Ok(inner)
    }
}
