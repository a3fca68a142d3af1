//! Ending a run: its group and everything that carries its mark, politely first.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::identity::{is_alive, marked};
use crate::run_dir::{names, parse_process};

/// Sends a signal to the run's process group and to every process that carries its mark.
fn signal_all(dir: &Path, run_key: &str, signal: Signal) {
    let process = std::fs::read_to_string(dir.join(names::PROCESS))
        .ok()
        .and_then(|text| parse_process(&text));
    // The group may outlive its leader; a group id is not given out again while the group has members, and
    // the leader's pid is that of the record unless it was used again, which the start time shows.
    if let Some(process) = process {
        let pid = Pid::from_raw(process.identity.pid);
        let leader_gone = !Path::new("/proc").join(process.identity.pid.to_string()).exists();
        if is_alive(&process.identity) || leader_gone {
            // Nobody is left when this fails.
            let _ = killpg(pid, signal);
        }
    }
    for pid in marked(run_key) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

fn anybody_left(dir: &Path, run_key: &str) -> bool {
    let process = std::fs::read_to_string(dir.join(names::PROCESS))
        .ok()
        .and_then(|text| parse_process(&text));
    process.is_some_and(|process| is_alive(&process.identity)) || !marked(run_key).is_empty()
}

/// Asks the run to end now, and ends it by force after `grace`. Returns once the polite signal is sent.
pub(super) fn cancel(dir: &Path, run_key: &str, grace: Duration) -> std::io::Result<()> {
    // Also for the process that is only about to start.
    std::fs::write(dir.join(names::CANCEL), b"")?;
    signal_all(dir, run_key, Signal::SIGTERM);
    tokio::spawn(force(dir.to_owned(), run_key.to_owned(), grace));
    Ok(())
}

async fn force(dir: PathBuf, run_key: String, grace: Duration) {
    let deadline = Instant::now() + grace;
    let mut pause = Duration::from_millis(5);
    while Instant::now() < deadline {
        if !anybody_left(&dir, &run_key) {
            return;
        }
        tokio::time::sleep(pause.min(deadline.saturating_duration_since(Instant::now()))).await;
        pause = (pause * 2).min(Duration::from_millis(250));
    }
    // A process that forks while it is being killed is met in the next round.
    for _ in 0..20 {
        signal_all(&dir, &run_key, Signal::SIGKILL);
        tokio::time::sleep(Duration::from_millis(20)).await;
        if !anybody_left(&dir, &run_key) {
            return;
        }
    }
    tracing::warn!(run_key, "host.cancel: processes are left that cannot be killed");
}
