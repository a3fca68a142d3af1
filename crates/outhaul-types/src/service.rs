//! Web services: a model behind an entry script that is kept running on a target. What is wanted, what is there, and the
//! rules of names.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::environment::EnvironmentSpec;
use crate::id::RunId;
use crate::spec::SnapshotRef;

/// The property by which an instance says in its run's metrics file that it answers; its value is the address.
pub const READY: &str = "outhaul.service.ready";

/// Where a service stands, by the names that Azure ML users know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ServiceState {
    /// It is being brought up for the first time.
    Transitioning,
    /// An instance has initialised and answers.
    Healthy,
    /// It answered before, and no instance does now; it is being brought up again.
    Unhealthy,
    /// It never came up, and is not tried again until it is updated.
    Failed,
    /// It is being deleted.
    Deleting,
}

impl ServiceState {
    /// The name as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transitioning => "Transitioning",
            Self::Healthy => "Healthy",
            Self::Unhealthy => "Unhealthy",
            Self::Failed => "Failed",
            Self::Deleting => "Deleting",
        }
    }
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A model as a service has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServedModel {
    /// Its name.
    pub name: String,
    /// Its version; 0 for files that are not registered.
    pub version: u32,
    /// Content id of the tree that holds its file or folder under its own name.
    pub tree: String,
}

/// Files of the machine that a service runs on, for HTTPS. They are read when an instance starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// Absolute path of the certificate, followed by those that lead to its root, as PEM.
    pub certificate: String,
    /// Absolute path of its private key, as PEM.
    pub key: String,
}

/// What a service shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceSpec {
    /// Its models.
    pub models: Vec<ServedModel>,
    /// Path of the entry script within the source, with `/`.
    pub entry: String,
    /// The source.
    pub source: SnapshotRef,
    /// The environment of the workers, fully spelled out.
    pub environment: EnvironmentSpec,
    /// `name:version` of the registered environment that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_name: Option<String>,
    /// Environment variables of the workers.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// The address to listen on, an IP address.
    pub host: String,
    /// The port to listen on.
    pub port: u16,
    /// Worker processes.
    pub workers: u16,
    /// Requests that may wait for a worker.
    pub queue: u32,
    /// The longest time of one call of `run()`, in seconds.
    pub timeout_seconds: u64,
    /// The longest body, in bytes.
    pub max_body: u64,
    /// The origin that browsers may call from, or `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<String>,
    /// Whether callers have to give a key.
    #[serde(default)]
    pub keys: bool,
    /// Certificate and key for HTTPS; HTTP when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
}

/// One start of a service: a run that serves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceInstance {
    /// The run.
    pub run: RunId,
    /// The generation of the service that it was started for.
    pub generation: u32,
}

/// What went wrong last with a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceError {
    /// What happened.
    pub message: String,
    /// The last lines of the instance's log, with the Python traceback where there is one.
    #[serde(default)]
    pub log: String,
    /// The run that it happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A web service as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebService {
    /// Its id, chosen by the client: deploying twice with one id makes one service.
    pub id: RunId,
    /// Its name in its workspace.
    pub name: String,
    /// Its workspace.
    pub workspace: String,
    /// The target that it runs on.
    pub target: String,
    /// What a person says about it.
    #[serde(default)]
    pub description: String,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// What it shall be.
    pub spec: ServiceSpec,
    /// What it was before an update that has not come up yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<ServiceSpec>>,
    /// Counts deployment, updates and reloads, from 1.
    pub generation: u32,
    /// Where it stands.
    pub state: ServiceState,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub state_since: Timestamp,
    /// What went wrong last; gone when the next generation has come up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ServiceError>,
    /// The instance that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<ServiceInstance>,
    /// The instance that is to take over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<ServiceInstance>,
    /// Instances that were asked to end and answer what they still have.
    #[serde(default)]
    pub leaving: Vec<RunId>,
    /// How often in a row an instance ended by itself.
    #[serde(default)]
    pub restarts: u32,
    /// When the next try is due, after an end that was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retry_at: Option<Timestamp>,
    /// When it was deployed.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last deployed, updated or reloaded.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Where it answers.
    pub url: String,
}

impl WebService {
    /// The runs that belong to it and may still go on.
    pub fn runs(&self) -> impl Iterator<Item = &RunId> {
        let instances = self.current.iter().chain(&self.next);
        instances.map(|instance| &instance.run).chain(&self.leaving)
    }

    /// Whether a generation that was asked for is still being brought up, or the one before it still answers.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        let served = self.current.as_ref().map(|current| current.generation);
        let is_up = served == Some(self.generation) && self.leaving.is_empty();
        !matches!(self.state, ServiceState::Failed | ServiceState::Deleting) && !is_up
    }
}

/// Why a service's name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "service name `{0}` is not allowed: use 3 to 32 lower-case letters, digits and `-`, beginning with a letter and not ending in `-`"
)]
pub struct InvalidServiceName(String);

/// Checks a service's name, by the rule of Azure ML v1.
///
/// # Errors
/// For anything but 3 to 32 lower-case letters, digits and `-`, beginning with a letter and not ending in `-`.
pub fn check_service_name(name: &str) -> Result<(), InvalidServiceName> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = (3..=32).contains(&name.len())
        && name.bytes().all(allowed)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-');
    if fits {
        Ok(())
    } else {
        Err(InvalidServiceName(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_azure_ml() {
        for (name, ok) in [
            ("churn-api", true),
            ("abc", true),
            ("a1-", false),
            ("ab", false),
            ("1ab", false),
            ("Churn", false),
            ("a_b", false),
            ("", false),
        ] {
            assert_eq!(check_service_name(name).is_ok(), ok, "{name}");
        }
        assert!(check_service_name(&"a".repeat(32)).is_ok());
        assert!(check_service_name(&"a".repeat(33)).is_err());
    }
}
