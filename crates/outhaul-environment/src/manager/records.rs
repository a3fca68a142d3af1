//! The small files that remember what was locked, built and failed. A record that cannot be read counts as missing.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{BuiltEnvironment, EnvironmentManager};
use crate::error::EnvironmentError;
use outhaul_types::EnvironmentSpec;
use outhaul_types::Lock;

/// `specs/<spec id>.json`
#[derive(Serialize, Deserialize)]
struct SpecRecord {
    environment_id: String,
}

/// `built/<environment id>.json`, the marker that makes an attempt count.
#[derive(Serialize, Deserialize)]
struct BuiltRecord {
    attempt: String,
    python: String,
    bin_dir: String,
}

/// `failed/<spec or environment id>.json`
#[derive(Serialize, Deserialize)]
struct FailedRecord {
    message: String,
    log: Option<String>,
}

/// An environment in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEnvironment {
    /// Content id.
    pub id: String,
    /// Ids of the specs whose environment it is; empty when only reruns use it.
    pub spec_ids: Vec<String>,
    /// Path of its interpreter.
    pub python: String,
    /// What is in it.
    pub lock: Lock,
}

/// Ids come from outside and become file names.
pub(super) fn is_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl EnvironmentManager {
    pub(super) async fn record<T: DeserializeOwned>(
        &self,
        folder: &str,
        name: &str,
    ) -> Result<Option<T>, EnvironmentError> {
        let path = self.path(folder, name, "json");
        let Some(bytes) = self.host.read(&path).await? else {
            return Ok(None);
        };
        Ok(serde_json::from_slice(&bytes)
            .inspect_err(|error| tracing::warn!(path, %error, "an unreadable record counts as missing"))
            .ok())
    }

    pub(super) async fn keep<T: Serialize + Sync>(
        &self,
        folder: &str,
        name: &str,
        record: &T,
    ) -> Result<(), EnvironmentError> {
        // Records are plain structs of strings and numbers; an empty file would count as missing.
        let bytes = serde_json::to_vec(record).unwrap_or_default();
        Ok(self
            .host
            .write_atomic(&self.path(folder, name, "json"), &bytes)
            .await?)
    }

    pub(super) async fn environment_of_spec(
        &self,
        spec_id: &str,
    ) -> Result<Option<String>, EnvironmentError> {
        let record: Option<SpecRecord> = self.record("specs", spec_id).await?;
        Ok(record.map(|record| record.environment_id).filter(|id| is_id(id)))
    }

    pub(super) async fn keep_lock(
        &self,
        id: &str,
        lock: &Lock,
        for_spec: bool,
    ) -> Result<(), EnvironmentError> {
        self.keep("locks", id, lock).await?;
        if for_spec {
            self.keep(
                "specs",
                &lock.spec_id,
                &SpecRecord {
                    environment_id: id.to_owned(),
                },
            )
            .await?;
        }
        Ok(())
    }

    pub(super) async fn keep_built(
        &self,
        id: &str,
        attempt: &str,
        python: &str,
        bin_dir: &str,
    ) -> Result<(), EnvironmentError> {
        let record = BuiltRecord {
            attempt: attempt.to_owned(),
            python: python.to_owned(),
            bin_dir: bin_dir.to_owned(),
        };
        self.keep("built", id, &record).await
    }

    /// The built environment of an id, if its marker and its interpreter are there. Without a given lock, the stored
    /// one is read.
    pub(super) async fn built(
        &self,
        spec: &EnvironmentSpec,
        spec_id: &str,
        id: &str,
        lock: Option<&Lock>,
    ) -> Result<Option<BuiltEnvironment>, EnvironmentError> {
        let Some(record) = self.record::<BuiltRecord>("built", id).await? else {
            return Ok(None);
        };
        if !self.host.exists(&record.python).await? {
            return Ok(None);
        }
        let lock = match lock {
            Some(lock) => lock.clone(),
            None => match self.record("locks", id).await? {
                Some(lock) => lock,
                None => return Ok(None),
            },
        };
        Ok(Some(BuiltEnvironment {
            id: id.to_owned(),
            spec_id: spec_id.to_owned(),
            python: record.python,
            bin_dir: record.bin_dir,
            lock,
            variables: spec.variables.clone(),
        }))
    }

    pub(super) async fn check_failed(&self, id: &str) -> Result<(), EnvironmentError> {
        match self.record::<FailedRecord>("failed", id).await? {
            Some(FailedRecord { message, log }) => Err(EnvironmentError::Remembered { message, log }),
            None => Ok(()),
        }
    }

    pub(super) async fn keep_failed(
        &self,
        id: &str,
        error: &EnvironmentError,
        log: &str,
    ) -> Result<(), EnvironmentError> {
        self.keep(
            "failed",
            id,
            &FailedRecord {
                message: error.to_string(),
                log: Some(log.to_owned()),
            },
        )
        .await
    }

    pub(super) async fn forget_failed(&self, id: &str) -> Result<(), EnvironmentError> {
        Ok(self.host.remove_tree(&self.path("failed", id, "json")).await?)
    }

    pub(super) async fn listed(&self) -> Result<Vec<ListedEnvironment>, EnvironmentError> {
        let ids = |names: Vec<String>| -> Vec<String> {
            names
                .into_iter()
                .filter_map(|name| {
                    name.strip_suffix(".json")
                        .filter(|id| is_id(id))
                        .map(str::to_owned)
                })
                .collect()
        };
        let mut specs: Vec<(String, String)> = Vec::new();
        for spec_id in ids(self.host.list(&format!("{}/specs", self.root)).await?) {
            if let Some(id) = self.environment_of_spec(&spec_id).await? {
                specs.push((id, spec_id));
            }
        }
        let mut listed = Vec::new();
        for id in ids(self.host.list(&format!("{}/built", self.root)).await?) {
            let Some(record) = self.record::<BuiltRecord>("built", &id).await? else {
                continue;
            };
            let Some(lock) = self.record("locks", &id).await? else {
                continue;
            };
            let of = specs
                .iter()
                .filter(|(of, _)| *of == id)
                .map(|(_, spec_id)| spec_id.clone())
                .collect();
            listed.push(ListedEnvironment {
                id,
                spec_ids: of,
                python: record.python,
                lock,
            });
        }
        Ok(listed)
    }
}
