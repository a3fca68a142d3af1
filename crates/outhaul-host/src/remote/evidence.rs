//! What the far side says about its runs, as observations. Pure.

use std::collections::HashMap;
use std::time::Duration;

use outhaul_driver::{NativeId, Observation, Phase, TargetLog};

use super::answer::Answer;
use crate::run_dir::{
    Evidence, Identity, Launcher, is_zombie, log_file, parse_exit, parse_process, parse_start_ticks,
    parse_supervisor,
};

/// What an `observe` says about one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) observation: Observation,
    /// Whether an ended run left files to collect.
    pub(super) left: bool,
}

/// The evidence of one run while it is read.
#[derive(Default)]
struct Draft {
    evidence: Evidence,
    left: bool,
    process_stat: Option<String>,
    supervisor_stat: Option<String>,
}

/// Reads the answer to an `observe`.
pub(super) fn observations(answer: &Answer) -> Vec<Seen> {
    let (mut boot, mut uptime) = (None, None);
    let mut drafts: Vec<(String, Draft)> = Vec::new();
    let mut sizes: HashMap<&str, u64> = HashMap::new();
    let mut in_sizes = false;
    for line in &answer.lines {
        if in_sizes {
            sizes.extend(size(line));
        } else if let Some(host) = line.strip_prefix("host ") {
            let (up, id) = host.split_once(' ').unwrap_or((host, "-"));
            uptime = up
                .parse()
                .ok()
                .and_then(|up| Duration::try_from_secs_f64(up).ok());
            boot = (id != "-").then(|| id.to_owned());
        } else if let Some(key) = line.strip_prefix("run ") {
            drafts.push((key.to_owned(), Draft::default()));
        } else if line == "sizes" {
            in_sizes = true;
        } else if let Some((_, draft)) = drafts.last_mut() {
            draft.read(line);
        }
    }
    drafts
        .into_iter()
        .map(|(key, draft)| {
            let left = draft.left;
            let evidence = draft.judge(boot.as_ref(), uptime);
            let phase = evidence.phase();
            let sizes = TargetLog::ALL.into_iter().filter_map(|log| {
                let path = format!("runs/{key}/{}", log_file(log));
                Some((log, *sizes.get(path.as_str())?))
            });
            let observation = Observation {
                sizes: sizes.collect(),
                id: NativeId(key),
                elapsed: evidence.elapsed().filter(|_| phase == Phase::Running),
                phase,
            };
            Seen { observation, left }
        })
        .collect()
}

impl Draft {
    fn read(&mut self, line: &str) {
        if let Some(stat) = line.strip_prefix("stat process ") {
            self.process_stat = Some(stat.to_owned());
        } else if let Some(stat) = line.strip_prefix("stat supervisor ") {
            self.supervisor_stat = Some(stat.to_owned());
        } else if line == "left" {
            self.left = true;
        } else if let Some(word) = line.strip_prefix("launcher ") {
            self.evidence.launcher = Launcher::parse(word);
        } else if line == "old" {
            self.evidence.claim_is_old = true;
        } else if let Some(process) = parse_process(line) {
            self.evidence.process = Some(process);
        } else if let Some(supervisor) = parse_supervisor(line) {
            self.evidence.supervisor = Some(supervisor);
        } else if let Some(exit) = parse_exit(line) {
            self.evidence.exit = Some(exit);
        }
    }

    fn judge(self, boot: Option<&String>, uptime: Option<Duration>) -> Evidence {
        let lives = |identity: Option<&Identity>, stat: Option<&String>| {
            identity.zip(stat).is_some_and(|(identity, stat)| {
                let same_start = identity.start.is_none() || parse_start_ticks(stat) == identity.start;
                let same_boot = identity.boot.is_none() || identity.boot.as_ref() == boot;
                same_start && same_boot && !is_zombie(stat)
            })
        };
        let process = self.evidence.process.as_ref().map(|process| &process.identity);
        Evidence {
            process_lives: lives(process, self.process_stat.as_ref()),
            supervisor_lives: lives(self.evidence.supervisor.as_ref(), self.supervisor_stat.as_ref()),
            boot: boot.cloned(),
            uptime,
            ..self.evidence
        }
    }
}

/// A file's path and size from a line of `ls -ln`: the name is what follows the eighth column.
fn size(line: &str) -> Option<(&str, u64)> {
    let columns: Vec<&str> = line.split_ascii_whitespace().collect();
    Some((*columns.get(8)?, columns.get(4)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_types::Exit;

    fn read(text: &str) -> Vec<Seen> {
        observations(&Answer::parse(format!("\n@@outhaul@@\n{text}ok\n").as_bytes()).unwrap())
    }

    #[test]
    fn runs_in_all_phases_are_told_apart() {
        let stat = "(sh) S 1 9 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 77 2 3";
        let seen = read(&format!(
            "host 100.50 boot-a\n\
             run a-1\nprocess 9 77 boot-a 40.5 end\nstat process 9 {stat}\nsupervisor 8 70 boot-a end\npending\n\
             run b-1\nprocess 9 78 boot-a 40.5 end\nstat process 9 {stat}\nsupervisor 8 70 boot-a end\npending\n\
             run c-1\nprocess 9 77 boot-a 40.5 end\nsupervisor 8 70 boot-a end\nexit 3 90.5 end\nleft\n\
             run d-1\nprocess 9 77 boot-0 40.5 end\nstat process 9 {stat}\nsupervisor 8 77 boot-0 end\nstat supervisor 8 {stat}\npending\n\
             run e-1\n\n\
             run f-1\n\nold\n\
             sizes\n\
             -rw------- 1 1000 1000 12 Nov 25 02:00 runs/a-1/stdout\n\
             -rw------- 1 1000 1000 0 Nov 25  2025 runs/a-1/stderr\n"
        ));
        let phases: Vec<_> = seen.iter().map(|seen| &seen.observation.phase).collect();
        let vanished = |reason: &str| Phase::Ended {
            exit: Exit::Vanished {
                reason: reason.into(),
            },
            ran: None,
        };
        assert_eq!(
            phases,
            [
                &Phase::Running,
                &vanished("the supervisor was killed, so the exit code is unknown"),
                &Phase::Ended {
                    exit: Exit::Code { code: 3 },
                    ran: Some(Duration::from_secs(50))
                },
                &vanished("host rebooted"),
                &Phase::Pending { reason: None },
                &vanished("the supervisor was killed before it started the process"),
            ]
        );
        assert_eq!(seen[0].observation.elapsed, Some(Duration::from_secs(60)));
        assert_eq!(
            seen[0].observation.sizes,
            [(TargetLog::Stdout, 12), (TargetLog::Stderr, 0)]
        );
        assert!(seen[2].left && !seen[0].left);
    }

    #[test]
    fn a_record_that_is_not_whole_does_not_count() {
        let seen = read("host - -\nrun a-1\nprocess 9 77 boot\nsupervisor 8 70\nexit 0 9\nsizes\n");
        assert_eq!(seen[0].observation.phase, Phase::Pending { reason: None });
    }
}
