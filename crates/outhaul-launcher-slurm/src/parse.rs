//! What the scheduler's programs print, read. Pure.

use std::collections::HashMap;
use std::time::Duration;

use crate::native::JobId;

/// What the scheduler says of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobState {
    /// Its state in the long form, such as `RUNNING`.
    pub(crate) state: String,
    /// Why it waits, or why it ended, in the scheduler's own word; empty when it gives none.
    pub(crate) reason: String,
    /// The machines that it has.
    pub(crate) nodes: String,
    /// Exit code and signal of an ended job, where they were told.
    pub(crate) exit: Option<(i32, i32)>,
    /// How long it ran, where that was told.
    pub(crate) ran: Option<Duration>,
}

/// How `squeue` is asked, for all jobs of the user, the ended ones that it still knows and each element of an array among
/// them.
pub(crate) const QUEUE: &str = "squeue -h -r -t all -u \"$(id -un)\" -o '%i|%T|%r|%N' 2>&1";

/// How the scheduler is asked for jobs that the queue does not show any more. `JOBS` stands for their names.
pub(crate) const ENDED: &str = "for job in JOBS; do scontrol show job -o \"$job\" 2> /dev/null; done
if command -v sacct > /dev/null 2>&1; then
    sacct -n -P -X -j \"$(echo JOBS | tr ' ' ',')\" -o JobID,State,Reason,NodeList,ExitCode,Elapsed 2> /dev/null
fi
:";

/// Reads lines of `ID|STATE|REASON|NODES`, as [`QUEUE`] and `sacct` print them, and those of `scontrol show job -o`.
/// Other lines are passed over: warnings, and what a login prints. What comes first of a job counts.
pub(crate) fn jobs(text: &str) -> HashMap<JobId, JobState> {
    let mut found = HashMap::new();
    for line in text.lines() {
        if let Some((id, state)) = columns(line).or_else(|| fields(line)) {
            found.entry(id).or_insert(state);
        }
    }
    found
}

fn columns(line: &str) -> Option<(JobId, JobState)> {
    let mut columns = line.split('|');
    let id = JobId::parse(columns.next()?.trim())?;
    let state = columns.next()?.trim();
    // `CANCELLED by 1000` in accounting.
    let state = state.split(' ').next().unwrap_or_default();
    if state.is_empty()
        || !state
            .chars()
            .all(|c| c.is_ascii_uppercase() || c == '_' || c == '+')
    {
        return None;
    }
    let mut found = job_state(state, columns.next(), columns.next());
    found.exit = columns.next().and_then(exit);
    found.ran = columns.next().and_then(elapsed);
    Some((id, found))
}

fn fields(line: &str) -> Option<(JobId, JobState)> {
    let mut found = job_state(
        &field(line, "JobState")?,
        field(line, "Reason").as_deref(),
        field(line, "NodeList").as_deref(),
    );
    found.exit = field(line, "ExitCode").as_deref().and_then(exit);
    found.ran = field(line, "RunTime").as_deref().and_then(elapsed);
    Some((id_of(line)?, found))
}

/// The name of the job that a line of `scontrol show job -o` is about; of an element of an array, by its array.
pub(crate) fn id_of(line: &str) -> Option<JobId> {
    let number = field(line, "JobId")?.parse().ok()?;
    let element = || {
        Some(JobId {
            number: field(line, "ArrayJobId")?.parse().ok()?,
            index: Some(field(line, "ArrayTaskId")?.parse().ok()?),
        })
    };
    Some(element().unwrap_or(JobId { number, index: None }))
}

/// A field of a line of `scontrol show job -o`, whose values may hold blanks: it ends where the next name begins.
pub(crate) fn field(line: &str, name: &str) -> Option<String> {
    let line = line.trim();
    let start = format!("{name}=");
    let value = if let Some(value) = line.strip_prefix(&start) {
        value
    } else {
        &line[line.find(&format!(" {start}"))? + start.len() + 1..]
    };
    let is_name = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            name.starts_with(|c: char| c.is_ascii_uppercase())
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '/'))
        })
    };
    let mut end = 0;
    for word in value.split(' ') {
        if end > 0 && is_name(word) {
            break;
        }
        end += word.len() + 1;
    }
    // Some versions put two blanks between fields.
    Some(
        value[..end.saturating_sub(1).min(value.len())]
            .trim_end()
            .to_owned(),
    )
}

