//! How a run is, by the evidence in its directory.

use std::path::Path;

use outhaul_driver::{NativeId, Observation, Phase, TargetLog};

use super::identity::{boot_id, is_alive, uptime};
use crate::run_dir::{Evidence, Launcher, log_file, names, parse_exit, parse_process, parse_supervisor};

/// What the directory says about its run; `None` when it was never claimed.
pub(super) fn observe(id: &NativeId, dir: &Path) -> Option<Observation> {
    if !dir.join(names::CLAIM).is_dir() {
        return None;
    }
    let evidence = evidence(dir);
    let phase = evidence.phase();
    // Sizes are read after the phase: once the end is known, they are final.
    let sizes = TargetLog::ALL
        .into_iter()
        .filter_map(|log| Some((log, std::fs::metadata(dir.join(log_file(log))).ok()?.len())))
        .collect();
    Some(Observation {
        id: id.clone(),
        elapsed: evidence.elapsed().filter(|_| phase == Phase::Running),
        phase,
        sizes,
    })
}

fn evidence(dir: &Path) -> Evidence {
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).ok();
    let exit = || parse_exit(&read(names::EXIT)?);
    let process = read(names::PROCESS).and_then(|text| parse_process(&text));
    if let Some(exit) = exit() {
        return Evidence {
            exit: Some(exit),
            process,
            ..Evidence::default()
        };
    }
    let supervisor = read(names::SUPERVISOR).and_then(|text| parse_supervisor(&text));
    Evidence {
        launcher: read(names::LAUNCHER).and_then(|word| Launcher::parse(&word)),
        process_lives: process
            .as_ref()
            .is_some_and(|process| is_alive(&process.identity)),
        supervisor_lives: supervisor.as_ref().is_some_and(is_alive),
        claim_is_old: supervisor.is_none() && claim_is_old(dir),
        process,
        supervisor,
        boot: boot_id(),
        uptime: uptime(),
        // It may have written the record and ended since we looked at first.
        exit: exit(),
    }
}

/// Whether the claim is older than the moment that a supervisor needs for its first record. A clock that jumps can
/// only make this wait longer, or judge a run early whose supervisor has not even written its first line.
fn claim_is_old(dir: &Path) -> bool {
    let made = std::fs::metadata(dir.join(names::CLAIM)).and_then(|claim| claim.modified());
    made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age.as_secs() >= 10))
}
