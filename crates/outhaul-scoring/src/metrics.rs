//! Numbers for Prometheus, in its text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::pool::Counts;

/// Upper bounds of the histogram's buckets, in seconds.
const BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// Counters of a service.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    answers: Mutex<BTreeMap<u16, u64>>,
    buckets: [AtomicU64; BUCKETS.len()],
    seen: AtomicU64,
    micros: AtomicU64,
    /// Workers that ended without being asked to.
    pub lost: AtomicU64,
    /// Workers that were killed because a request took too long.
    pub timeouts: AtomicU64,
    /// Reloads that took over.
    pub reloads: AtomicU64,
}

impl Metrics {
    /// A request to `/score` was answered.
    pub(crate) fn answered(&self, status: u16, took: Duration) {
        *self
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(status)
            .or_default() += 1;
        let seconds = took.as_secs_f64();
        if let Some(bucket) = BUCKETS.iter().position(|bound| seconds <= *bound) {
            self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
        self.seen.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(
            u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }

    /// All of it as text.
    pub(crate) fn text(&self, counts: Counts, ready: bool) -> String {
        let mut text = String::new();
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        head(
            &mut text,
            "requests_total",
            "counter",
            "Answers of /score by status.",
        );
        for (status, count) in self.answers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(
                text,
                "outhaul_scoring_requests_total{{status=\"{status}\"}} {count}"
            );
        }
        head(
            &mut text,
            "request_seconds",
            "histogram",
            "Time from a request's head to its answer, with waiting.",
        );
        let mut so_far = 0;
        for (bound, bucket) in BUCKETS.iter().zip(&self.buckets) {
            so_far += load(bucket);
            let _ = writeln!(
                text,
                "outhaul_scoring_request_seconds_bucket{{le=\"{bound}\"}} {so_far}"
            );
        }
        let seen = load(&self.seen);
        let _ = writeln!(
            text,
            "outhaul_scoring_request_seconds_bucket{{le=\"+Inf\"}} {seen}"
        );
        #[expect(
            clippy::cast_precision_loss,
            reason = "a sum of microseconds fits for centuries"
        )]
        let sum = load(&self.micros) as f64 / 1e6;
        let _ = writeln!(text, "outhaul_scoring_request_seconds_sum {sum}");
        let _ = writeln!(text, "outhaul_scoring_request_seconds_count {seen}");
        head(&mut text, "workers", "gauge", "Workers by what they do.");
        for (state, count) in [
            ("starting", counts.starting),
            ("idle", counts.idle),
            ("busy", counts.busy),
        ] {
            let _ = writeln!(text, "outhaul_scoring_workers{{state=\"{state}\"}} {count}");
        }
        for (name, kind, help, value) in [
            (
                "queue",
                "gauge",
                "Requests that wait for a worker.",
                counts.waiting as u64,
            ),
            (
                "ready",
                "gauge",
                "Whether a request would find a worker.",
                u64::from(ready),
            ),
            (
                "workers_lost_total",
                "counter",
                "Workers that ended unasked.",
                load(&self.lost),
            ),
            (
                "timeouts_total",
                "counter",
                "Workers killed because run() took too long.",
                load(&self.timeouts),
            ),
            (
                "reloads_total",
                "counter",
                "Reloads that took over.",
                load(&self.reloads),
            ),
        ] {
            head(&mut text, name, kind, help);
            let _ = writeln!(text, "outhaul_scoring_{name} {value}");
        }
        text
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(
        text,
        "# HELP outhaul_scoring_{name} {help}\n# TYPE outhaul_scoring_{name} {kind}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up() {
        let metrics = Metrics::default();
        for millis in [1, 3, 3, 700, 60_000] {
            metrics.answered(200, Duration::from_millis(millis));
        }
        metrics.answered(503, Duration::ZERO);
        let text = metrics.text(
            Counts {
                busy: 2,
                waiting: 7,
                ..Counts::default()
            },
            true,
        );
        for line in [
            "outhaul_scoring_requests_total{status=\"200\"} 5",
            "outhaul_scoring_requests_total{status=\"503\"} 1",
            "outhaul_scoring_request_seconds_bucket{le=\"0.001\"} 2",
            "outhaul_scoring_request_seconds_bucket{le=\"0.005\"} 4",
            "outhaul_scoring_request_seconds_bucket{le=\"30\"} 5",
            "outhaul_scoring_request_seconds_bucket{le=\"+Inf\"} 6",
            "outhaul_scoring_request_seconds_count 6",
            "outhaul_scoring_request_seconds_sum 60.707",
            "outhaul_scoring_workers{state=\"busy\"} 2",
            "outhaul_scoring_queue 7",
            "outhaul_scoring_ready 1",
            "# TYPE outhaul_scoring_request_seconds histogram",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