/// Reads `CODE:SIGNAL`.
fn exit(text: &str) -> Option<(i32, i32)> {
    let (code, signal) = text.trim().split_once(':')?;
    Some((code.parse().ok()?, signal.parse().ok()?))
}

/// Reads `[DAYS-]HH:MM:SS`.
fn elapsed(text: &str) -> Option<Duration> {
    let (days, clock) = match text.trim().split_once('-') {
        Some((days, clock)) => (days.parse::<u64>().ok()?, clock),
        None => (0, text.trim()),
    };
    let mut seconds = 0;
    for part in clock.split(':') {
        seconds = seconds * 60 + part.parse::<u64>().ok()?;
    }
    Some(Duration::from_secs(days * 86_400 + seconds))
}

fn job_state(state: &str, reason: Option<&str>, nodes: Option<&str>) -> JobState {
    let filled = |text: Option<&str>| match text.map(str::trim) {
        None | Some("None" | "(null)" | "(None)" | "n/a" | "None assigned") => String::new(),
        Some(text) => text.to_owned(),
    };
    JobState {
        state: state.trim_end_matches('+').to_owned(),
        reason: filled(reason),
        nodes: filled(nodes),
        ..JobState::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(state: &str, reason: &str, nodes: &str) -> JobState {
        JobState {
            state: state.into(),
            reason: reason.into(),
            nodes: nodes.into(),
            ..JobState::default()
        }
    }

    fn id(text: &str) -> JobId {
        JobId::parse(text).unwrap()
    }

    #[test]
    fn the_queue_is_read() {
        let text = "motd: the cluster is down on Friday\n\
                    12|RUNNING|None|n[1-2]\n\
                    13|PENDING|Resources|\n\
                    14|COMPLETED|None|n1\n\
                    15_3|RUNNING|None|n1\n\
                    15_[4-9]|PENDING|Priority|\n\
                    slurm_load_jobs error: x\n";
        let found = jobs(text);
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(found[&id("12")], state("RUNNING", "", "n[1-2]"));
        assert_eq!(found[&id("13")], state("PENDING", "Resources", ""));
        assert_eq!(found[&id("15_3")], state("RUNNING", "", "n1"));
    }

    #[test]
    fn ended_jobs_are_read_from_both_places() {
        let text = "JobId=7 JobName=k-1 UserId=me(1000) JobState=TIMEOUT Reason=TimeLimit RunTime=1-00:01:02 ExitCode=0:15 NodeList=n1\n\
                    7|COMPLETED|None|n9|0:0|00:00:05\n\
                    8|CANCELLED by 1000|None|None assigned|0:0|00:00:00\n\
                    9|OUT_OF_ME+|None|n2\n\
                    JobId=21 ArrayJobId=20 ArrayTaskId=4 JobName=a JobState=FAILED Reason=NonZeroExitCode RunTime=00:00:01 ExitCode=3:0 NodeList=n2\n\
                    JobId=20 ArrayJobId=20 ArrayTaskId=5-9 JobName=a JobState=PENDING Reason=None\n";
        let found = jobs(text);
        let first = &found[&id("7")];
        assert_eq!(
            (first.state.as_str(), first.exit),
            ("TIMEOUT", Some((0, 15))),
            "the first word counts"
        );
        assert_eq!(first.ran, Some(Duration::from_secs(86_462)));
        assert_eq!(found[&id("8")].state, "CANCELLED");
        assert_eq!(found[&id("9")], state("OUT_OF_ME", "", "n2"));
        assert_eq!(found[&id("20_4")].exit, Some((3, 0)));
    }

    #[test]
    fn values_with_blanks_are_read_whole() {
        let line = "JobId=7 JobName=my job UserId=me(1000) Command=/a b/run.sh --x=1 y WorkDir=/a b Comment=c  StdErr=/a b/e StdIn=/dev/null StdOut=/a b/o Power=";
        for (name, value) in [
            ("JobId", "7"),
            ("JobName", "my job"),
            ("Command", "/a b/run.sh --x=1 y"),
            ("WorkDir", "/a b"),
            ("Comment", "c"),
            ("StdOut", "/a b/o"),
            ("Power", ""),
        ] {
            assert_eq!(field(line, name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(field(line, "Job"), None);
        assert_eq!(field(line, "Nice"), None);
    }
}
