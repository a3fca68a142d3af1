//! The same script through other launchers of runs, each installed into an environment of its own.

mod known;
mod setup;

use std::time::Duration;

use anyhow::Result;

use super::limit;
use super::machine::Machine;
use super::sample::{Samples, time};
use super::table::Row;
use known::PEERS;
use setup::Setup;

/// The longest that one run of a peer may take.
const RUN: Duration = Duration::from_secs(120);

/// Measures them, and Outhaul in the same rounds.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let outhaul = machine.outhaul()?;
    let script = machine.script();
    let script = script.to_string_lossy();
    time(&mut outhaul.command(&["run", &script]))?;
    let mut rows = Vec::new();
    let (mut ours, mut plain_of_ours) = (Samples::default(), Samples::default());
    for peer in &PEERS {
        eprintln!("measuring: {}", peer.name);
        let mut theirs = Samples::default();
        let mut plain = Samples::default();
        let mut round = |setup: &Setup| -> Result<()> {
            let start = time(&mut machine.plain())?;
            plain.add(start);
            plain_of_ours.add(start);
            ours.add(time(&mut outhaul.command(&["run", &script]))?);
            theirs.add(limit::time(&mut setup.command(peer.run), &setup.log(), RUN)?);
            Ok(())
        };
        let rounds = machine.rounds(5).max(2);
        let done = Setup::new(machine, peer).and_then(|setup| {
            // What is done only the first time is no part of it.
            limit::time(&mut setup.command(peer.run), &setup.log(), RUN)?;
            (0..rounds).try_for_each(|_| round(&setup))
        });
        let row = Row::pair(
            format!("{} of `hi.py`", peer.name),
            "`python hi.py`",
            (theirs, plain),
        );
        rows.push(match done {
            Ok(()) => row,
            Err(error) => row.note(format!("not measured: {}", one_line(&format!("{error:#}")))),
        });
    }
    rows.insert(
        0,
        Row::pair(
            "`outhaul run hi.py` in the same rounds",
            "`python hi.py`",
            (ours, plain_of_ours),
        ),
    );
    Ok(rows)
}

/// A text of several lines as a short one.
pub fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(300)
        .collect()
}
