//! Logged models of MLflow 3: a model that a run gave out, with its params, tags, metrics and files.

use std::collections::BTreeMap;

use outhaul_types::api::Output;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::artifacts;
use crate::filter::{Attributes, Searchable};
use crate::request::{MetricMessage, Pair};

/// The fields of a logged model that can be searched by.
pub const ATTRIBUTES: Attributes = Attributes {
    texts: &[
        "name",
        "model_id",
        "model_type",
        "status",
        "source_run_id",
        "experiment_id",
    ],
    numbers: &["creation_timestamp", "last_updated_timestamp"],
    aliases: &[
        ("creation_time", "creation_timestamp"),
        ("creation_timestamp_ms", "creation_timestamp"),
        ("last_updated_timestamp_ms", "last_updated_timestamp"),
    ],
};

/// A logged model, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Model {
    /// Its id: `m-` and 32 hexadecimal digits.
    pub model_id: String,
    /// Id of its experiment.
    pub experiment_id: String,
    /// Its name; several may have the same.
    pub name: String,
    /// What kind of model.
    pub model_type: Option<String>,
    /// The run that gave it out.
    pub source_run_id: Option<String>,
    /// `LOGGED_MODEL_PENDING`, `LOGGED_MODEL_READY` or `LOGGED_MODEL_UPLOAD_FAILED`.
    pub status: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its params.
    pub params: BTreeMap<String, String>,
    /// Its metrics in order of logging.
    pub metrics: Vec<MetricMessage>,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// When it was changed last.
    pub updated: i64,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Its files, for one that no run gave out. Those of others are outputs of their run.
    pub files: Vec<Output>,
}

/// The id of a new model, from random bytes.
#[must_use]
pub fn id(random: [u8; 16]) -> String {
    format!("m-{:032x}", u128::from_be_bytes(random))
}

/// The folder among the outputs of its run that holds a model's files.
#[must_use]
pub fn folder(model: &str) -> String {
    format!("models/{model}")
}

/// What is known of a status.
#[must_use]
pub fn is_status(text: &str) -> bool {
    matches!(
        text,
        "LOGGED_MODEL_PENDING" | "LOGGED_MODEL_READY" | "LOGGED_MODEL_UPLOAD_FAILED"
    )
}

impl Model {
    /// The message `LoggedModel`.
    #[must_use]
    pub fn message(&self) -> Value {
        let pairs = |map: &BTreeMap<String, String>| -> Vec<Pair> {
            map.iter()
                .map(|(key, value)| Pair {
                    key: key.clone(),
                    value: value.clone(),
                })
                .collect()
        };
        let mut info = json!({
            "model_id": self.model_id,
            "experiment_id": self.experiment_id,
            "name": self.name,
            "creation_timestamp_ms": self.created,
            "last_updated_timestamp_ms": self.updated,
            "artifact_uri": artifacts::of_model(&self.experiment_id, &self.model_id),
            "status": self.status,
            "tags": pairs(&self.tags),
        });
        for (key, value) in [
            ("model_type", &self.model_type),
            ("source_run_id", &self.source_run_id),
        ] {
            if let Some(value) = value {
                info[key] = json!(value);
            }
        }
        let metrics: Vec<Value> = self.metrics.iter().map(MetricMessage::message).collect();
        json!({"info": info, "data": {"params": pairs(&self.params), "metrics": metrics}})
    }
}

impl Searchable for Model {
    fn metric(&self, key: &str) -> Option<f64> {
        let of_name = self.metrics.iter().filter(|metric| metric.key == key);
        of_name
            .max_by_key(|metric| (metric.step, metric.timestamp))
            .map(|metric| metric.value)
    }

    fn param(&self, key: &str) -> Option<&str> {
        self.params.get(key).map(String::as_str)
    }

    fn tag(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(String::as_str)
    }

    fn text(&self, key: &str) -> Option<String> {
        match key {
            "name" => Some(self.name.clone()),
            "model_id" => Some(self.model_id.clone()),
            "experiment_id" => Some(self.experiment_id.clone()),
            "status" => Some(self.status.trim_start_matches("LOGGED_MODEL_").to_owned()),
            "model_type" => self.model_type.clone(),
            "source_run_id" => self.source_run_id.clone(),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> Option<f64> {
        match key {
            "creation_timestamp" => Some(self.created as f64),
            "last_updated_timestamp" => Some(self.updated as f64),
            _ => None,
        }
    }

    fn datasets(&self, key: &str) -> Vec<String> {
        let of = |metric: &MetricMessage| match key {
            "name" => metric.dataset_name.clone(),
            "digest" => metric.dataset_digest.clone(),
            _ => None,
        };
        self.metrics.iter().filter_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{matches, parse};

    #[test]
    fn a_model_is_shown_and_found() {
        let model = Model {
            model_id: id([0xab; 16]),
            experiment_id: "0".into(),
            name: "ridge".into(),
            status: "LOGGED_MODEL_READY".into(),
            source_run_id: Some("k3v9x2m4q7t0b8wz".into()),
            params: [("alpha".to_owned(), "0.5".to_owned())].into(),
            created: 5,
            ..Model::default()
        };
        assert_eq!(model.model_id, format!("m-{}", "ab".repeat(16)));
        let message = model.message();
        assert_eq!(
            message["info"]["artifact_uri"],
            json!(format!("mlflow-artifacts:/0/models/{}/artifacts", model.model_id))
        );
        assert_eq!(
            message["data"]["params"],
            json!([{"key": "alpha", "value": "0.5"}])
        );
        assert!(message["info"].get("model_type").is_none());
        for (filter, met) in [
            ("name = 'ridge'", true),
            (
                "source_run_id = 'k3v9x2m4q7t0b8wz' AND params.alpha = '0.5'",
                true,
            ),
            ("status = 'READY'", true),
            ("creation_timestamp > 5", false),
            ("model_type = 'x'", false),
        ] {
            assert_eq!(
                matches(&model, &parse(filter, &ATTRIBUTES).unwrap()),
                met,
                "{filter}"
            );
        }
    }
}
