//! Metrics in MLflow's words: one number, a step and a time in milliseconds.

use std::collections::BTreeMap;

use outhaul_types::{MetricKind, MetricValue};
use serde_json::{Value, json};

/// One value of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The value.
    pub value: f64,
    /// When, in milliseconds since 1970.
    pub timestamp: i64,
    /// The step; 0 without one.
    pub step: i64,
}

impl Point {
    /// The value that MLflow's messages have, if it is one number.
    #[must_use]
    pub fn of(metric: &MetricValue) -> Option<Self> {
        if metric.kind != MetricKind::Scalar {
            return None;
        }
        let value = match &metric.value {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => special(text)?,
            Value::Bool(truth) => f64::from(u8::from(*truth)),
            _ => return None,
        };
        let timestamp = (metric.time * 1000.0).round() as i64;
        Some(Self {
            value,
            timestamp,
            step: metric.step.unwrap_or(0),
        })
    }

    /// The message.
    #[must_use]
    pub fn message(&self, key: &str) -> Value {
        json!({"key": key, "value": number(self.value), "timestamp": self.timestamp, "step": self.step})
    }
}

/// The names under which JSON has numbers that are none.
fn special(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// A number as JSON has it; NaN and the infinities are texts.
#[must_use]
pub fn number(value: f64) -> Value {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

/// The newest value of each metric: that of the highest step, then of the latest time, then the greatest.
#[must_use]
pub fn newest(metrics: &[MetricValue]) -> BTreeMap<String, Point> {
    let mut newest: BTreeMap<String, Point> = BTreeMap::new();
    for metric in metrics {
        let Some(point) = Point::of(metric) else { continue };
        let rank = |point: &Point| (point.step, point.timestamp);
        match newest.get(&metric.name) {
            Some(known) if rank(known) > rank(&point) => {}
            Some(known) if rank(known) == rank(&point) && known.value > point.value => {}
            _ => {
                newest.insert(metric.name.clone(), point);
            }
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str, value: Value, step: Option<i64>, time: f64) -> MetricValue {
        MetricValue {
            name: name.into(),
            kind: MetricKind::Scalar,
            value,
            step,
            time,
        }
    }

    #[test]
    fn the_newest_value_is_that_of_the_highest_step() {
        let list = MetricValue {
            kind: MetricKind::List,
            ..metric("list", json!([1]), None, 9.0)
        };
        let values = [
            metric("a", json!(1), Some(2), 1.0),
            metric("a", json!(2), Some(1), 9.0),
            metric("b", json!(1), None, 1.0),
            metric("b", json!(2), None, 1.0),
            metric("b", json!(1.5), None, 1.0),
            metric("c", json!("NaN"), None, 1.0),
            metric("text", json!("red"), None, 1.0),
            list,
        ];
        let newest = newest(&values);
        assert_eq!(newest.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!((newest["a"].value, newest["b"].value), (1.0, 2.0));
        assert_eq!(newest["c"].message("c")["value"], json!("NaN"));
    }
}
