//! Models: what was registered under a name and a version, and what may be changed of it. Where their files lie for a
//! scoring script stands in [`layout`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{InvalidName, RunId, check_name};

pub mod layout;

/// One version of a model, or the newest: `NAME` or `NAME:VERSION`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelName {
    /// Its name.
    pub name: String,
    /// Its version; the newest when absent.
    pub version: Option<u32>,
}

/// Why a text names no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidModelName {
    /// The part before the colon.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The part after it.
    #[error("`{0}` is not a version: versions are whole numbers from 1")]
    Version(String),
}

impl FromStr for ModelName {
    type Err = InvalidModelName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, version) = match text.split_once(':') {
            None => (text, None),
            Some((name, version)) => {
                let number = version.parse().ok().filter(|number| *number > 0);
                let digits = version.bytes().all(|byte| byte.is_ascii_digit());
                let number = number.filter(|_| digits);
                (
                    name,
                    Some(number.ok_or_else(|| InvalidModelName::Version(version.to_owned()))?),
                )
            }
        };
        check_name("model", name)?;
        Ok(Self {
            name: name.to_owned(),
            version,
        })
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(version) => write!(f, "{}:{version}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// The files of a model: a content-addressed tree with one entry at its top, the file or the folder that was registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelFiles {
    /// Content id of the tree.
    pub tree: String,
    /// Name of the file or folder at its top.
    pub entry: String,
    /// Number of files.
    pub files: u64,
    /// Total size in bytes.
    pub bytes: u64,
}

/// Where a model's files came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelOrigin {
    /// The outputs of a run.
    Run {
        /// The run.
        run: RunId,
        /// The run's experiment.
        experiment: String,
        /// Path among its outputs.
        path: String,
    },
    /// A file or folder of somebody's machine.
    Path {
        /// Its path, as that machine names it.
        path: String,
    },
}

impl ModelOrigin {
    /// The run, where the files came from one.
    #[must_use]
    pub fn run(&self) -> Option<&RunId> {
        match self {
            Self::Run { run, .. } => Some(run),
            Self::Path { .. } => None,
        }
    }
}

/// What is registered as the next version of a name; the number is given when it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewModel {
    /// Chosen by the client, so that a repeated request registers once.
    pub id: RunId,
    /// Its workspace.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// Its files.
    pub files: ModelFiles,
    /// Where they came from.
    pub origin: ModelOrigin,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Facts that are set once and stay.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// What it is, in words.
    #[serde(default)]
    pub description: Option<String>,
    /// The framework it was made with, such as `ScikitLearn`.
    #[serde(default)]
    pub framework: Option<String>,
    /// That framework's version.
    #[serde(default)]
    pub framework_version: Option<String>,
}

/// A registered model: a name, a version, and files that never change again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// The id that it was registered under.
    pub id: RunId,
    /// Its workspace.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// Its version, counted from 1. A number is given once, also after its version was deleted.
    pub version: u32,
    /// Its files.
    pub files: ModelFiles,
    /// Where they came from.
    pub origin: ModelOrigin,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Tags; they can be changed.
    pub tags: BTreeMap<String, String>,
    /// Facts that are set once and stay.
    pub properties: BTreeMap<String, String>,
    /// What it is, in words.
    pub description: Option<String>,
    /// The framework it was made with.
    pub framework: Option<String>,
    /// That framework's version.
    pub framework_version: Option<String>,
}

impl Model {
    /// The model that a registration makes.
    #[must_use]
    pub fn registered(new: NewModel, version: u32, at: Timestamp) -> Self {
        Self {
            id: new.id,
            workspace: new.workspace,
            name: new.name,
            version,
            files: new.files,
            origin: new.origin,
            created_at: at,
            tags: new.tags,
            properties: new.properties,
            description: new.description,
            framework: new.framework,
            framework_version: new.framework_version,
        }
    }

    /// `NAME:VERSION`.
    #[must_use]
    pub fn reference(&self) -> ModelName {
        ModelName {
            name: self.name.clone(),
            version: Some(self.version),
        }
    }
}

/// A change of a model's version (`PATCH /workspaces/{workspace}/models/{model}`), all or none. What is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeModel {
    /// Names of tags that go, before others are set; one that is not there is no error.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub remove_tags: BTreeSet<String>,
    /// Tags that are set, over those that are there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set_tags: BTreeMap<String, String>,
    /// Properties that are added; one that is there must have the same value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub add_properties: BTreeMap<String, String>,
    /// A new description; an empty one removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_told_apart() {
        for (text, name, version) in [
            ("churn", "churn", None),
            ("churn:1", "churn", Some(1)),
            ("a.b-c_d:4294967295", "a.b-c_d", Some(u32::MAX)),
        ] {
            let read: ModelName = text.parse().unwrap();
            assert_eq!((read.name.as_str(), read.version), (name, version), "{text}");
            assert_eq!(read.to_string(), text);
        }
        for wrong in [
            "",
            ":1",
            "a:",
            "a:0",
            "a:-1",
            "a:+1",
            "a:x",
            "a:1:2",
            "a/b",
            "-a:1",
            "é",
            "a:4294967296",
        ] {
            assert!(wrong.parse::<ModelName>().is_err(), "{wrong}");
        }
    }
}
