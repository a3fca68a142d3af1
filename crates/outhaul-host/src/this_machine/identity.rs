//! Which processes are there: by pid, start time and boot id, never by pid alone.

use std::time::Duration;

use crate::run_dir::{Identity, is_zombie, parse_start_ticks, parse_uptime};

/// This machine's boot id, where it has one.
pub(super) fn boot_id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .map(|text| text.trim().to_owned())
}

/// How long this machine has been up, where it tells.
pub(super) fn uptime() -> Option<Duration> {
    parse_uptime(&std::fs::read_to_string("/proc/uptime").ok()?)
}

/// Whether the very process that wrote the identity still runs.
pub(super) fn is_alive(identity: &Identity) -> bool {
    match std::fs::read_to_string(format!("/proc/{}/stat", identity.pid)) {
        Ok(stat) => {
            let same_start = identity.start.is_none() || parse_start_ticks(&stat) == identity.start;
            same_start && same_boot(identity) && !is_zombie(&stat)
        }
        // Without /proc (not Linux) a signal that does nothing has to do.
        Err(_) if identity.start.is_none() => {
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(identity.pid), None).is_ok()
        }
        Err(_) => false,
    }
}

/// Whether the identity is of the present boot.
pub(super) fn same_boot(identity: &Identity) -> bool {
    identity.boot.is_none() || boot_id() == identity.boot
}

/// Pids of all processes whose environment says that they belong to this run, wherever they moved.
pub(super) fn marked(run_key: &str) -> Vec<i32> {
    let mark = format!("OUTHAUL_RUN_KEY={run_key}\0");
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ
                .windows(mark.len())
                .any(|window| window == mark.as_bytes())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_pid_is_not_mistaken() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let me = Identity {
            pid,
            start: parse_start_ticks(&stat),
            boot: boot_id(),
        };
        assert!(is_alive(&me));
        assert!(
            !is_alive(&Identity {
                start: me.start.map(|ticks| ticks + 1),
                ..me.clone()
            }),
            "another start time"
        );
        assert!(
            !is_alive(&Identity {
                boot: Some("before the reboot".into()),
                ..me.clone()
            }),
            "another boot"
        );
    }
}
