//! How a run is, by the evidence in its directory: the same judgement for every host. Pure.

use std::time::Duration;

use outhaul_driver::Phase;
use outhaul_types::Exit;

use super::Launcher;
use super::record::{ExitRecord, Identity, ProcessRecord};

/// What a claimed run directory and its host show. The exit record must be read after the processes were looked at:
/// what has just ended may have written it last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The exit record.
    pub exit: Option<ExitRecord>,
    /// The process's record.
    pub process: Option<ProcessRecord>,
    /// Whether that very process runs.
    pub process_lives: bool,
    /// The supervisor's record.
    pub supervisor: Option<Identity>,
    /// Whether that very supervisor runs.
    pub supervisor_lives: bool,
    /// The host's boot id, where it tells.
    pub boot: Option<String>,
    /// The host's uptime, where it tells.
    pub uptime: Option<Duration>,
    /// Who starts the run, if not the host's own supervisor: its processes are not the host's to be seen, and whether they
    /// live is asked of that launcher.
    pub launcher: Option<Launcher>,
    /// Whether the claim is older than the moment that a supervisor needs for its first record.
    pub claim_is_old: bool,
}

impl Evidence {
    /// Where the run is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        if let Some(exit) = self.exit {
            let begun = self.process.as_ref().and_then(|process| process.begun);
            return Phase::Ended {
                exit: Exit::Code { code: exit.code },
                ran: exit
                    .ended
                    .zip(begun)
                    .and_then(|(end, begin)| end.checked_sub(begin)),
            };
        }
        if let Some(launcher) = self.launcher {
            return self.phase_elsewhere(launcher);
        }
        if self.process_lives {
            // Even without its supervisor: it works on, and only its exit code will stay unknown.
            return Phase::Running;
        }
        let Some(supervisor) = &self.supervisor else {
            // Claimed a moment ago, or the supervisor was killed right after the claim.
            return if self.claim_is_old {
                vanished("the supervisor was killed before it started the process")
            } else {
                Phase::Pending { reason: None }
            };
        };
        if self.supervisor_lives {
            return match self.process {
                Some(_) => Phase::Running,
                None => Phase::Pending { reason: None },
            };
        }
        if supervisor.boot.is_some() && self.boot.is_some() && supervisor.boot != self.boot {
            return vanished("host rebooted");
        }
        vanished("the supervisor was killed, so the exit code is unknown")
    }

    /// Where a run is that has not ended by its own record, and whose processes cannot be seen.
    fn phase_elsewhere(&self, launcher: Launcher) -> Phase {
        let recorded = self
            .supervisor
            .as_ref()
            .or(self.process.as_ref().map(|process| &process.identity));
        // A container shares the host's boot; a cluster's machine has its own.
        let rebooted = launcher == Launcher::Container
            && recorded.is_some_and(|identity| {
                identity.boot.is_some() && self.boot.is_some() && identity.boot != self.boot
            });
        match (&self.process, rebooted) {
            // Containers are never started again by themselves.
            (_, true) => vanished("host rebooted"),
            (Some(_), false) => Phase::Running,
            (None, false) => Phase::Pending { reason: None },
        }
    }

    /// How long the process has been running.
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.uptime?.checked_sub(self.process.as_ref()?.begun?)
    }
}

fn vanished(reason: &str) -> Phase {
    Phase::Ended {
        exit: Exit::Vanished {
            reason: reason.to_owned(),
        },
        ran: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(boot: &str) -> Identity {
        Identity {
            pid: 10,
            start: Some(1),
            boot: Some(boot.into()),
        }
    }

    fn process() -> ProcessRecord {
        ProcessRecord {
            identity: identity("a"),
            begun: Some(Duration::from_secs(5)),
        }
    }

    #[test]
    fn the_evidence_decides() {
        let base = Evidence {
            supervisor: Some(identity("a")),
            supervisor_lives: true,
            boot: Some("a".into()),
            uptime: Some(Duration::from_secs(9)),
            ..Evidence::default()
        };
        let gone = Evidence {
            process: Some(process()),
            supervisor_lives: false,
            ..base.clone()
        };
        let ended = ExitRecord {
            code: 3,
            ended: Some(Duration::from_secs(7)),
        };
        let cases = [
            (base.clone(), Phase::Pending { reason: None }),
            (
                Evidence {
                    process: Some(process()),
                    ..base.clone()
                },
                Phase::Running,
            ),
            (
                Evidence {
                    process_lives: true,
                    ..gone.clone()
                },
                Phase::Running,
            ),
            (
                gone.clone(),
                vanished("the supervisor was killed, so the exit code is unknown"),
            ),
            (
                Evidence {
                    boot: Some("b".into()),
                    ..gone.clone()
                },
                vanished("host rebooted"),
            ),
            (
                Evidence {
                    boot: None,
                    ..gone.clone()
                },
                vanished("the supervisor was killed, so the exit code is unknown"),
            ),
            (
                Evidence {
                    launcher: Some(Launcher::Container),
                    ..gone.clone()
                },
                Phase::Running,
            ),
            (
                Evidence {
                    launcher: Some(Launcher::Container),
                    claim_is_old: true,
                    ..Evidence::default()
                },
                Phase::Pending { reason: None },
            ),
            (
                Evidence {
                    launcher: Some(Launcher::Container),
                    boot: Some("b".into()),
                    ..gone.clone()
                },
                vanished("host rebooted"),
            ),
            (
                Evidence {
                    launcher: Some(Launcher::Cluster),
                    boot: Some("b".into()),
                    ..gone.clone()
                },
                Phase::Running,
            ),
            (Evidence::default(), Phase::Pending { reason: None }),
            (
                Evidence {
                    claim_is_old: true,
                    ..Evidence::default()
                },
                vanished("the supervisor was killed before it started the process"),
            ),
            (
                Evidence {
                    exit: Some(ended),
                    boot: Some("b".into()),
                    ..gone.clone()
                },
                Phase::Ended {
                    exit: Exit::Code { code: 3 },
                    ran: Some(Duration::from_secs(2)),
                },
            ),
        ];
        for (evidence, phase) in cases {
            assert_eq!(evidence.phase(), phase, "{evidence:?}");
        }
        assert_eq!(gone.elapsed(), Some(Duration::from_secs(4)));
    }
}
