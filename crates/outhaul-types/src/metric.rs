//! Metrics: the records that a script appends to its metrics file, one JSON object a line.
//!
//! The file is untrusted input: a line that is not a record is refused with a reason and never stops the
//! lines after it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The longest line that is read, in bytes (without its end).
pub const MAX_LINE: usize = 1 << 20;

/// What a metric record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// One value.
    Scalar,
    /// A list of values.
    List,
    /// One value for each of several columns.
    Row,
    /// Several values for each of several columns.
    Table,
    /// A picture, kept among the run's outputs.
    Image,
    /// A confusion matrix.
    ConfusionMatrix,
    /// Residuals.
    Residuals,
    /// Predictions.
    Predictions,
    /// An accuracy table.
    AccuracyTable,
}

impl MetricKind {
    /// The kind's name in the file, the store and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::List => "list",
            Self::Row => "row",
            Self::Table => "table",
            Self::Image => "image",
            Self::ConfusionMatrix => "confusion_matrix",
            Self::Residuals => "residuals",
            Self::Predictions => "predictions",
            Self::AccuracyTable => "accuracy_table",
        }
    }

    /// Reads a kind by its name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Scalar,
            Self::List,
            Self::Row,
            Self::Table,
            Self::Image,
            Self::ConfusionMatrix,
            Self::Residuals,
            Self::Predictions,
            Self::AccuracyTable,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
    }
}

/// One metric value as it is stored and given out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricValue {
    /// Name of the metric.
    pub name: String,
    /// What it holds.
    pub kind: MetricKind,
    /// The value. NaN and the infinities are the texts `NaN`, `Infinity` and `-Infinity`.
    #[schema(value_type = Object)]
    pub value: Value,
    /// The step it belongs to, where the script gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<i64>,
    /// When the script logged it, in seconds since 1970 by the target's clock.
    pub time: f64,
}

impl MetricValue {
    /// The number that a scalar is; a truth value is 1 or 0. `None` for texts and for every other kind.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        if self.kind != MetricKind::Scalar {
            return None;
        }
        match &self.value {
            Value::Number(number) => number.as_f64(),
            Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
            Value::String(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                _ => None,
            },
            _ => None,
        }
    }
}

/// One line of a metrics file.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricRecord {
    /// A metric of the run, or of the child run that is named.
    Metric {
        /// The child run, as the script calls it.
        child: Option<String>,
        /// The value.
        value: MetricValue,
    },
    /// A tag.
    Tag {
        /// The child run, as the script calls it.
        child: Option<String>,
        /// Name.
        name: String,
        /// Value.
        value: String,
    },
    /// A property: a fact that is set once and stays.
    Property {
        /// The child run, as the script calls it.
        child: Option<String>,
        /// Name.
        name: String,
        /// Value.
        value: String,
    },
    /// A file was put among the uploads. The file itself is collected; the record is for the reader of the file.
    Upload,
    /// A child run began.
    Child {
        /// Its id as the script calls it.
        id: String,
        /// Its name.
        name: Option<String>,
        /// The child run that it is itself a child of.
        parent: Option<String>,
    },
    /// A child run ended.
    ChildEnd {
        /// Its id as the script calls it.
        id: String,
        /// `Completed`, `Failed` or `Canceled`.
        state: String,
        /// Why it failed.
        error: Option<String>,
    },
}

/// Reads one line (without its end).
///
/// # Errors
/// A short text that says what is wrong with the line.
pub fn parse_line(line: &[u8]) -> Result<MetricRecord, String> {
    if line.len() > MAX_LINE {
        return Err(format!("line of {} bytes is longer than {MAX_LINE}", line.len()));
    }
    let fields: BTreeMap<String, Value> =
        serde_json::from_slice(line).map_err(|error| format!("not a JSON object: {error}"))?;
    parse_fields(fields)
}

/// Reads a metric as a client sends it: a record of a metrics file or, the same with `time` for `t`, a value as it is
/// given out. Without a time it is of `now`, in seconds since 1970.
///
/// # Errors
/// A short text that says what is wrong with it.
pub fn parse_metric(mut fields: BTreeMap<String, Value>, now: f64) -> Result<MetricValue, String> {
    if let Some(time) = fields.remove("time") {
        fields.entry("t".to_owned()).or_insert(time);
    }
    match fields.get("t") {
        None | Some(Value::Null) => drop(fields.insert("t".to_owned(), now.into())),
        Some(Value::Number(_)) => {}
        Some(_) => return Err("the time is not a number of seconds".to_owned()),
    }
    match fields.get("step") {
        None | Some(Value::Null) => {}
        Some(step) if step.is_i64() => {}
        Some(_) => return Err("`step` is not a whole number".to_owned()),
    }
    if fields.get("kind").and_then(Value::as_str) == Some("image")
        && let Some(path) = fields.remove("value")
    {
        fields.entry("path".to_owned()).or_insert(path);
    }
    match parse_fields(fields)? {
        MetricRecord::Metric { child: None, value } => Ok(value),
        MetricRecord::Metric { .. } => Err("`run` is given by the route".to_owned()),
        _ => Err("it is no metric; tags, properties and child runs have routes of their own".to_owned()),
    }
}

