//! uv and pip: found, or installed under the root, once.

use serde::{Deserialize, Serialize};

use super::work::{Tee, judge};
use super::{EnvironmentManager, ManagerOptions, ToolChoice};
use crate::error::EnvironmentError;
use crate::host::NoLog;
use crate::interpreter::Probed;
use crate::plan::Tool;
use crate::version::Version;

/// Oldest uv with everything that is used here.
const UV_AT_LEAST: Version = Version {
    major: 0,
    minor: 4,
    patch: 0,
};
/// Oldest pip with a stable report and `--python`.
const PIP_AT_LEAST: Version = Version {
    major: 23,
    minor: 0,
    patch: 0,
};
/// Oldest Python that uv manages.
pub(super) const UV_PYTHON_AT_LEAST: Version = Version {
    major: 3,
    minor: 8,
    patch: 0,
};

/// A uv binary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UvFacts {
    /// Path of the binary.
    pub path: String,
    /// Its version.
    pub version: Version,
}

/// What a machine has to build environments with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFacts {
    /// The uv that builds would use; none if it would first be installed.
    pub uv: Option<UvFacts>,
    /// Interpreters on the search path, in its order.
    pub interpreters: Vec<Probed>,
}

/// `tools/<name>.json`
#[derive(Serialize, Deserialize)]
struct PipRecord {
    python: String,
}

/// The environment of all build commands.
pub(super) fn command_env(options: &ManagerOptions) -> Vec<(String, String)> {
    // These would send packages elsewhere or make the tools refuse to work.
    const HARMFUL: &[&str] = &[
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_USER",
        "PIP_ROOT",
        "PIP_REQUIRE_VIRTUALENV",
        "PIP_PYTHON",
        "PIP_REPORT",
        "PIP_DRY_RUN",
        "UV_PYTHON",
        "UV_PROJECT",
        "UV_PROJECT_ENVIRONMENT",
        "UV_TARGET",
        "UV_PREFIX",
        "UV_SYSTEM_PYTHON",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "PYTHONHOME",
        "PYTHONPATH",
        "PATH",
    ];
    let mut env = vec![("PATH".to_owned(), options.search_path.join(":"))];
    env.extend(
        options
            .passed_env
            .iter()
            .filter(|(key, _)| !HARMFUL.contains(&key.as_str()))
            .cloned(),
    );
    let value = |env: &[(String, String)], key: &str| {
        env.iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.clone())
    };
    // uv reads no PIP_* variables, but a machine set up for pip shall work with uv too.
    for (pip, uv, others) in [
        ("PIP_INDEX_URL", "UV_INDEX_URL", &["UV_DEFAULT_INDEX"][..]),
        ("PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL", &["UV_INDEX"][..]),
        ("PIP_CERT", "SSL_CERT_FILE", &[][..]),
    ] {
        let set = std::iter::once(&uv)
            .chain(others)
            .any(|key| value(&env, key).is_some());
        if let Some(wanted) = value(&env, pip).filter(|_| !set) {
            env.push((uv.to_owned(), wanted));
        }
    }
    for (key, wanted) in [
        ("UV_NO_PROGRESS", "1"),
        ("PIP_PROGRESS_BAR", "off"),
        ("PIP_NO_INPUT", "1"),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
        ("NO_COLOR", "1"),
        ("PYTHONUNBUFFERED", "1"),
        ("PYTHONIOENCODING", "utf-8"),
    ] {
        env.retain(|(known, _)| known != key);
        env.push((key.to_owned(), wanted.to_owned()));
    }
    env
}

/// The version in `uv 0.13.9 (…)` or `pip 23.0.1 from …`.
fn version_in(output: &[u8], program: &str) -> Option<Version> {
    let text = String::from_utf8_lossy(output);
    let mut words = text.split_whitespace();
    (words.next() == Some(program))
        .then(|| Version::parse(words.next()?))
        .flatten()
}

