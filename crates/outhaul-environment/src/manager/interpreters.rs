//! Finding interpreters on the host and asking them who they are.

use serde::{Deserialize, Serialize};

use super::{BuiltEnvironment, EnvironmentManager};
use crate::error::EnvironmentError;
use crate::host::{FileFacts, HostError, HostErrorKind, LogSink, NoLog};
use crate::interpreter::{Probed, parse_probe};
use crate::lock::{LOCK_VERSION, environment_id};
use crate::plan::{Steps, Tool};
use crate::spec::spec_id;
use crate::version::Specifier;
use outhaul_types::EnvironmentSpec;
use outhaul_types::Lock;

/// Names that are looked for: Python 3 by its plain names first, then by version.
const MINORS: std::ops::RangeInclusive<u32> = 6..=20;

/// `probes/<hash of the path>.json`
#[derive(Serialize, Deserialize)]
struct ProbeRecord {
    path: String,
    facts: FileFacts,
    probed: Probed,
}

/// Why an interpreter gave no answer.
pub(super) enum Trouble {
    Host(HostError),
    Unusable(String),
}

impl Trouble {
    /// As the error of a build that needs the interpreter at `path`.
    pub(super) fn error(self, path: &str) -> EnvironmentError {
        match self {
            Self::Host(error) => error.into(),
            Self::Unusable(reason) => EnvironmentError::BadInterpreter {
                path: path.to_owned(),
                reason,
            },
        }
    }
}

impl From<HostError> for Trouble {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

fn probe_name(path: &str) -> String {
    blake3::hash(path.as_bytes()).to_hex()[..16].to_owned()
}

fn parent(path: &str) -> String {
    path.rsplit_once('/')
        .map_or("/", |(folder, _)| if folder.is_empty() { "/" } else { folder })
        .to_owned()
}

impl EnvironmentManager {
    pub(super) fn steps(&self) -> Steps<'_> {
        Steps {
            env: &self.env,
            cwd: &self.root,
        }
    }

    /// An earlier answer of the interpreter, as long as its file did not change.
    pub(super) async fn cached_probe(&self, path: &str) -> Result<Option<Probed>, EnvironmentError> {
        let Some(facts) = self.host.facts(path).await? else {
            return Ok(None);
        };
        self.known_probe(path, &facts).await
    }

    async fn known_probe(&self, path: &str, facts: &FileFacts) -> Result<Option<Probed>, EnvironmentError> {
        let record: Option<ProbeRecord> = self.record("probes", &probe_name(path)).await?;
        Ok(record
            .filter(|record| record.path == path && record.facts == *facts && facts.executable)
            .map(|record| record.probed))
    }

    /// Asks an interpreter who it is, or takes its earlier answer.
    pub(super) async fn probe(&self, path: &str, log: &dyn LogSink) -> Result<Probed, Trouble> {
        let Some(facts) = self.host.facts(path).await? else {
            return Err(Trouble::Unusable("there is no such file".to_owned()));
        };
        if !facts.executable {
            return Err(Trouble::Unusable("it is not an executable file".to_owned()));
        }
        let host_trouble = |error| match error {
            EnvironmentError::Host(error) => Trouble::Host(error),
            other => Trouble::Unusable(other.to_string()),
        };
        if let Some(probed) = self.known_probe(path, &facts).await.map_err(host_trouble)? {
            return Ok(probed);
        }
        let step = self.steps().probe(path);
        let finished = match self.host.run(&step, &NoLog).await {
            Ok(finished) => finished,
            Err(error) if error.kind == HostErrorKind::Full => return Err(error.into()),
            Err(error) => return Err(Trouble::Unusable(error.message)),
        };
        if !finished.success() {
            log.line(&finished.stderr);
            let words = String::from_utf8_lossy(&finished.stderr);
            let last = words
                .lines()
                .rev()
                .find(|line| !line.trim().is_empty())
                .unwrap_or("it gave no reason");
            return Err(Trouble::Unusable(format!("it does not run: {}", last.trim())));
        }
        let probed = parse_probe(&finished.stdout).map_err(Trouble::Unusable)?;
        // A shim or wrapper may lead to another interpreter tomorrow without changing itself.
        if probed.real == facts.real {
            let record = ProbeRecord {
                path: path.to_owned(),
                facts,
                probed: probed.clone(),
            };
            self.keep("probes", &probe_name(path), &record)
                .await
                .map_err(host_trouble)?;
        }
        Ok(probed)
    }