fn parse_fields(mut fields: BTreeMap<String, Value>) -> Result<MetricRecord, String> {
    let mut text = |key: &str| match fields.get_mut(key).map(Value::take) {
        Some(Value::String(text)) => Ok(Some(text)),
        None | Some(Value::Null) => Ok(None),
        Some(_) => Err(format!("`{key}` is not a text")),
    };
    let kind = text("kind")?.ok_or("`kind` is missing")?;
    let child = text("run")?;
    match kind.as_str() {
        "tag" | "property" => {
            let name = text("name")?.ok_or("`name` is missing")?;
            let value = text("value")?.unwrap_or_default();
            Ok(if kind == "tag" {
                MetricRecord::Tag { child, name, value }
            } else {
                MetricRecord::Property { child, name, value }
            })
        }
        "upload" => Ok(MetricRecord::Upload),
        "child" => Ok(MetricRecord::Child {
            id: text("id")?.ok_or("`id` is missing")?,
            name: text("name")?,
            parent: child,
        }),
        "child_end" => {
            let id = child.ok_or("`run` is missing")?;
            let state = text("state")?.ok_or("`state` is missing")?;
            if !matches!(state.as_str(), "Completed" | "Failed" | "Canceled") {
                return Err(format!("`{state}` is not the state of a run that ended"));
            }
            Ok(MetricRecord::ChildEnd {
                id,
                state,
                error: text("error")?,
            })
        }
        _ => {
            let kind = MetricKind::parse(&kind).ok_or_else(|| format!("`{kind}` is not a kind of record"))?;
            let name = text("name")?.ok_or("`name` is missing")?;
            let value = if kind == MetricKind::Image {
                Value::String(text("path")?.ok_or("`path` is missing")?)
            } else {
                fields.remove("value").ok_or("`value` is missing")?
            };
            let shaped = match kind {
                MetricKind::Scalar => !value.is_array() && !value.is_object() && !value.is_null(),
                MetricKind::List => value.is_array(),
                MetricKind::Image => true,
                _ => value.is_object(),
            };
            if !shaped {
                return Err(format!(
                    "the value of `{name}` does not fit its kind `{}`",
                    kind.as_str()
                ));
            }
            let step = fields.get("step").and_then(Value::as_i64);
            let time = fields.get("t").and_then(Value::as_f64).unwrap_or(0.0);
            Ok(MetricRecord::Metric {
                child,
                value: MetricValue {
                    name,
                    kind,
                    value,
                    step,
                    time,
                },
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let record =
            parse_line(br#"{"t": 1.5, "kind": "scalar", "name": "mse", "value": 3295.7, "step": 8}"#)
                .unwrap();
        let value = MetricValue {
            name: "mse".into(),
            kind: MetricKind::Scalar,
            value: 3295.7.into(),
            step: Some(8),
            time: 1.5,
        };
        assert_eq!(record, MetricRecord::Metric { child: None, value });
        let tag = parse_line(br#"{"kind": "tag", "run": "c1", "name": "best", "value": "0.4"}"#).unwrap();
        assert_eq!(
            tag,
            MetricRecord::Tag {
                child: Some("c1".into()),
                name: "best".into(),
                value: "0.4".into()
            }
        );
    }

    #[test]
    fn bad_lines_say_why() {
        for (line, why) in [
            ("", "not a JSON object"),
            ("[1]", "not a JSON object"),
            ("{}", "`kind` is missing"),
            (r#"{"kind": 3}"#, "`kind` is not a text"),
            (r#"{"kind": "scalar", "name": "a"}"#, "`value` is missing"),
            (r#"{"kind": "scalar", "name": "a", "value": [1]}"#, "does not fit"),
            (r#"{"kind": "table", "name": "a", "value": 1}"#, "does not fit"),
            (r#"{"kind": "scaler", "name": "a", "value": 1}"#, "not a kind"),
            (
                r#"{"kind": "child_end", "run": "c", "state": "Running"}"#,
                "not the state",
            ),
        ] {
            let error = parse_line(line.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        }
        assert!(parse_line(&vec![b' '; MAX_LINE + 1]).is_err());
    }

    #[test]
    fn what_a_client_sends_is_read_as_it_is_given_out() {
        let read = |text: &str| parse_metric(serde_json::from_str(text).unwrap(), 7.0);
        let value = MetricValue {
            name: "mse".into(),
            kind: MetricKind::Scalar,
            value: 0.5.into(),
            step: Some(8),
            time: 1.5,
        };
        let given_out = serde_json::to_string(&value).unwrap();
        for text in [
            given_out.as_str(),
            r#"{"t": 1.5, "kind": "scalar", "name": "mse", "value": 0.5, "step": 8}"#,
        ] {
            assert_eq!(read(text), Ok(value.clone()), "{text}");
        }
        let bare = read(r#"{"kind": "scalar", "name": "mse", "value": 0.5, "step": null}"#).unwrap();
        assert_eq!((bare.step, bare.time), (None, 7.0));
        let image = read(r#"{"kind": "image", "name": "a", "value": "outputs/a.png"}"#).unwrap();
        assert_eq!(read(&serde_json::to_string(&image).unwrap()), Ok(image));
        for (text, why) in [
            (r#"{"kind": "tag", "name": "a", "value": "b"}"#, "no metric"),
            (r#"{"kind": "child", "id": "a"}"#, "no metric"),
            (
                r#"{"kind": "scalar", "name": "a", "value": 1, "run": "c"}"#,
                "given by the route",
            ),
            (
                r#"{"kind": "scalar", "name": "a", "value": 1, "step": 1.5}"#,
                "whole number",
            ),
            (
                r#"{"kind": "scalar", "name": "a", "value": 1, "time": "now"}"#,
                "number of seconds",
            ),
            (r#"{"kind": "scalar", "value": 1}"#, "`name` is missing"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read_or_refused_without_a_panic(line in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = parse_line(&line);
        }
    }
}
