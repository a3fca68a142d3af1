//! What `outhaul run` says at the end: how it went, the metrics, the outputs. Pure.

use std::fmt::Write as _;

use jiff::Timestamp;
use outhaul_types::api::Output;
use outhaul_types::{CancelReason, FailureClass, MetricKind, MetricValue, Run, RunState, duration};
use serde_json::Value;

use super::{Paint, clean, plural, size, sparkline};

/// Most lines that a list in the summary has.
const MOST: usize = 10;
/// Width of a sparkline.
const SPARK: usize = 24;

/// All values of one metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MetricSeries {
    /// Its name.
    pub name: String,
    /// The kind of its last value.
    pub kind: MetricKind,
    /// How many values there are.
    pub count: usize,
    /// The last value as text.
    pub last: String,
    /// The scalars, in order.
    pub values: Vec<f64>,
}

impl MetricSeries {
    /// The series as a sparkline; empty where there are not two numbers.
    pub(crate) fn spark(&self) -> String {
        sparkline(&self.values, SPARK)
    }
}

/// Groups metric values by name, in the order in which the names came first.
pub(crate) fn series(metrics: &[MetricValue]) -> Vec<MetricSeries> {
    let mut all: Vec<MetricSeries> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for metric in metrics {
        let place = *places.entry(metric.name.as_str()).or_insert_with(|| {
            all.push(MetricSeries {
                name: metric.name.clone(),
                kind: metric.kind,
                count: 0,
                last: String::new(),
                values: Vec::new(),
            });
            all.len() - 1
        });
        let series = &mut all[place];
        series.count += 1;
        series.kind = metric.kind;
        series.last = value_text(metric);
        match metric.kind {
            MetricKind::Scalar => series.values.extend(number(&metric.value)),
            MetricKind::List => {
                series
                    .values
                    .extend(metric.value.as_array().into_iter().flatten().filter_map(number));
            }
            _ => {}
        }
    }
    all
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn value_text(metric: &MetricValue) -> String {
    let text = match (&metric.kind, &metric.value) {
        (MetricKind::List, Value::Array(values)) => format!("list of {}", values.len()),
        (MetricKind::Row | MetricKind::Table, Value::Object(columns)) => {
            let names: Vec<&str> = columns.keys().map(String::as_str).collect();
            format!("{} of {}", metric.kind.as_str(), names.join(", "))
        }
        (_, Value::Number(number)) => number.as_f64().map_or_else(|| number.to_string(), short_number),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Object(_)) => metric.kind.as_str().replace('_', " "),
        (_, other) => other.to_string(),
    };
    let text = clean(&text);
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// A number with at most six digits that count.
fn short_number(value: f64) -> String {
    if value == value.trunc() && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    let magnitude = value.abs().log10().floor();
    if !(-5.0..15.0).contains(&magnitude) {
        return format!("{value:.5e}");
    }
    let decimals = (5.0 - magnitude).max(1.0) as usize;
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The summary of a run that has ended.
pub(crate) fn summary(
    run: &Run,
    metrics: &[MetricValue],
    outputs: &[Output],
    paint: Paint,
    now: Timestamp,
) -> String {
    let mut text = String::new();
    let took = run
        .duration(now)
        .map(|took| format!(" in {}", duration::show(took)))
        .unwrap_or_default();
    let state = paint.state(run.state, run.state.as_str());
    let _ = writeln!(
        text,
        "{} {} {state}{took}",
        paint.dim("run"),
        paint.bold(run.id.as_str())
    );
    if let Some(failure) = &run.failure {
        let _ = writeln!(
            text,
            "  {}  {}",
            paint.dim(&format!("{} failure", failure.class)),
            indented(&failure.message)
        );
        if let Some(hint) = &failure.hint {
            let _ = writeln!(text, "  {}  {}", paint.dim("hint"), indented(hint));
        }
        if failure.hint.is_none() && failure.class == FailureClass::User && run.exit.is_some() {
            let look = format!(
                "`outhaul runs logs {} --stream stderr` shows what the script wrote last",
                run.id.short()
            );
            let _ = writeln!(text, "  {}  {look}", paint.dim("look"));
        }
    }
    if run.state == RunState::Canceled {
        let why = match run.cancel.as_ref().map(|cancel| cancel.reason) {
            Some(CancelReason::MaxDuration) => "by its --max-duration",
            _ => "on request",
        };
        let _ = writeln!(text, "  {}  {why}", paint.dim("canceled"));
    }
    let metrics = series(metrics);
    let name_width = metrics
        .iter()
        .take(MOST)
        .map(|metric| clean(&metric.name).chars().count())
        .max()
        .unwrap_or(0);
    let last_width = metrics
        .iter()
        .take(MOST)
        .map(|metric| metric.last.chars().count())
        .max()
        .unwrap_or(0);
    for (at, metric) in metrics.iter().take(MOST).enumerate() {
        let head = if at == 0 { "metrics" } else { "" };
        let spark = metric.spark();
        let tail = match metric.count {
            1 => spark,
            count => format!(
                "{}  {}",
                paint.active(&spark),
                paint.dim(&plural(count as u64, "value"))
            ),
        };
        let line = format!(
            "  {}  {:name_width$}  {:last_width$}  {tail}",
            paint.dim(&format!("{head:7}")),
            clean(&metric.name),
            metric.last
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if metrics.len() > MOST {
        let more = format!(
            "and {} more: `outhaul runs metrics {}`",
            metrics.len() - MOST,
            run.id.short()
        );
        let _ = writeln!(text, "           {}", paint.dim(&more));
    }
    if !outputs.is_empty() {
        let total = outputs
            .iter()
            .map(|output| output.size)
            .fold(0, u64::saturating_add);
        let count = plural(outputs.len() as u64, "file");
        let _ = writeln!(text, "  {}  {count}, {}", paint.dim("outputs"), size(total));
        for output in outputs.iter().take(MOST) {
            let _ = writeln!(
                text,
                "           {}  {}",
                clean(&output.path),
                paint.dim(&size(output.size))
            );
        }
        let id = run.id.short();
        let more = match outputs.len().saturating_sub(MOST) {
            0 => format!("`outhaul runs outputs {id} --download DIR` fetches them"),
            more => format!("and {more} more; `outhaul runs outputs {id} --download DIR` fetches them"),
        };
        let _ = writeln!(text, "           {}", paint.dim(&more));
    }
    text
}

/// Later lines of a message begin below the first; what could harm a terminal is taken out.
fn indented(message: &str) -> String {
    message
        .lines()
        .map(|line| clean(line).into_owned())
        .collect::<Vec<_>>()
        .join("\n      ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_types::{Exit, Failure, NewRun, RunEventKind as E};
    use serde_json::json;

    fn metric(name: &str, value: Value) -> MetricValue {
        let kind = match &value {
            Value::Array(_) => MetricKind::List,
            Value::Object(_) => MetricKind::Row,
            _ => MetricKind::Scalar,
        };
        MetricValue {
            name: name.into(),
            kind,
            value,
            step: None,
            time: 0.0,
        }
    }

    pub(crate) fn run(events: impl IntoIterator<Item = E>) -> Run {
        let at = Timestamp::from_second(1_000).unwrap();
        let new = NewRun {
            id: "k3v9x2m4q7t0b8wz".parse().unwrap(),
            name: "train".into(),
            workspace: "default".into(),
            experiment: "e".into(),
            target: "local".into(),
            tags: [].into(),
            parent: None,
            spec: None,
        };
        let (mut run, _) = Run::submitted(new, at);
        // A child run (no spec) may go straight to its end.
        for event in events {
            run.apply(event, at).unwrap();
        }
        run.ran_ms = Some(2_140);
        run
    }

    #[test]
    fn metrics_are_grouped_in_order() {
        let values = [
            metric("mse", json!(3500.5)),
            metric("alpha", json!(0)),
            metric("mse", json!("NaN")),
            metric("mse", json!(3_295.741_234)),
            metric("list", json!([1, 2, 3])),
            metric("row", json!({"a": 1, "b": 2})),
            metric("name", json!("x\u{1b}")),
        ];
        let all = series(&values);
        let shown: Vec<(&str, &str, usize, usize)> = all
            .iter()
            .map(|s| (s.name.as_str(), s.last.as_str(), s.count, s.values.len()))
            .collect();
        assert_eq!(
            shown,
            [
                ("mse", "3295.74", 3, 3),
                ("alpha", "0", 1, 1),
                ("list", "list of 3", 1, 3),
                ("row", "row of a, b", 1, 0),
                ("name", "x\u{fffd}", 1, 0)
            ]
        );
    }

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (0.4, "0.4"),
            (-2.0, "-2"),
            (3_295.741_234, "3295.74"),
            (0.000_123_456_789, "0.000123457"),
            (1.5e-9, "1.50000e-9"),
            (123_456_789.26, "123456789.3"),
            (1e300, "1.00000e300"),
        ];
        for (value, text) in cases {
            assert_eq!(short_number(value), text);
        }
    }

    #[test]
    fn a_good_run() {
        let run = run([E::Running, E::Completed]);
        let metrics: Vec<MetricValue> = (0..8)
            .flat_map(|n| {
                [
                    metric("alpha", json!(n)),
                    metric("mse", json!(10.5 - f64::from(n))),
                ]
            })
            .collect();
        let outputs: Vec<Output> = (0..12)
            .map(|n| Output {
                path: format!("outputs/m{n}.pkl"),
                size: 500,
                hash: String::new(),
            })
            .collect();
        let text = summary(&run, &metrics, &outputs, Paint(false), run.created_at);
        let expected = "\
run k3v9x2m4q7t0b8wz Completed in 2.1s
  metrics  alpha  7    ▁▂▃▄▅▆▇█  8 values
           mse    3.5  █▇▆▅▄▃▂▁  8 values
  outputs  12 files, 6.0 KB
           outputs/m0.pkl  500 B
";
        assert!(text.starts_with(expected), "{text}");
        assert!(
            text.ends_with(
                "           and 2 more; `outhaul runs outputs k3v9x2m4 --download DIR` fetches them\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_failed_run_says_where_to_look() {
        let text = |hint: Option<&str>| {
            let failure = Failure {
                hint: hint.map(str::to_owned),
                ..Failure::new(FailureClass::User, "exit code 3")
            };
            let mut run = run([E::Running, E::Failed { failure }]);
            run.exit = Some(Exit::Code { code: 3 });
            summary(&run, &[], &[], Paint(false), run.created_at)
        };
        let expected = "run k3v9x2m4q7t0b8wz Failed in 2.1s\n  user failure  exit code 3\n";
        let look = "  look  `outhaul runs logs k3v9x2m4 --stream stderr` shows what the script wrote last\n";
        assert_eq!(text(None), format!("{expected}{look}"));
        assert_eq!(
            text(Some("read its log")),
            format!("{expected}  hint  read its log\n")
        );
    }
}
