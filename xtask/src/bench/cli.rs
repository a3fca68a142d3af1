//! How soon the command answers.

use anyhow::Result;

use super::machine::Machine;
use super::sample::{alternate, time};
use super::table::{Aim, Row};

const RUNS: usize = 10_000;

/// Measures it.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let outhaul = machine.outhaul_with_runs(RUNS)?;
    outhaul.start()?;
    let rounds = machine.rounds(41);
    let mut rows = Vec::new();
    let commands: [(&[&str], f64); 5] = [
        (&["--version"], 0.010),
        (&["runs", "list"], 0.050),
        (&["runs", "list", "--limit", "0"], 0.050),
        (&["runs", "list", "--limit", "0", "--format", "json"], 0.050),
        (&["runs", "list", "--tag", "fold=3", "--limit", "50"], 0.050),
    ];
    for (words, limit) in commands {
        time(&mut outhaul.command(words))?;
        let pair = alternate(
            rounds,
            || time(&mut outhaul.command(words)),
            || time(&mut machine.command("true")),
        )?;
        let note = if words[0] == "runs" {
            format!("{RUNS} runs in the store")
        } else {
            String::new()
        };
        rows.push(
            Row::pair(format!("`outhaul {}`", words.join(" ")), "`true`", pair)
                .aim(Aim::Below(limit))
                .note(note),
        );
    }
    Ok(rows)
}
