//! MLflow's own client against the tracking routes of Outhaul and against MLflow's own server on SQLite, in turn.
//!
//! 10,000 runs that are searched are put into both stores beforehand: by its routes the other server would take minutes
//! for them. What is logged goes through the routes, so many times as are written beside it.

mod client;
mod server;

use anyhow::{Result, ensure};

use self::server::{Ours, Theirs};
use super::machine::Machine;
use super::sample::Samples;
use super::table::{Aim, Row};
use super::venv::Venv;

/// What is installed: the server and its client.
pub const PACKAGES: [&str; 2] = ["mlflow", "scikit-learn"];
/// How many times sooner Outhaul is to be done.
const AIM: f64 = 5.0;

/// One thing that is measured.
struct What {
    shown: &'static str,
    /// Its function in `client.py`.
    name: &'static str,
    /// Its number there: how often, or how many runs are to be found.
    number: usize,
    /// How many of what is counted it does.
    counted: (usize, &'static str),
    rounds: usize,
}

/// Measures it.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let runs = if machine.quick { 1_000 } else { 10_000 };
    let calls = if machine.quick { 20 } else { 100 };
    let whats = whats(runs, calls);
    let venv = Venv::kept(machine, "mlflow", &PACKAGES)?;
    let theirs = Theirs::start(&venv, runs)?;
    let ours = Ours::start(machine, runs)?;
    let mut their_client = theirs.client(&venv)?;
    let mut our_client = ours.client(&venv)?;
    let mut rows = Vec::new();
    for what in &whats {
        eprintln!("measuring: {}", what.shown);
        let (mut one, mut other) = (Samples::default(), Samples::default());
        let each = what.counted.0 as f64;
        // What is done only the first time is no part of it.
        for client in [&mut our_client, &mut their_client] {
            client.seconds(what.name, if what.is_search() { what.number } else { 1 })?;
        }
        for _ in 0..what.rounds {
            one.add(our_client.seconds(what.name, what.number)? / each);
            other.add(their_client.seconds(what.name, what.number)? / each);
        }
        let rate = |samples: &Samples| 1.0 / samples.median();
        let note = format!(
            "{:.0} {unit}/s to {:.0}; {} × {} at a time",
            rate(&one),
            rate(&other),
            what.rounds,
            what.counted.0,
            unit = what.counted.1
        );
        rows.push(
            Row::pair(what.shown, "`mlflow server` on SQLite", (one, other))
                .aim(Aim::ThroughputAtLeast(AIM))
                .note(note),
        );
    }
    ensure!(!rows.is_empty(), "nothing was measured");
    Ok(rows)
}

fn whats(runs: usize, calls: usize) -> [What; 8] {
    let logged = |shown, name, number, counted| What {
        shown,
        name,
        number,
        counted,
        rounds: 5,
    };
    let searched = |shown, name, number| What {
        shown,
        name,
        number,
        counted: (number, "runs"),
        rounds: 3,
    };
    [
        logged(
            "`log_metric`, one after the other",
            "log_metric",
            calls,
            (calls, "calls"),
        ),
        logged("`log_batch` of 1000 metrics", "log_batch", 2, (2000, "metrics")),
        logged(
            "`create_run`, one after the other",
            "create_run",
            calls,
            (calls, "runs"),
        ),
        logged(
            "a run with a parameter and a metric, begun and ended",
            "whole_run",
            calls / 4,
            (calls / 4, "runs"),
        ),
        searched("`search_runs`, all runs in pages of 1000", "search", runs),
        searched("the same, sorted by a metric", "search_sorted", runs),
        searched("the best 100 runs by a metric", "first_page", 100),
        searched("runs by a metric and a parameter", "search_filtered", 1),
    ]
}

impl What {
    fn is_search(&self) -> bool {
        self.counted.1 == "runs" && self.rounds == 3
    }
}
