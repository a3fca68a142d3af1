//! What the scheduler's programs print, read. Pure.

use std::collections::HashMap;

/// What the scheduler says of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JobState {
    /// Its state in the long form, such as `RUNNING`.
    pub(crate) state: String,
    /// Why it waits, or why it ended, in the scheduler's own word; empty when it gives none.
    pub(crate) reason: String,
    /// The machines that it has.
    pub(crate) nodes: String,
}

/// How `squeue` is asked, for all jobs of the user, the ended ones that it still knows among them.
pub(crate) const QUEUE: &str = "squeue -h -t all -u \"$(id -un)\" -o '%A|%T|%r|%N' 2>&1";

/// How the scheduler is asked for jobs that the queue does not show any more. `JOBS` stands for their numbers.
pub(crate) const ENDED: &str = "for job in JOBS; do scontrol show job -o \"$job\" 2> /dev/null; done
if command -v sacct > /dev/null 2>&1; then
    sacct -n -P -X -j \"$(echo JOBS | tr ' ' ',')\" -o JobIDRaw,State,Reason,NodeList 2> /dev/null
fi
:";

/// Reads lines of `NUMBER|STATE|REASON|NODES`, as [`QUEUE`] and `sacct` print them, and those of `scontrol show job -o`.
/// Other lines are passed over: warnings, and what a login prints. What comes first of a job counts.
pub(crate) fn jobs(text: &str) -> HashMap<u64, JobState> {
    let mut found = HashMap::new();
    for line in text.lines() {
        if let Some((number, state)) = columns(line).or_else(|| fields(line)) {
            found.entry(number).or_insert(state);
        }
    }
    found
}

fn columns(line: &str) -> Option<(u64, JobState)> {
    let mut columns = line.splitn(4, '|');
    let number = columns.next()?.trim().parse().ok()?;
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
    Some((number, job_state(state, columns.next(), columns.next())))
}

fn fields(line: &str) -> Option<(u64, JobState)> {
    let rest = line.trim_start().strip_prefix("JobId=")?;
    let number = rest.split(' ').next()?.parse().ok()?;
    let value = |name: &str| {
        line.split(' ')
            .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    };
    Some((
        number,
        job_state(value("JobState")?, value("Reason"), value("NodeList")),
    ))
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
        }
    }

    #[test]
    fn the_queue_is_read() {
        let text = "motd: the cluster is down on Friday\n\
                    12|RUNNING|None|n[1-2]\n\
                    13|PENDING|Resources|\n\
                    14|COMPLETED|None|n1\n\
                    slurm_load_jobs error: x\n";
        let found = jobs(text);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[&12], state("RUNNING", "", "n[1-2]"));
        assert_eq!(found[&13], state("PENDING", "Resources", ""));
    }

    #[test]
    fn ended_jobs_are_read_from_both_places() {
        let text = "JobId=7 JobName=k-1 UserId=me(1000) JobState=TIMEOUT Reason=TimeLimit NodeList=n1 ExitCode=0:15\n\
                    7|COMPLETED|None|n9\n\
                    8|CANCELLED by 1000|None|None assigned\n\
                    9|OUT_OF_ME+|None|n2\n";
        let found = jobs(text);
        assert_eq!(
            found[&7],
            state("TIMEOUT", "TimeLimit", "n1"),
            "the first word counts"
        );
        assert_eq!(found[&8], state("CANCELLED", "", ""));
        assert_eq!(found[&9], state("OUT_OF_ME", "", "n2"));
    }
}
