//! Deploying, updating and seeing web services.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::EnvironmentChoice;
use crate::id::RunId;
use crate::service::TlsFiles;
use crate::spec::SnapshotRef;
use crate::workspace::CondaMode;

/// A model that a service shall have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelChoice {
    /// A registered one; its newest version when none is given.
    Registered {
        /// Its name.
        name: String,
        /// Its version.
        #[serde(default)]
        version: Option<u32>,
    },
    /// Files that are not registered.
    Files {
        /// The name that they get.
        name: String,
        /// Content id of a tree that holds the file or folder.
        tree: String,
    },
}

/// A web service to be deployed (`POST /services`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployService {
    /// Chosen by the client, so that a repeated request makes one service.
    pub id: RunId,
    /// Its workspace; the current one when absent.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its target; `local` when absent.
    #[serde(default)]
    pub target: Option<String>,
    /// Whether a service that has this name becomes this one, without a gap.
    #[serde(default)]
    pub overwrite: bool,
    /// What it shall be.
    pub spec: ServiceChange,
}

/// What an update of a web service changes (`PATCH /services/{name}`); what is absent stays. A deployment begins from the
/// defaults that are said here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceChange {
    /// Models; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<ModelChoice>>,
    /// Path of the entry script within the source; a deployment needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The source; a deployment needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SnapshotRef>,
    /// The environment; a deployment needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentChoice>,
    /// Overrides the workspace's setting for conda packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conda: Option<CondaMode>,
    /// Environment variables of the workers, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<BTreeMap<String, String>>,
    /// The address to listen on; 127.0.0.1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The port; a free one by default, which the service keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Worker processes; 1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u16>,
    /// Requests that may wait for a worker; 100 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<u32>,
    /// The longest time of one call of `run()` in seconds; an hour by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// The longest body in bytes; 100 MiB by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_body: Option<u64>,
    /// The origin that browsers may call from, or `*`; an empty text takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<String>,
    /// Whether callers have to give a key; they have not by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<bool>,
    /// Certificate and key for HTTPS; HTTP by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
    /// Description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Tags, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
}

/// Which services are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ServiceFilter {
    /// Workspace; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// `name`, or `name=value` of a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// `name`, or `name:version` of a model that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// The keys of a service. They go to whoever may ask the server, and into no log.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ServiceKeys {
    /// The first one.
    pub primary: String,
    /// The second one, so that one can be made anew while callers use the other.
    pub secondary: String,
}

/// Which key is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhichKey {
    /// The first one.
    Primary,
    /// The second one.
    Secondary,
}
