//! What a run shall do: command, code, environment, target and limits. Recorded once, never changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::array::ArrayElement;
use crate::environment::EnvironmentSpec;
use crate::id::RunId;
use crate::spark::SparkSpec;

/// What is started in the code folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Command {
    /// A Python script, by its path within the code folder, started by the environment's interpreter.
    Script {
        /// Path of the script, relative to the code folder, with `/`.
        script: String,
        /// Its arguments.
        #[serde(default)]
        arguments: Vec<String>,
    },
    /// Any program with its arguments; the environment's programs come first on its `PATH`.
    Program {
        /// Program and arguments; never empty.
        argv: Vec<String>,
    },
}

impl Command {
    /// A short text for lists and default names: the script's or program's file name without `.py`.
    #[must_use]
    pub fn stem(&self) -> &str {
        let path = match self {
            Self::Script { script, .. } => script,
            Self::Program { argv } => argv.first().map_or("run", String::as_str),
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        name.strip_suffix(".py").unwrap_or(name)
    }
}

/// The git commit that a snapshot was taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GitState {
    /// Full id of the commit.
    pub commit: String,
    /// Branch, unless the head is detached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Whether the working tree differed from the commit.
    pub dirty: bool,
}

/// The code of a run: a content-addressed tree and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotRef {
    /// Content id of the tree.
    pub tree: String,
    /// Number of files.
    pub files: u64,
    /// Total size in bytes.
    pub bytes: u64,
    /// The folder it was taken from, as the person's machine names it.
    pub source: String,
    /// Its git commit, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitState>,
}

/// What a run asks of a cluster. Other targets take it as it is there: they refuse what they cannot give.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Machines; 1 when absent. The command is started once on each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u32>,
    /// CPUs on each machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<u32>,
    /// Graphics processors on each machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<u32>,
    /// Memory on each machine, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The time limit for the scheduler, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_seconds: Option<u64>,
    /// The partition (queue); the target's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
}

impl Resources {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The command line's options of what is asked for.
    #[must_use]
    pub fn asked(&self) -> Vec<&'static str> {
        [
            (self.nodes.is_some(), "--nodes"),
            (self.cpus.is_some(), "--cpus"),
            (self.gpus.is_some(), "--gpus"),
            (self.memory_bytes.is_some(), "--memory"),
            (self.time_seconds.is_some(), "--time"),
            (self.partition.is_some(), "--partition"),
        ]
        .into_iter()
        .filter_map(|(asked, name)| asked.then_some(name))
        .collect()
    }
}

/// What a run shall do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunSpec {
    /// What is started.
    pub command: Command,
    /// The code that it is started in.
    pub snapshot: SnapshotRef,
    /// The environment, fully spelled out.
    pub environment: EnvironmentSpec,
    /// Id of the environment whose lock must be used, for a run that repeats another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_lock: Option<String>,
    /// `name:version` of the registered environment that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_name: Option<String>,
    /// Environment variables; they win over those of the environment.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// The longest time that the process may run, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration_seconds: Option<u64>,
    /// What it asks of a cluster.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
    /// Its place in an array, for a run that is one of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<ArrayElement>,
    /// The target's own job that became this run: it was not submitted by Outhaul, and is only followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<String>,
    /// What it asks of Spark; with this it is started by `spark-submit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spark: Option<SparkSpec>,
    /// The run that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<RunId>,
    /// Name of the web service that it serves: it takes no slot, and has longer to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// Whether `name` can be the name of an environment variable.
#[must_use]
pub fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether `path` names something inside a folder: relative, without `..`, without empty parts.
#[must_use]
pub fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.contains('\0')
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_short() {
        let script = Command::Script {
            script: "src/train.py".into(),
            arguments: vec![],
        };
        let program = Command::Program {
            argv: vec!["/usr/bin/env".into(), "bash".into()],
        };
        assert_eq!((script.stem(), program.stem()), ("train", "env"));
    }

    #[test]
    fn paths_that_leave_the_folder_are_seen() {
        for (path, inside) in [
            ("a/b.py", true),
            ("..", false),
            ("a/../b", false),
            ("/etc/passwd", false),
            ("a//b", false),
            ("", false),
            ("./a", false),
        ] {
            assert_eq!(is_inside(path), inside, "{path}");
        }
    }

    #[test]
    fn variable_names() {
        for (name, ok) in [
            ("A_1", true),
            ("_", true),
            ("1A", false),
            ("A-B", false),
            ("", false),
            ("A=B", false),
            ("A\nB", false),
        ] {
            assert_eq!(is_variable_name(name), ok, "{name:?}");
        }
    }
}
