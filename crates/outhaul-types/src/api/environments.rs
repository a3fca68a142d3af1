//! Environments that are registered and built.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::submit::EnvironmentChoice;
use crate::environment::{EnvironmentSpec, Lock};

/// An environment to be registered (`POST /environments`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterEnvironment {
    /// Its workspace; the current one when absent.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its spec.
    pub spec: EnvironmentSpec,
}

/// An environment to be built (`POST /environments/build`); answers with server-sent events: `event: log` with
/// frames, then `event: built` with [`BuiltEnvironment`] or `event: error` with an error, then `event: end`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BuildEnvironment {
    /// Which environment.
    pub environment: EnvironmentChoice,
    /// Its workspace; the current one when absent.
    #[serde(default)]
    pub workspace: Option<String>,
    /// On which target; `local` when absent.
    #[serde(default)]
    pub target: Option<String>,
    /// Overrides the workspace's setting for conda packages.
    #[serde(default)]
    pub conda: Option<crate::workspace::CondaMode>,
}

/// An environment that is built on a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BuiltEnvironment {
    /// Content id.
    pub id: String,
    /// The target.
    pub target: String,
    /// Its interpreter on the target.
    pub python: String,
    /// What it was resolved to.
    pub lock: Lock,
}
