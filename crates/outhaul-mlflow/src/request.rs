//! Requests of the protocol, read leniently as protobuf's JSON is: 64-bit numbers may come as texts, fields may be
//! missing or null, and unknown ones are passed over.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::MlflowError;
use crate::metric::number;

/// A key with its value: a param or a tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pair {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub key: String,
    /// Its value.
    #[serde(deserialize_with = "or_default")]
    pub value: String,
}

/// How long names of metrics and params may be.
const LONGEST_KEY: usize = 250;

/// Refuses a name of a metric or param that MLflow's own stores refuse.
///
/// # Errors
/// When it is too long, or [`check_name`] refuses it.
pub fn check_key(what: &str, key: &str) -> Result<(), MlflowError> {
    if key.chars().count() > LONGEST_KEY {
        return Err(MlflowError::invalid(format!(
            "the name of a {what} has more than {LONGEST_KEY} characters"
        )));
    }
    check_name(what, key)
}

/// Refuses a name that MLflow's own stores refuse: names are paths that stay where they are.
///
/// # Errors
/// When it is empty, has other characters than letters, digits and `_-. :/`, or is no plain path.
pub fn check_name(what: &str, name: &str) -> Result<(), MlflowError> {
    let allowed = |letter: char| letter.is_alphanumeric() || "_-. :/".contains(letter);
    let plain = |part: &str| !["", ".", ".."].contains(&part);
    if name.chars().all(allowed) && name.split('/').all(plain) {
        return Ok(());
    }
    Err(MlflowError::invalid(format!(
        "`{name}` cannot be the name of a {what}: use letters, digits, `_`, `-`, `.`, spaces, `:`, and `/` between words"
    )))
}

/// One value of a metric, with the model and the data that it is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricMessage {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub key: String,
    /// Its value.
    #[serde(deserialize_with = "float", serialize_with = "write_float")]
    pub value: f64,
    /// When, in milliseconds since 1970.
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
    /// The step.
    #[serde(deserialize_with = "integer")]
    pub step: i64,
    /// The model that it is about.
    pub model_id: Option<String>,
    /// The data that it was measured on.
    pub dataset_name: Option<String>,
    /// Digest of that data.
    pub dataset_digest: Option<String>,
    /// The run that logged it.
    pub run_id: Option<String>,
}

impl MetricMessage {
    /// The message.
    #[must_use]
    pub fn message(&self) -> Value {
        let mut message = json!({"key": self.key, "value": number(self.value), "timestamp": self.timestamp, "step": self.step});
        for (key, value) in [
            ("model_id", &self.model_id),
            ("dataset_name", &self.dataset_name),
            ("dataset_digest", &self.dataset_digest),
            ("run_id", &self.run_id),
        ] {
            if let Some(value) = value {
                message[key] = json!(value);
            }
        }
        message
    }
}