    /// The environment of a person's own interpreter.
    pub(super) fn user_managed(
        &self,
        spec: &EnvironmentSpec,
        python: &str,
        probed: &Probed,
    ) -> BuiltEnvironment {
        let spec_id = spec_id(spec);
        let lock = Lock {
            version: LOCK_VERSION,
            spec_id: spec_id.clone(),
            python_version: probed.version.to_string(),
            platform: probed.platform.clone(),
            tool: Tool::None.to_string(),
            interpreter: Some(python.to_owned()),
            index_options: Vec::new(),
            requirements: String::new(),
            conda: Vec::new(),
            image: None,
        };
        BuiltEnvironment {
            id: environment_id(&lock),
            spec_id,
            python: probed.executable.clone(),
            bin_dir: parent(&probed.executable),
            lock,
            variables: spec.variables.clone(),
        }
    }

    /// All usable CPython 3 interpreters on the search path, in its order, each once.
    pub(super) async fn interpreters(&self) -> Result<Vec<Probed>, EnvironmentError> {
        let mut names = vec!["python3".to_owned(), "python".to_owned()];
        names.extend(MINORS.rev().map(|minor| format!("python3.{minor}")));
        let mut all = Vec::new();
        self.each_interpreter(&names, |probed| {
            all.push(probed);
            false
        })
        .await?;
        Ok(all)
    }

    /// Hands interpreters to `take`, until it says that it has enough.
    async fn each_interpreter(
        &self,
        names: &[String],
        mut take: impl FnMut(Probed) -> bool + Send,
    ) -> Result<(), EnvironmentError> {
        let mut seen: Vec<String> = Vec::new();
        for path in self
            .host
            .find_executables(names, &self.options.search_path)
            .await?
        {
            let Some(facts) = self.host.facts(&path).await? else {
                continue;
            };
            if seen.contains(&facts.real) {
                continue;
            }
            // What a shim without its interpreter has to say is not worth a person's time.
            let probed = match self.probe(&path, &NoLog).await {
                Ok(probed) => probed,
                Err(Trouble::Host(error)) => return Err(error.into()),
                // A shim without its interpreter, a Python 2: not for us.
                Err(Trouble::Unusable(reason)) => {
                    tracing::debug!(path, reason, "interpreter passed over");
                    seen.push(facts.real);
                    continue;
                }
            };
            // Asked before its file is noted: that may be the very path that it knows itself by.
            let is_new = !seen.contains(&probed.executable);
            seen.extend([facts.real, probed.executable.clone(), probed.real.clone()]);
            let fits = probed.implementation == "cpython" && probed.version.major == 3;
            if fits && is_new && take(probed) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The best interpreter on the search path for a wish, and all that were looked at. Without a wish it is the
    /// first plain `python3`, the one that a person gets by hand; else the newest that satisfies, the first of equals.
    pub(super) async fn choose(
        &self,
        wanted: Option<&Specifier>,
    ) -> Result<(Option<Probed>, Vec<Probed>), EnvironmentError> {
        let Some(wanted) = wanted else {
            let mut first = None;
            self.each_interpreter(&["python3".to_owned(), "python".to_owned()], |probed| {
                first = Some(probed);
                true
            })
            .await?;
            if first.is_some() {
                return Ok((first, Vec::new()));
            }
            let all = self.interpreters().await?;
            return Ok((all.first().cloned(), all));
        };
        let all = self.interpreters().await?;
        let mut best: Option<&Probed> = None;
        for probed in all.iter().filter(|probed| wanted.matches(probed.version)) {
            if best.is_none_or(|best| probed.version > best.version) {
                best = Some(probed);
            }
        }
        Ok((best.cloned(), all))
    }
}
