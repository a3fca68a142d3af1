//! The records of a run directory and of `/proc`, read strictly: what is not whole does not count.

use std::time::Duration;

/// Which process it is: a pid that was used again has another start time or boot id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot; `None` where the host does not tell.
    pub start: Option<u64>,
    /// Boot id of the host; `None` where it does not tell.
    pub boot: Option<String>,
}

/// The record of a run's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessRecord {
    /// Who it is.
    pub identity: Identity,
    /// The host's uptime when it began.
    pub begun: Option<Duration>,
}

/// The record of a process's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitRecord {
    /// Exit code as a shell shows it.
    pub code: i32,
    /// The host's uptime when it ended.
    pub ended: Option<Duration>,
}

fn fields<'a>(text: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let mut fields: Vec<&str> = text.lines().next()?.split_ascii_whitespace().collect();
    (fields.first() == Some(&name) && fields.pop() == Some("end")).then(|| fields.split_off(1))
}

fn known<'a>(field: &&'a str) -> Option<&'a str> {
    (*field != "-").then_some(*field)
}

fn identity(fields: &[&str]) -> Option<Identity> {
    let [pid, start, boot, ..] = fields else {
        return None;
    };
    let pid = pid.parse().ok().filter(|pid| *pid > 1)?;
    let start = match known(start) {
        Some(ticks) => Some(ticks.parse().ok()?),
        None => None,
    };
    Some(Identity {
        pid,
        start,
        boot: known(boot).map(str::to_owned),
    })
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse()
        .ok()
        .and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok())
}

/// Reads the supervisor's record.
#[must_use]
pub fn parse_supervisor(text: &str) -> Option<Identity> {
    identity(&fields(text, "supervisor")?)
}

/// Reads the process's record.
#[must_use]
pub fn parse_process(text: &str) -> Option<ProcessRecord> {
    let fields = fields(text, "process")?;
    Some(ProcessRecord {
        identity: identity(&fields)?,
        begun: fields.get(3).and_then(|field| seconds(field)),
    })
}

/// Reads the exit record.
#[must_use]
pub fn parse_exit(text: &str) -> Option<ExitRecord> {
    let fields = fields(text, "exit")?;
    Some(ExitRecord {
        code: fields.first()?.parse().ok()?,
        ended: fields.get(1).and_then(|field| seconds(field)),
    })
}

/// Start time in clock ticks since boot from the text of `/proc/<pid>/stat` (proc(5), field 22).
#[must_use]
pub fn parse_start_ticks(stat: &str) -> Option<u64> {
    // The command's name stands in brackets and may hold blanks and brackets itself.
    stat.rsplit_once(") ")?
        .1
        .split_ascii_whitespace()
        .nth(19)?
        .parse()
        .ok()
}

/// Whether a process in this state (proc(5), field 3) still runs: a zombie has ended.
#[must_use]
pub fn is_zombie(stat: &str) -> bool {
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// The host's uptime from the text of `/proc/uptime`.
#[must_use]
pub fn parse_uptime(text: &str) -> Option<Duration> {
    seconds(text.split_ascii_whitespace().next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_records_are_read() {
        let exit = parse_exit("exit 3 120.55 end                    \n").unwrap();
        assert_eq!(
            exit,
            ExitRecord {
                code: 3,
                ended: Some(Duration::from_millis(120_550))
            }
        );
        let process = parse_process("process 4711 99 aa-bb 12.5 end\n").unwrap();
        assert_eq!(
            process.identity,
            Identity {
                pid: 4711,
                start: Some(99),
                boot: Some("aa-bb".into())
            }
        );
        assert_eq!(
            parse_supervisor("supervisor 5 - - end").unwrap(),
            Identity {
                pid: 5,
                start: None,
                boot: None
            }
        );
    }

    #[test]
    fn records_that_are_not_whole_do_not_count() {
        for text in [
            "",
            "pending      ",
            "exit 3 120.55",
            "exit 3 120.55 en",
            "exit end",
            "exit x 1 end",
            "process 1 2 3 4 end",
            "supervisor 5 end",
        ] {
            assert_eq!(parse_exit(text), None, "{text}");
            assert_eq!(parse_process(text), None, "{text}");
            assert_eq!(parse_supervisor(text), None, "{text}");
        }
    }

    #[test]
    fn proc_texts_are_read() {
        let stat = "77 (a) b) S 1 77 77 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 5555 2 3";
        assert_eq!(parse_start_ticks(stat), Some(5555));
        assert!(!is_zombie(stat));
        assert!(is_zombie("77 (sh) Z 1"));
        assert_eq!(
            parse_uptime("350735.47 234388.90\n"),
            Some(Duration::from_millis(350_735_470))
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,80}") {
            let _ = (parse_exit(&text), parse_process(&text), parse_supervisor(&text), parse_start_ticks(&text), parse_uptime(&text));
        }
    }
}