/// Any request: the fields that routes here look at. One type, because most name the same few things.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// The run.
    pub run_id: Option<String>,
    /// The run, as old clients name it.
    pub run_uuid: Option<String>,
    /// The experiment.
    pub experiment_id: Option<String>,
    /// A name.
    pub name: Option<String>,
    /// A new name.
    pub new_name: Option<String>,
    /// A key of a param, tag or metric.
    pub key: Option<String>,
    /// Its value: a text, or a number for a metric.
    pub value: Value,
    /// When, in milliseconds since 1970.
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
    /// The step.
    #[serde(deserialize_with = "integer")]
    pub step: i64,
    /// Tags.
    #[serde(deserialize_with = "or_default")]
    pub tags: Vec<Pair>,
    /// Params.
    #[serde(deserialize_with = "or_default")]
    pub params: Vec<Pair>,
    /// Metrics.
    #[serde(deserialize_with = "or_default")]
    pub metrics: Vec<MetricMessage>,
    /// Who makes a run.
    pub user_id: Option<String>,
    /// The run's name.
    pub run_name: Option<String>,
    /// The run's or the model's status.
    pub status: Option<String>,
    /// Experiments to search.
    #[serde(deserialize_with = "or_default")]
    pub experiment_ids: Vec<String>,
    /// Conditions.
    pub filter: Option<String>,
    /// The order of the list.
    #[serde(deserialize_with = "or_default")]
    pub order_by: Vec<Value>,
    /// How many at once; nothing when that is not said.
    #[serde(deserialize_with = "maybe_integer")]
    pub max_results: Option<i64>,
    /// Where the page begins.
    pub page_token: Option<String>,
    /// Which runs: active, deleted, all.
    pub run_view_type: Option<String>,
    /// Which experiments.
    pub view_type: Option<String>,
    /// Datasets that a run took in.
    #[serde(deserialize_with = "or_default")]
    pub datasets: Vec<Value>,
    /// Models that a run took in or gave out.
    #[serde(deserialize_with = "or_default")]
    pub models: Vec<Value>,
    /// A model's description, for `log-model` of old clients.
    pub model_json: Option<String>,
    /// The model.
    pub model_id: Option<String>,
    /// The model's kind.
    pub model_type: Option<String>,
    /// The run that gave a model out.
    pub source_run_id: Option<String>,
    /// The data that a metric was measured on.
    pub dataset_name: Option<String>,
    /// Digest of that data.
    pub dataset_digest: Option<String>,
    /// Several runs.
    #[serde(deserialize_with = "or_default")]
    pub run_ids: Vec<String>,
    /// The name of a metric.
    pub metric_key: Option<String>,
    /// An experiment's name.
    pub experiment_name: Option<String>,
    /// A folder.
    pub path: Option<String>,
    /// A folder of a model's files.
    pub artifact_directory_path: Option<String>,
}

impl Fields {
    /// Reads the fields of a query, in which lists are names that come several times.
    ///
    /// # Errors
    /// What serde says.
    pub fn of_query(pairs: Vec<(String, String)>) -> Result<Self, serde_json::Error> {
        let mut fields = serde_json::Map::new();
        for (name, value) in pairs {
            if name.ends_with("_ids") {
                let list = fields.entry(name).or_insert_with(|| json!([]));
                list.as_array_mut()
                    .into_iter()
                    .for_each(|list| list.push(json!(value)));
            } else {
                fields.insert(name, json!(value));
            }
        }
        serde_json::from_value(Value::Object(fields))
    }

    /// The run's id, under either name.
    #[must_use]
    pub fn run(&self) -> Option<&str> {
        let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        [&self.run_id, &self.run_uuid]
            .into_iter()
            .find(|text| given(text))
            .and_then(Option::as_deref)
    }

    /// The value as a text.
    #[must_use]
    pub fn text_value(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }

    /// The metric of `log-metric`.
    #[must_use]
    pub fn metric(&self) -> Option<MetricMessage> {
        Some(MetricMessage {
            key: self.key.clone()?,
            value: as_float(&self.value)?,
            timestamp: self.timestamp,
            step: self.step,
            model_id: self.model_id.clone(),
            dataset_name: self.dataset_name.clone(),
            dataset_digest: self.dataset_digest.clone(),
            run_id: None,
        })
    }

    /// `order_by` as texts; logged models order by objects with `field_name` and `ascending`.
    #[must_use]
    pub fn order_texts(&self) -> Vec<String> {
        let text = |order: &Value| match order {
            Value::String(text) => Some(text.clone()),
            other => {
                let name = other["field_name"].as_str()?;
                let direction = if other["ascending"] == json!(false) {
                    "DESC"
                } else {
                    "ASC"
                };
                Some(format!("{name} {direction}"))
            }
        };
        self.order_by.iter().filter_map(text).collect()
    }

    /// Refuses a search that asks for fewer or more at once than it may. One that does not say is not refused.
    ///
    /// # Errors
    /// When `max_results` is given and out of these bounds.
    pub fn check_limit(&self, least: i64, most: i64) -> Result<(), MlflowError> {
        match self.max_results {
            Some(asked) if !(least..=most).contains(&asked) => Err(MlflowError::invalid(format!(
                "`max_results` is {asked}; it must be from {least} to {most}"
            ))),
            _ => Ok(()),
        }
    }

