//! Workspaces and their settings.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The name of the workspace that is always there.
pub const DEFAULT_WORKSPACE: &str = "default";
/// The name of the target that is always there: this machine.
pub const LOCAL_TARGET: &str = "local";
/// What stands in place of a target in a run that a client plays. No target can have this name.
pub const NO_TARGET: &str = "-";

/// What is done with packages that an environment names under conda's `dependencies:`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CondaMode {
    /// They are taken from conda channels.
    #[default]
    Channels,
    /// They are refused, with a message that says what can be done.
    Refuse,
    /// They are taken from the Python package index under the matching name.
    Pypi,
}

impl FromStr for CondaMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "channels" => Ok(Self::Channels),
            "refuse" => Ok(Self::Refuse),
            "pypi" => Ok(Self::Pypi),
            _ => Err(format!(
                "`{text}` is not a conda mode; there are `channels`, `pypi` and `refuse`"
            )),
        }
    }
}

impl fmt::Display for CondaMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Channels => "channels",
            Self::Refuse => "refuse",
            Self::Pypi => "pypi",
        })
    }
}

/// The settings of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkspaceSettings {
    /// What is done with conda packages.
    #[serde(default)]
    pub conda: CondaMode,
}

/// A workspace: the folder in which experiments, runs, targets and environments have their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Workspace {
    /// Its name.
    pub name: String,
    /// Its settings.
    pub settings: WorkspaceSettings,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Whether it is the one in use where a command names none.
    pub current: bool,
}