impl EnvironmentManager {
    /// A uv that is there already: the hint, one on the search path, or the one installed here.
    async fn uv_here(&self) -> Result<Option<UvFacts>, EnvironmentError> {
        let mut paths: Vec<String> = self.options.uv.iter().cloned().collect();
        paths.extend(
            self.host
                .find_executables(&["uv".to_owned()], &self.options.search_path)
                .await?,
        );
        for path in paths {
            let Ok(finished) = self.host.run(&self.steps().uv_version(&path), &NoLog).await else {
                continue;
            };
            match version_in(&finished.stdout, "uv") {
                Some(version) if finished.success() && version >= UV_AT_LEAST => {
                    return Ok(Some(UvFacts { path, version }));
                }
                version => tracing::debug!(path, ?version, "uv passed over"),
            }
        }
        let installed: Option<UvFacts> = self.record("tools", "uv").await?;
        match installed {
            Some(uv) if self.host.exists(&uv.path).await? => Ok(Some(uv)),
            _ => Ok(None),
        }
    }

    /// A uv to work with, installed if need be with the help of `python`. None when pip shall or must do.
    pub(super) async fn uv(
        &self,
        python: Option<&Probed>,
        log: &Tee<'_>,
    ) -> Result<Option<UvFacts>, EnvironmentError> {
        if self.options.tool == ToolChoice::Pip {
            return Ok(None);
        }
        if let Some(uv) = self.uv_here().await? {
            return Ok(Some(uv));
        }
        let Some(python) = python.filter(|python| python.version >= UV_PYTHON_AT_LEAST) else {
            return Ok(None);
        };
        let _claim = self.claim("tool-uv").await?;
        if let Some(uv) = self.uv_here().await? {
            return Ok(Some(uv));
        }
        log.say("uv is not on this machine: installing it once from the package index");
        let folder = format!("{}/tools/uv-{}", self.root, super::work::fresh_name());
        match self.install_uv(python, &folder, log).await {
            Ok(uv) => {
                self.keep("tools", "uv", &uv).await?;
                Ok(Some(uv))
            }
            Err(error) => {
                log.say(&format!("uv could not be installed, pip will do: {error}"));
                self.host.remove_tree(&folder).await?;
                Ok(None)
            }
        }
    }

    async fn install_uv(
        &self,
        python: &Probed,
        folder: &str,
        log: &Tee<'_>,
    ) -> Result<UvFacts, EnvironmentError> {
        let inner = format!("{folder}/bin/python");
        self.run_step(
            &self.steps().tool_venv(&python.executable, folder, "uv"),
            Tool::Pip,
            log,
        )
        .await?;
        self.run_step(&self.steps().pip_install_tool(&inner, "uv"), Tool::Pip, log)
            .await?;
        let path = format!("{folder}/bin/uv");
        let finished = self
            .run_step(&self.steps().uv_version(&path), Tool::Uv, log)
            .await?;
        match version_in(&finished.stdout, "uv") {
            Some(version) if version >= UV_AT_LEAST => Ok(UvFacts { path, version }),
            _ => Err(EnvironmentError::NoTool {
                message: "the package index has no uv that is new enough".to_owned(),
            }),
        }
    }

    /// A Python with a pip that is new enough, of the same version as `python` and made from it.
    pub(super) async fn pip(&self, python: &Probed, log: &Tee<'_>) -> Result<String, EnvironmentError> {
        let hash = blake3::hash(python.executable.as_bytes()).to_hex();
        let name = format!("pip-{}-{}", python.version, &hash[..8]);
        let _claim = self.claim(&format!("tool-{name}")).await?;
        if let Some(PipRecord { python }) = self.record("tools", &name).await?
            && self.host.exists(&python).await?
        {
            return Ok(python);
        }
        let folder = format!("{}/tools/{name}", self.root);
        self.host.remove_tree(&folder).await?;
        match self.make_pip(python, &folder, log).await {
            Ok(inner) => {
                let record = PipRecord {
                    python: inner.clone(),
                };
                self.keep("tools", &name, &record).await?;
                Ok(inner)
            }
            Err(error) => {
                // What is half made is of no use, and a full disk needs the room.
                if let Err(left) = self.host.remove_tree(&folder).await {
                    log.say(&format!("`{folder}` could not be removed: {left}"));
                }
                Err(error)
            }
        }
    }