    /// How many at once: what is asked for, within limits.
    #[must_use]
    pub fn limit(&self, usual: usize, most: usize) -> usize {
        match usize::try_from(self.max_results.unwrap_or_default()) {
            Ok(0) | Err(_) => usual,
            Ok(asked) => asked.min(most),
        }
    }
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(maybe_integer(deserializer)?.unwrap_or_default())
}

fn maybe_integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let wrong = || serde::de::Error::custom("not a whole number");
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Number(number) => {
            let rounded = number.as_f64().map(|number| number as i64);
            number.as_i64().or(rounded).map(Some).ok_or_else(wrong)
        }
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        // Rust reads `NaN`, `Infinity` and `-Infinity`, too.
        Value::String(text) => text.parse().ok(),
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        _ => None,
    }
}

fn float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    as_float(&Value::deserialize(deserializer)?).ok_or_else(|| serde::de::Error::custom("not a number"))
}

fn write_float<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    number(*value).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_any_dress() {
        let fields: Fields = serde_json::from_value(json!({
            "run_uuid": "r", "timestamp": "1700000000123", "step": 3.0, "max_results": null, "unknown": [1],
            "metrics": [{"key": "a", "value": "NaN", "timestamp": 1}, {"key": "b", "value": "-Infinity"}, {"key": "c", "value": 1, "step": "7"}],
            "tags": null, "order_by": ["start_time DESC", {"field_name": "metrics.a", "ascending": false}],
        }))
        .unwrap();
        assert_eq!(
            (fields.run(), fields.timestamp, fields.step),
            (Some("r"), 1_700_000_000_123, 3)
        );
        assert!(fields.metrics[0].value.is_nan());
        assert_eq!(
            (fields.metrics[1].value, fields.metrics[2].step),
            (f64::NEG_INFINITY, 7)
        );
        assert_eq!(fields.order_texts(), ["start_time DESC", "metrics.a DESC"]);
        assert_eq!((fields.limit(100, 1000), fields.tags.len()), (100, 0));
        assert!(fields.check_limit(1, 5).is_ok());
        let back = serde_json::to_value(&fields.metrics[0]).unwrap();
        assert_eq!(back["value"], json!("NaN"));
        assert!(
            serde_json::from_value::<MetricMessage>(back)
                .unwrap()
                .value
                .is_nan()
        );
    }

    #[test]
    fn names_are_plain_paths() {
        for (key, allowed) in [
            ("mse", true),
            ("train/loss a:b-c.d_1", true),
            ("é", true),
            ("", false),
            ("/mse", false),
            ("mse/", false),
            ("a//b", false),
            ("../mse", false),
            ("a/./b", false),
            ("a\nb", false),
            ("a%", false),
            (&"x".repeat(250), true),
            (&"x".repeat(251), false),
        ] {
            assert_eq!(check_key("metric", key).is_ok(), allowed, "{key}");
        }
        assert!(check_name("tag", &"x".repeat(251)).is_ok());
    }

    #[test]
    fn more_than_may_be_asked_for_is_refused() {
        for (asked, allowed) in [
            ("0", false),
            ("1", true),
            ("5", true),
            ("6", false),
            ("-1", false),
        ] {
            let fields: Fields = serde_json::from_value(json!({"max_results": asked})).unwrap();
            assert_eq!(fields.check_limit(1, 5).is_ok(), allowed, "{asked}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for body in [
            json!({"timestamp": "soon"}),
            json!({"step": []}),
            json!({"metrics": [{"key": "a", "value": "high"}]}),
            json!({"metrics": [{"key": "a", "value": null}]}),
        ] {
            assert!(serde_json::from_value::<Fields>(body.clone()).is_err(), "{body}");
        }
    }
}
