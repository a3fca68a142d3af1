//! Metrics in MLflow's words: one number, a step and a time in milliseconds.

use std::collections::BTreeMap;

use outhaul_types::MetricValue;
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
        let value = metric.number()?;
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

/// Metrics by their names; what is no number is left out.
#[must_use]
pub fn by_name(metrics: &[MetricValue]) -> BTreeMap<String, Point> {
    let named = metrics
        .iter()
        .filter_map(|metric| Some((metric.name.clone(), Point::of(metric)?)));
    named.collect()
}

#[cfg(test)]
mod tests {
    use outhaul_types::MetricKind;

    use super::*;

    #[test]
    fn only_numbers_are_shown() {
        let metric = |name: &str, kind, value, step| MetricValue {
            name: name.into(),
            kind,
            value,
            step,
            time: 1.25,
        };
        let values = [
            metric("a", MetricKind::Scalar, json!(1), Some(2)),
            metric("b", MetricKind::Scalar, json!(true), None),
            metric("c", MetricKind::Scalar, json!("NaN"), None),
            metric("text", MetricKind::Scalar, json!("red"), None),
            metric("list", MetricKind::List, json!([1]), None),
        ];
        let shown = by_name(&values);
        assert_eq!(shown.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(
            shown["a"].message("a"),
            json!({"key": "a", "value": 1.0, "timestamp": 1250, "step": 2})
        );
        assert_eq!((shown["b"].value, shown["b"].step), (1.0, 0));
        assert_eq!(shown["c"].message("c")["value"], json!("NaN"));
    }
}