    async fn make_pip(
        &self,
        python: &Probed,
        folder: &str,
        log: &Tee<'_>,
    ) -> Result<String, EnvironmentError> {
        let inner = format!("{folder}/bin/python");
        let step = self.steps().tool_venv(&python.executable, folder, "pip");
        log.purpose(&step);
        let finished = self.host.run(&step, log).await?;
        if !finished.success() {
            let said = [finished.stdout.as_slice(), &finished.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            let lacks = [
                "ensurepip is not available",
                "No module named ensurepip",
                "No module named venv",
            ];
            if said.contains("ensurepip") && !lacks.iter().any(|words| said.contains(words)) {
                // `venv` keeps to itself what ensurepip said: a full disk, say. It is asked once more.
                let step = self.steps().ensure_pip(&inner);
                let finished = self.host.run(&step, log).await?;
                if !finished.success() {
                    return Err(judge(&step, Tool::Pip, &finished));
                }
            } else if lacks.iter().any(|words| said.contains(words)) {
                return Err(EnvironmentError::NoTool {
                    message: format!(
                        "`{}` cannot make environments, because its `venv` or `ensurepip` is missing; install uv, or on \
                         Debian and Ubuntu the package `python3-venv` (`python{}.{}-venv`)",
                        python.executable, python.version.major, python.version.minor
                    ),
                });
            } else {
                return Err(judge(&step, Tool::Pip, &finished));
            }
        }
        let finished = self
            .run_step(&self.steps().pip_version(&inner), Tool::Pip, log)
            .await?;
        if version_in(&finished.stdout, "pip").is_none_or(|version| version < PIP_AT_LEAST) {
            self.run_step(&self.steps().pip_install_tool(&inner, "pip"), Tool::Pip, log)
                .await?;
        }
        Ok(inner)
    }

    pub(super) async fn tool_facts(&self) -> Result<ToolFacts, EnvironmentError> {
        let uv = if self.options.tool == ToolChoice::Pip {
            None
        } else {
            self.uv_here().await?
        };
        Ok(ToolFacts {
            uv,
            interpreters: self.interpreters().await?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_answers() {
        assert_eq!(
            version_in(b"uv 0.13.9 (abc)", "uv")
                .map(|v| v.to_string())
                .as_deref(),
            Some("0.13.9")
        );
        assert_eq!(
            version_in(b"pip 23.0.1 from x", "pip")
                .map(|v| v.to_string())
                .as_deref(),
            Some("23.0.1")
        );
        assert_eq!(version_in(b"curv 1.0", "uv"), None);
        assert_eq!(version_in(b"", "uv"), None);
    }

    #[test]
    fn commands_get_a_clean_environment() {
        let pairs = |list: &[(&str, &str)]| list.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect();
        let env = command_env(&ManagerOptions {
            search_path: vec!["/a".into(), "/b".into()],
            passed_env: pairs(&[
                ("PIP_INDEX_URL", "https://h"),
                ("PIP_TARGET", "/x"),
                ("UV_NO_PROGRESS", "0"),
                ("PATH", "/x"),
            ]),
            ..ManagerOptions::default()
        });
        let of = |key: &str| -> Vec<&str> {
            env.iter()
                .filter(|(known, _)| known == key)
                .map(|(_, value)| value.as_str())
                .collect()
        };
        assert_eq!(of("PATH"), ["/a:/b"]);
        assert_eq!(of("UV_INDEX_URL"), ["https://h"]);
        assert_eq!(of("UV_NO_PROGRESS"), ["1"]);
        assert!(of("PIP_TARGET").is_empty());
    }
}
