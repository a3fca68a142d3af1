//! One run that does next to nothing, against the same script started by hand.

use anyhow::Result;

use super::machine::Machine;
use super::sample::{Samples, alternate, time};
use super::table::{Aim, Row};
use crate::shell;

/// Measures it.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let outhaul = machine.outhaul()?;
    let script = machine.script();
    let script = script.to_string_lossy();
    let mut cold = Samples::default();
    cold.add(time(&mut outhaul.command(&["run", &script]))?);
    for _ in 0..3 {
        time(&mut outhaul.command(&["run", &script]))?;
        time(&mut machine.plain())?;
    }
    let rounds = machine.rounds(41);
    let run = alternate(
        rounds,
        || time(&mut outhaul.command(&["run", &script])),
        || time(&mut machine.plain()),
    )?;
    let mut ids = Vec::new();
    let detach = || {
        // The run before is over, so that it takes no time from this one.
        if let Some(id) = ids.pop() {
            let id: String = id;
            shell::output(&mut outhaul.command(&["runs", "wait", &id]))?;
        }
        let start = std::time::Instant::now();
        let id = shell::output(&mut outhaul.command(&["run", "--detach", &script]))?;
        let took = start.elapsed().as_secs_f64();
        ids.push(id.trim().to_owned());
        Ok(took)
    };
    let detached = alternate(rounds, detach, || time(&mut machine.plain()))?;
    Ok(vec![
        Row::pair("warm `outhaul run hi.py`", "`python hi.py`", run).aim(Aim::RatioAtMost(4.0)),
        Row::pair("`outhaul run --detach hi.py`", "`python hi.py`", detached)
            .note("until the run is durable"),
        Row::time("the very first `outhaul run hi.py`", cold)
            .note("makes the data folder and starts the server"),
    ])
}
