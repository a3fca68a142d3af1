//! Environments as data: what a person asks for (spec) and what was resolved from it (lock).
//! Reading spec files, locking and building live in `outhaul-environment`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::spark::SparkSpec;

/// Which Python a run gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Interpreter {
    /// One that Outhaul finds or makes, with an environment of its own.
    Managed {
        /// A version specifier such as `>=3.9` or `3.11`; any Python 3 when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
    /// One that the person looks after; it is used as it is.
    UserManaged {
        /// Path of the interpreter on the target.
        python: String,
    },
}

impl Default for Interpreter {
    fn default() -> Self {
        Self::Managed { version: None }
    }
}

/// What an environment shall hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// Its name, where the file gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which Python.
    #[serde(default)]
    pub interpreter: Interpreter,
    /// Requirement lines for the Python package index.
    #[serde(default)]
    pub pip: Vec<String>,
    /// Options for the Python package index, such as `--extra-index-url https://...`.
    #[serde(default)]
    pub index_options: Vec<String>,
    /// Packages named under conda's `dependencies:`, beyond Python and pip.
    #[serde(default)]
    pub conda: Vec<String>,
    /// Conda channels.
    #[serde(default)]
    pub channels: Vec<String>,
    /// Environment variables for the runs; they change no build.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// The container that runs are started in; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker: Option<Box<DockerSpec>>,
    /// What runs on a Spark cluster get: packages and configuration; it changes no build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spark: Option<Box<SparkSpec>>,
}

/// A container that runs are started in. Exactly one of `image` and `dockerfile` is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DockerSpec {
    /// Name of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Text of a Dockerfile, built without a context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerfile: Option<String>,
    /// Size of the shared memory in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shm_size: Option<u64>,
    /// Whether the container gets all graphics processors.
    #[serde(default)]
    pub gpus: bool,
    /// Options as for `docker run`: `--volume`, `--network`, `--memory`, `--cpus`, `--env`, `--ipc`, `--cap-add`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
}

/// A conda package, exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CondaPackage {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Build string.
    pub build: String,
    /// Where it is downloaded.
    pub url: String,
    /// SHA-256 of the archive in hexadecimal, where the channel tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// MD5 of the archive in hexadecimal, where the channel tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
}

/// What a spec was resolved to: enough to build the same environment again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lock {
    /// Version of this format, now 1.
    pub version: u32,
    /// Id of the spec that it was made from.
    pub spec_id: String,
    /// Full Python version, such as `3.11.7`; empty where an image's own Python is used without a question.
    pub python_version: String,
    /// Platform, such as `linux-x86_64`.
    pub platform: String,
    /// What resolved it: `uv`, `pip`, or `none` for an interpreter that is used as it is.
    pub tool: String,
    /// The interpreter itself when the person looks after it; such an environment is not built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
    /// Index options that the packages were found with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub index_options: Vec<String>,
    /// Pinned requirement lines, with hashes where they are known.
    pub requirements: String,
    /// Conda packages, in the order in which they are installed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conda: Vec<CondaPackage>,
    /// Id of the image that runs are started from, as the target's engine gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

/// A registered environment: a name, a version and a spec that never changes again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegisteredEnvironment {
    /// Its name.
    pub name: String,
    /// Its version, counted from 1.
    pub version: u32,
    /// Its spec.
    pub spec: EnvironmentSpec,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}
