//! Packages for a target that does not reach the package index: the server's machine resolves and downloads them, the
//! target only installs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use outhaul_environment::{
    BuildHost, BuiltEnvironment, Elsewhere, EnvironmentError, EnvironmentManager, Helper, LogSink,
    ManagerOptions, PrepareOptions, Specifier, Step, ThisMachine, environment_id, packages,
};
use outhaul_types::{EnvironmentSpec, Interpreter, Lock};

use crate::build_host::RemoteBuildHost;
use crate::config::ServerSide;

/// What is taken for the C library of a target that does not tell: the oldest that wheels are made for.
const OLDEST_GLIBC: u32 = 17;

/// Ships packages to one target.
pub(crate) struct Ship {
    pub(crate) host: Arc<RemoteBuildHost>,
    pub(crate) root: String,
    pub(crate) options: ManagerOptions,
    pub(crate) server: ServerSide,
}

fn say(log: &dyn LogSink, text: &str) {
    log.line(format!("{text}\n").as_bytes());
}

impl Ship {
    /// Makes an environment ready on the target; `target` is its own manager. A given lock is used as it is.
    pub(crate) async fn prepare(
        &self,
        target: &EnvironmentManager,
        spec: &EnvironmentSpec,
        lock: Option<Lock>,
        options: PrepareOptions,
        log: &dyn LogSink,
    ) -> Result<BuiltEnvironment, EnvironmentError> {
        let ready = match &lock {
            Some(lock) => target.ready_locked(spec, lock).await?,
            None if options.relock => None,
            None => target.ready(spec).await?,
        };
        if let Some(ready) = ready {
            return Ok(ready);
        }
        say(
            log,
            "the target does not reach the package index: packages are shipped to it",
        );
        let here = EnvironmentManager::new(
            Arc::new(ThisMachine),
            &self.server.packages.join("tools").to_string_lossy(),
            ManagerOptions {
                search_path: self.server.search_path.clone(),
                passed_env: self.server.environment.clone(),
                ..ManagerOptions::default()
            },
        );
        let tools = EnvironmentSpec {
            pip: vec!["pip".into(), "uv".into()],
            ..EnvironmentSpec::default()
        };
        let tools = here.prepare(&tools, None, PrepareOptions::default(), log).await?;
        let helper = Helper {
            uv: format!("{}/uv", tools.bin_dir),
            python: tools.python,
        };
        let wanted = match (&lock, &spec.interpreter) {
            (Some(lock), _) => Some(lock.python_version.clone()),
            (None, Interpreter::Managed { version }) => version.clone(),
            (None, Interpreter::UserManaged { .. }) => None,
        };
        let other = self.elsewhere(target, wanted.as_deref()).await?;
        let for_spec = lock.is_none();
        let lock = match lock {
            Some(lock) => lock,
            None => here.lock_for(spec, &other, &helper, log).await?,
        };
        let id = environment_id(&lock);
        let mut options = PrepareOptions {
            keep: for_spec,
            ..options
        };
        options.relock = false;

        let uv = format!("uv-{}", other.python.platform);
        let kept = self.server.packages.join(&uv);
        if !kept.join("uv").exists() {
            let part = self.fresh(&uv)?;
            here.uv_for(&other, &helper, &part.to_string_lossy(), log).await?;
            settle(&part, &kept)?;
        }
        let uv = format!("{}/shipped/{uv}", self.root);
        self.send("uv", &kept, &uv, log).await?;

        let mut target_options = self.options.clone();
        target_options.uv = Some(format!("{uv}/uv"));
        let wheels = format!("{}/shipped/{id}", self.root);
        if !packages(&lock).is_empty() {
            let kept = self.server.packages.join("wheels").join(&id);
            if !kept.exists() {
                let part = self.fresh(&id)?;
                here.download_for(&lock, &other, &helper, &part.to_string_lossy(), log)
                    .await?;
                settle(&part, &kept)?;
            }
            let what = format!("{} packages", packages(&lock).len());
            self.send(&what, &kept, &wheels, log).await?;
        }
        for (name, value) in [
            ("UV_OFFLINE", "1"),
            ("UV_NO_INDEX", "1"),
            ("UV_FIND_LINKS", wheels.as_str()),
            ("PIP_NO_INDEX", "1"),
            ("PIP_FIND_LINKS", wheels.as_str()),
        ] {
            target_options.passed_env.retain(|(known, _)| known != name);
            target_options
                .passed_env
                .push((name.to_owned(), value.to_owned()));
        }
        let offline = EnvironmentManager::new(self.host.clone(), &self.root, target_options);
        let built = offline.prepare(spec, Some(lock), options, log).await?;
        // Installed is installed; the server's machine keeps them.
        self.host.remove_tree(&wheels).await?;
        Ok(built)
    }

