//! How a run is, by the evidence in its directory.

use std::path::Path;

use outhaul_driver::{NativeId, Observation, Phase, TargetLog};
use outhaul_types::Exit;

use super::identity::{is_alive, same_boot, uptime};
use crate::run_dir::{names, parse_exit, parse_process, parse_supervisor};

/// The file of a log.
pub(super) fn log_file(log: TargetLog) -> &'static str {
    match log {
        TargetLog::Stdout => names::STDOUT,
        TargetLog::Stderr => names::STDERR,
        TargetLog::Metrics => names::METRICS,
    }
}

/// What the directory says about its run; `None` when it was never claimed.
pub(super) fn observe(id: &NativeId, dir: &Path) -> Option<Observation> {
    if !dir.join(names::CLAIM).is_dir() {
        return None;
    }
    let phase = phase(dir);
    // Sizes are read after the phase: once the end is known, they are final.
    let sizes = TargetLog::ALL
        .into_iter()
        .filter_map(|log| Some((log, std::fs::metadata(dir.join(log_file(log))).ok()?.len())))
        .collect();
    let elapsed = match phase {
        Phase::Running => read(dir, names::PROCESS)
            .and_then(|text| parse_process(&text))
            .and_then(|process| uptime()?.checked_sub(process.begun?)),
        _ => None,
    };
    Some(Observation {
        id: id.clone(),
        phase,
        elapsed,
        sizes,
    })
}

fn read(dir: &Path, name: &str) -> Option<String> {
    std::fs::read_to_string(dir.join(name)).ok()
}

fn ended(dir: &Path) -> Option<Phase> {
    let exit = parse_exit(&read(dir, names::EXIT)?)?;
    let begun = read(dir, names::PROCESS).and_then(|text| parse_process(&text)?.begun);
    let ran = exit
        .ended
        .zip(begun)
        .and_then(|(end, begin)| end.checked_sub(begin));
    Some(Phase::Ended {
        exit: Exit::Code { code: exit.code },
        ran,
    })
}

fn phase(dir: &Path) -> Phase {
    if let Some(ended) = ended(dir) {
        return ended;
    }
    let supervisor = read(dir, names::SUPERVISOR).and_then(|text| parse_supervisor(&text));
    let process = read(dir, names::PROCESS).and_then(|text| parse_process(&text));
    let process_lives = process
        .as_ref()
        .is_some_and(|process| is_alive(&process.identity));
    if process_lives {
        // Even without its supervisor: it works on, and only its exit code will stay unknown.
        return Phase::Running;
    }
    let Some(supervisor) = supervisor else {
        // Claimed a moment ago, or the supervisor was killed right after the claim.
        return if claim_is_old(dir) {
            vanished("the supervisor was killed before it started the process")
        } else {
            Phase::Pending { reason: None }
        };
    };
    if is_alive(&supervisor) {
        return if process.is_some() {
            Phase::Running
        } else {
            Phase::Pending { reason: None }
        };
    }
    // It may have written the record and ended since we looked.
    if let Some(ended) = ended(dir) {
        return ended;
    }
    if !same_boot(&supervisor) {
        return vanished("host rebooted");
    }
    vanished("the supervisor was killed, so the exit code is unknown")
}

fn vanished(reason: &str) -> Phase {
    Phase::Ended {
        exit: Exit::Vanished {
            reason: reason.to_owned(),
        },
        ran: None,
    }
}

/// Whether the claim is older than the moment that a supervisor needs for its first record. A clock that jumps can
/// only make this wait longer, or judge a run early whose supervisor has not even written its first line.
fn claim_is_old(dir: &Path) -> bool {
    let made = std::fs::metadata(dir.join(names::CLAIM)).and_then(|claim| claim.modified());
    made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age.as_secs() >= 10))
}
