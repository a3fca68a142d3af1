//! Models that are registered, listed and shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::collected::SnapshotFile;
use crate::id::RunId;
use crate::model::Model;
use crate::spec::SnapshotRef;

/// Where a model's files are taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSource {
    /// From what is kept of a run.
    Run {
        /// Id or unique prefix.
        run: String,
        /// Path of a file or folder among its outputs, such as `outputs/model.pkl`.
        path: String,
    },
    /// From a tree that the client has put among the artifacts.
    Tree {
        /// Content id of the tree; it has one file or folder at its top.
        tree: String,
        /// The path it was taken from, as the client's machine names it.
        path: String,
    },
}

/// A model to be registered (`POST /workspaces/{workspace}/models`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterModel {
    /// Chosen by the client, so that a repeated request registers once.
    pub id: RunId,
    /// Its name.
    pub name: String,
    /// Its files.
    pub source: ModelSource,
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

/// Which models to list (`GET /workspaces/{workspace}/models`), newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ModelFilter {
    /// Only this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only models with this tag, as `name=value` or `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only models with this property, as `name=value` or `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// Only models of this run: its id or a unique prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Only models of this framework, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework: Option<String>,
    /// Of each name only the newest of those that the rest leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<bool>,
}

/// Where a model comes from, through its run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelLineage {
    /// The run.
    pub run: RunId,
    /// The run's name.
    pub run_name: String,
    /// The run's state.
    pub run_state: crate::RunState,
    /// Its experiment.
    pub experiment: String,
    /// Path among its outputs.
    pub path: String,
    /// The code that it ran, where it ran one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotRef>,
    /// Content id of the environment that it ran in, by which its lock is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_id: Option<String>,
    /// The lock of that environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_lock: Option<crate::Lock>,
}

/// All that is known of a model (`GET /workspaces/{workspace}/models/{model}`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelDetails {
    /// The model.
    pub model: Model,
    /// Its files by path.
    pub contents: Vec<SnapshotFile>,
    /// Where it comes from, where it comes from a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<ModelLineage>,
}