    /// The target's interpreter for a wish, and its C library.
    async fn elsewhere(
        &self,
        target: &EnvironmentManager,
        wanted: Option<&str>,
    ) -> Result<Elsewhere, EnvironmentError> {
        let none = |found: String, advice: String| EnvironmentError::NoInterpreter {
            wanted: wanted.unwrap_or("3").to_owned(),
            found,
            advice,
        };
        let specifier = wanted
            .map(Specifier::parse)
            .transpose()
            .map_err(|message| none("none".to_owned(), message))?;
        let all = target.tools().await?.interpreters;
        let mut best = None;
        for probed in &all {
            let better = match &specifier {
                None => best.is_none(),
                Some(wish) => {
                    wish.matches(probed.version)
                        && best.is_none_or(|best: &outhaul_environment::Probed| probed.version > best.version)
                }
            };
            if better {
                best = Some(probed);
            }
        }
        let Some(python) = best.cloned() else {
            let found: Vec<String> = all
                .iter()
                .map(|probed| format!("{} at `{}`", probed.version, probed.executable))
                .collect();
            let found = if found.is_empty() {
                "none".to_owned()
            } else {
                found.join(", ")
            };
            let advice = "install one on the target, or take Python from a conda channel: name a package under `dependencies:`";
            return Err(none(found, advice.to_owned()));
        };
        let step = Step {
            purpose: "asking the target for its C library".to_owned(),
            argv: ["getconf", "GNU_LIBC_VERSION"].map(str::to_owned).to_vec(),
            env: Vec::new(),
            cwd: None,
            files: Vec::new(),
        };
        let said = self.host.run(&step, &outhaul_environment::NoLog).await?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let glibc = said
            .trim()
            .rsplit('.')
            .next()
            .and_then(|minor| minor.parse().ok())
            .unwrap_or(OLDEST_GLIBC);
        Ok(Elsewhere { python, glibc })
    }

    /// A new folder for what is not whole yet.
    fn fresh(&self, name: &str) -> Result<PathBuf, EnvironmentError> {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let part = format!(".{name}.{}.{count}", std::process::id());
        let part = self.server.packages.join("parts").join(part);
        let made = match std::fs::remove_dir_all(&part) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => std::fs::create_dir_all(&part),
        };
        made.map_err(|error| outhaul_environment::HostError::io("make", &part.to_string_lossy(), &error))?;
        Ok(part)
    }

    async fn send(
        &self,
        what: &str,
        kept: &Path,
        to: &str,
        log: &dyn LogSink,
    ) -> Result<(), EnvironmentError> {
        if self.host.exists(to).await? {
            return Ok(());
        }
        say(
            log,
            &format!("shipping {what} to the target: {:.1} MB", size(kept) as f64 / 1e6),
        );
        Ok(self.host.place_tree(kept, to).await?)
    }
}

/// Gives a folder that is whole its name; whoever came first has it.
fn settle(part: &Path, kept: &Path) -> Result<(), EnvironmentError> {
    let above = kept.parent().map_or(Ok(()), std::fs::create_dir_all);
    let done = above.and_then(|()| std::fs::rename(part, kept));
    match done {
        Err(_) if kept.exists() => Ok(()),
        done => Ok(done
            .map_err(|error| outhaul_environment::HostError::io("keep", &kept.to_string_lossy(), &error))?),
    }
}

/// Size of the files in a folder.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.metadata().ok())
        .map(|meta| meta.len())
        .sum()
}
