//! What a server costs that has nothing to do.

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::machine::Machine;
use super::sample::Samples;
use super::table::{Aim, Row};
use crate::server::Server;
use crate::shell;

/// Measures it.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let fresh = machine.outhaul()?;
    fresh.start()?;
    let full = machine.outhaul_with_runs(10_000)?;
    full.start()?;
    for _ in 0..5 {
        shell::output(&mut full.command(&["runs", "list", "--limit", "0"]))?;
    }
    let mut rows = idle(machine, &fresh, "fresh")?;
    rows.extend(idle(machine, &full, "10000 runs, all listed 5 times")?);
    Ok(rows)
}

fn idle(machine: &Machine, server: &Server, what: &str) -> Result<Vec<Row>> {
    let pid = server.start()?;
    // What came of the last request may still be going on, and threads without work stay for ten seconds.
    std::thread::sleep(Duration::from_secs(if machine.quick { 2 } else { 12 }));
    let time = Duration::from_secs(if machine.quick { 5 } else { 20 });
    let (ticks_before, woken_before) = (ticks(pid)?, wakeups(pid)?);
    std::thread::sleep(time);
    let used = ticks(pid)?.saturating_sub(ticks_before);
    let woken: u64 = wakeups(pid)?
        .iter()
        .map(|(thread, count)| count - woken_before.get(thread).unwrap_or(&0))
        .sum();
    let one = |value: f64| {
        let mut samples = Samples::default();
        samples.add(value);
        samples
    };
    let mut memory = Row::time(
        format!("memory of an idle server, {what}"),
        one(memory(pid, "VmRSS:")?),
    )
    .aim(Aim::Below(40.0));
    memory.unit = Some("MB");
    // A tick is a hundredth of a second.
    let share = used as f64 / time.as_secs_f64();
    let mut processor =
        Row::time(format!("processor of an idle server, {what}"), one(share)).aim(Aim::Below(0.2));
    processor.unit = Some("%");
    let note = format!("{used} ticks and {woken} wake-ups in {} s", time.as_secs());
    Ok(vec![memory, processor.note(note)])
}

/// Memory of a process in megabytes: now (`VmRSS:`), or the most it ever was (`VmHWM:`).
pub fn memory(pid: u64, name: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kilobytes = field(&status, name).with_context(|| format!("no {name}"))?;
    Ok(kilobytes as f64 * 1024.0 / 1e6)
}

/// Processor time so far.
fn ticks(pid: u64) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let number = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<u64>().ok())
            .context("a short stat")
    };
    Ok(number(11)? + number(12)?)
}

/// How often each thread of the process was woken so far.
fn wakeups(pid: u64) -> Result<HashMap<OsString, u64>> {
    let mut threads = HashMap::new();
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?;
        // It may have ended in between.
        let status = std::fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        if let Some(count) = field(&status, "voluntary_ctxt_switches:") {
            threads.insert(thread.file_name(), count);
        }
    }
    Ok(threads)
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}
