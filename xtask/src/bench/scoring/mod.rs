//! The scoring runtime against other servers of models: the same entry scripts, one worker each, in turn. Every answer is
//! checked.

mod servers;
mod service;

use anyhow::{Context as _, Result};

use self::servers::{OTHERS, OURS, Script, Server};
use self::service::{Place, Service};
use super::machine::Machine;
use super::sample::Samples;
use super::table::{Aim, Row};

/// How many callers there are at once.
const CONNECTIONS: [usize; 3] = [1, 8, 64];

/// Measures it.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for script in [Script::Noop, Script::Iris] {
        for other in &OTHERS {
            eprintln!("measuring: {}, {}", other.name, script.shown());
            let mut measured = Vec::new();
            let done = compare(machine, other, script, &mut measured);
            // It takes minutes: what is known is told at once.
            for row in measured.iter().filter(|row| !row.note.is_empty()) {
                eprintln!("  {}: {}", row.what, row.note);
            }
            rows.append(&mut measured);
            if let Err(error) = done {
                eprintln!("  not measured: {error:#}");
                let nothing = (Samples::default(), Samples::default());
                rows.push(Row::pair(script.shown(), other.name, nothing).note(format!(
                    "not measured: {}",
                    super::peers::one_line(&format!("{error:#}"))
                )));
            }
        }
    }
    Ok(rows)
}

fn compare(machine: &Machine, other: &Server, script: Script, rows: &mut Vec<Row>) -> Result<()> {
    let places = [
        Place::new(machine, &OURS, script)?,
        Place::new(machine, other, script)?,
    ];
    let services = started(machine, &places, other, script, rows)?;
    let (rounds, seconds) = if machine.quick { (1, 0.5) } else { (3, 3.0) };
    for connections in CONNECTIONS {
        let mut each = [Samples::default(), Samples::default()];
        let mut middle = each.clone();
        let mut slow = each.clone();
        let mut anew = 0.0_f64;
        for service in &services {
            service.load(machine, connections, seconds / 3.0)?;
        }
        for _ in 0..rounds {
            for (at, service) in services.iter().enumerate() {
                let load = service.load(machine, connections, seconds)?;
                each[at].add(load.each);
                middle[at].add(load.p50);
                slow[at].add(load.p99);
                anew = anew.max(load.anew);
            }
        }
        let callers = if connections == 1 {
            "1 connection".into()
        } else {
            format!("{connections} connections")
        };
        let rate = |at: usize| 1.0 / each[at].median();
        let mut note = format!(
            "{:.0} answers/s to {:.0}; median of a call {:.2} ms to {:.2} ms",
            rate(0),
            rate(1),
            middle[0].median() * 1e3,
            middle[1].median() * 1e3
        );
        if anew > 50.0 {
            note.push_str("; it closes its connections");
        }
        let named = |what: &str| format!("{}, {callers}: {what}", script.shown());
        let [ours, theirs] = each;
        rows.push(
            Row::pair(named("time for an answer"), other.name, (ours, theirs))
                .aim(throughput_aim(other, script, connections))
                .note(note),
        );
        let [ours, theirs] = slow;
        let aim = if is_first(other) && script == Script::Noop && connections == 64 {
            Aim::RatioAtMost(0.1)
        } else {
            Aim::None
        };
        rows.push(Row::pair(named("99th percentile of a call"), other.name, (ours, theirs)).aim(aim));
    }
    let mut memory = [Samples::default(), Samples::default()];
    for (service, memory) in services.iter().zip(&mut memory) {
        memory.add(service.memory()?);
    }
    let [ours, theirs] = memory;
    let mut row = Row::pair(
        format!("{}: memory after that", script.shown()),
        other.name,
        (ours, theirs),
    );
    row.unit = Some("MB");
    rows.push(row);
    Ok(())
}

/// Starts both, a few times in turn, and leaves the last of each running.
fn started(
    machine: &Machine,
    places: &[Place<'_>; 2],
    other: &Server,
    script: Script,
    rows: &mut Vec<Row>,
) -> Result<[Service; 2]> {
    let (mut ours, mut theirs) = (Samples::default(), Samples::default());
    let mut running: Option<[Service; 2]> = None;
    for round in 0..=machine.rounds(5) {
        // One after the other, with nothing else running.
        drop(running.take());
        let both = [places[0].start()?, places[1].start()?];
        // The first time is without counting: modules are compiled.
        if round > 0 {
            ours.add(both[0].start);
            theirs.add(both[1].start);
        }
        running = Some(both);
    }
    let what = format!("{}: from its start to its first answer", script.shown());
    let aim = if script == Script::Noop {
        Aim::Below(0.1)
    } else {
        Aim::None
    };
    rows.push(Row::pair(what, other.name, (ours, theirs)).aim(aim));
    running.context("nothing was started")
}

fn is_first(other: &Server) -> bool {
    other.name == OTHERS[0].name
}

/// How many times the answers per second of the server that Outhaul takes the place of.
fn throughput_aim(other: &Server, script: Script, connections: usize) -> Aim {
    match (script, connections) {
        _ if !is_first(other) => Aim::None,
        (Script::Noop, 1) => Aim::ThroughputAtLeast(5.0),
        (Script::Noop, 64) => Aim::ThroughputAtLeast(15.0),
        (Script::Iris, 64) => Aim::ThroughputAtLeast(4.0),
        _ => Aim::None,
    }
}
