//! Jobs that somebody else submitted: what is known of one, how it is, and where its logs lie. Pure.
//!
//! What the scheduler says of such a job is all that there is: there is no run directory. Where its logs lie is noted
//! down on the login host when it is adopted, because the scheduler forgets it soon after the end.

use std::time::Duration;

use outhaul_driver::{JobOwner, NativeId, NativeJob, Observation, Phase, TargetLog};
use outhaul_host::run_dir::quote;
use outhaul_types::{Exit, FailureClass, RunId};

use crate::batch::COMMENT;
use crate::native::{JobId, adopted, parse_key};
use crate::parse::{JobState, field, id_of, jobs};
use crate::words::{Where, meaning};

/// Separates the answers of the two programs.
const ACCOUNTING: &str = "-- accounting --";

/// How the scheduler and its accounting are asked for one job.
pub(crate) fn question(job: JobId) -> String {
    format!(
        "scontrol show job -o {job} 2>&1
echo '{ACCOUNTING}'
if command -v sacct > /dev/null 2>&1; then
    sacct -n -P -X -j {job} -o JobID,State,Reason,NodeList,ExitCode,Elapsed,JobName,User,WorkDir 2> /dev/null
fi
:"
    )
}

/// What was found for a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// One job.
    Job(Box<NativeJob>),
    /// Several: it is the name of an array.
    Array,
    /// Nothing.
    Nothing,
    /// The scheduler could not be asked, in its words.
    Trouble(String),
}

/// Reads the answer to [`question`].
pub(crate) fn read(job: JobId, text: &str) -> Found {
    let (said, accounting) = text.split_once(ACCOUNTING).unwrap_or((text, ""));
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| line.trim_start().starts_with("JobId="))
        .collect();
    let of_array = |line: &str| field(line, "ArrayTaskId").is_some();
    if job.index.is_none() && (lines.len() > 1 || lines.iter().any(|line| of_array(line))) {
        return Found::Array;
    }
    if let Some(line) = lines.iter().find(|line| id_of(line) == Some(job))
        && let Some(state) = jobs(line).remove(&job)
    {
        let value = |name: &str| {
            field(line, name)
                .filter(|value| !value.is_empty() && value != "(null)")
                .unwrap_or_default()
        };
        let path = |name: &str| Some(value(name)).filter(|path| path.starts_with('/'));
        return Found::Job(Box::new(NativeJob {
            id: adopted(job),
            owner: owner(job, &value("Comment")),
            state: state.state.clone(),
            reason: state.reason.clone(),
            name: value("JobName"),
            user: value("UserId").split('(').next().unwrap_or_default().to_owned(),
            command: value("Command"),
            work_dir: value("WorkDir"),
            stdout: path("StdOut"),
            stderr: path("StdErr"),
        }));
    }
    if let Some(line) = accounting
        .lines()
        .find(|line| line.split('|').next().and_then(JobId::parse) == Some(job))
        && let Some(state) = jobs(line).remove(&job)
    {
        let column = |place: usize| line.split('|').nth(place).unwrap_or_default().to_owned();
        let name = column(6);
        return Found::Job(Box::new(NativeJob {
            id: adopted(job),
            // Accounting may not keep comments; our jobs are named as they are marked.
            owner: owner(job, &format!("{COMMENT}{name}")),
            state: state.state,
            reason: state.reason,
            name,
            user: column(7),
            command: String::new(),
            work_dir: column(8),
            stdout: None,
            stderr: None,
        }));
    }
    let lower = said.to_lowercase();
    if lower.contains("invalid job id") || said.trim().is_empty() {
        return Found::Nothing;
    }
    Found::Trouble(said.trim().to_owned())
}

/// The run that a job was submitted for, by the mark in its comment.
fn owner(job: JobId, comment: &str) -> Option<JobOwner> {
    let mark = comment.strip_prefix(COMMENT)?;
    match job.index {
        None => parse_key(mark).map(JobOwner::Run),
        Some(index) => {
            let array: RunId = mark.split('-').next()?.parse().ok()?;
            Some(JobOwner::Element { array, index })
        }
    }
}

/// Where a job is by the scheduler's word alone. `None` for a state: it does not know the job any more.
pub(crate) fn phase(state: Option<&JobState>, ended_by_us: bool, patient: bool) -> Phase {
    let stopped = |class, reason: String| Exit::Stopped { class, reason };
    let Some(state) = state else {
        if patient {
            return Phase::Pending { reason: None };
        }
        return Phase::Ended {
            exit: stopped(
                FailureClass::Target,
                "the scheduler does not know the job any more, so how it ended is not known".to_owned(),
            ),
            ran: None,
        };
    };
    let exit = match meaning(state) {
        Where::Waits(reason) => return Phase::Pending { reason: Some(reason) },
        Where::Runs => return Phase::Running,
        Where::Ended if state.state == "COMPLETED" => Exit::Code { code: 0 },
        Where::Ended => match state.exit {
            Some((0, signal)) if signal > 0 => Exit::Code { code: 128 + signal },
            Some((code, _)) if code > 0 => Exit::Code { code },
            _ => stopped(
                FailureClass::User,
                "the scheduler says that the job failed, and not with which exit code".to_owned(),
            ),
        },
        Where::Stopped(..) if ended_by_us => Exit::Code { code: 128 + 15 },
        Where::Stopped(class, reason) => stopped(class, reason),
    };
    Phase::Ended { exit, ran: state.ran }
}

/// Whether more has to be asked: a job that failed with a code that the queue does not show.
pub(crate) fn needs_details(state: &JobState) -> bool {
    state.exit.is_none() && matches!(meaning(state), Where::Ended | Where::Stopped(..))
}

/// Notes down where a job's logs lie.
pub(crate) fn note(folder: &str, job: &NativeJob, id: JobId) -> String {
    let line = |path: &Option<String>| quote(path.as_deref().unwrap_or_default());
    format!(
        "mkdir -p {folder} && cd {folder} && printf '%s\\n' {} {} > {id}.new && mv {id}.new {id}",
        line(&job.stdout),
        // Both into one file is the usual way; it must not be told twice.
        line(
            &job.stderr
                .clone()
                .filter(|path| Some(path) != job.stdout.as_ref())
        ),
        folder = quote(folder),
    )
}

/// Forgets a job. Its logs are not ours.
pub(crate) fn forget(folder: &str, id: JobId) -> String {
    format!(
        "cd {} 2> /dev/null || exit 0; rm -f {id}; cd .. && rmdir {} 2> /dev/null; :",
        quote(folder),
        quote(folder)
    )
}

/// Asks how much the logs hold: `ID OUT ERR` for each job.
pub(crate) fn sizes(folder: &str, jobs: &[JobId]) -> String {
    let names: Vec<String> = jobs.iter().map(ToString::to_string).collect();
    format!(
        "cd {} 2> /dev/null || exit 0
size() {{ if [ -f \"$1\" ] && [ -r \"$1\" ]; then wc -c < \"$1\"; else echo 0; fi; }}
for job in {}; do
    [ -r \"$job\" ] || continue
    {{ IFS= read -r out; IFS= read -r err; }} < \"$job\"
    echo \"$job\" $(size \"$out\") $(size \"$err\")
done",
        quote(folder),
        names.join(" ")
    )
}

/// Reads what [`sizes`] asked for.
pub(crate) fn read_sizes(text: &str, job: JobId) -> Vec<(TargetLog, u64)> {
    let name = job.to_string();
    let of_job = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        (words.next() == Some(&name)).then_some(())?;
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    };
    match text.lines().find_map(of_job) {
        Some((out, err)) => vec![(TargetLog::Stdout, out), (TargetLog::Stderr, err)],
        None => Vec::new(),
    }
}

/// The most that is read at once: its bytes come in hexadecimal digits.
pub(crate) const MOST: usize = 256 << 10;

/// Reads a piece of a log, as hexadecimal bytes; `None` for a log that such a job has not.
pub(crate) fn piece(folder: &str, job: JobId, log: TargetLog, offset: u64, max: usize) -> Option<String> {
    let line = match log {
        TargetLog::Stdout => 1,
        TargetLog::Stderr => 2,
        TargetLog::Metrics => return None,
    };
    Some(format!(
        "path=$(sed -n {line}p {}/{job} 2> /dev/null)
[ -n \"$path\" ] && [ -f \"$path\" ] || exit 0
tail -c +{} \"$path\" 2> /dev/null | head -c {} | od -An -v -tx1",
        quote(folder),
        offset + 1,
        max.min(MOST)
    ))
}

/// Reads hexadecimal bytes.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    text.split_ascii_whitespace()
        .filter_map(|byte| u8::from_str_radix(byte, 16).ok())
        .collect()
}

/// An observation of such a job.
pub(crate) fn observation(id: JobId, phase: Phase, running: Option<Duration>, sizes: &str) -> Observation {
    Observation {
        id: adopted(id),
        elapsed: running.filter(|_| phase == Phase::Running),
        phase,
        sizes: read_sizes(sizes, id),
    }
}

/// The job that a person names; `None` for what is no name of a job.
pub(crate) fn named(native: &str) -> Option<JobId> {
    JobId::parse(native.strip_prefix("slurm:").unwrap_or(native))
}

/// The job of an adopted run's native id.
pub(crate) fn of(id: &NativeId) -> Option<JobId> {
    crate::native::adopted_of(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> JobId {
        JobId::parse(text).unwrap()
    }

    fn job(text: &str, name: &str) -> NativeJob {
        match read(id(name), text) {
            Found::Job(job) => *job,
            other => panic!("{other:?}"),
        }
    }

    const FOREIGN: &str = "JobId=12 JobName=my job UserId=ann(1000) Comment=(null) JobState=RUNNING Reason=None RunTime=00:00:09 ExitCode=0:0 NodeList=n1 Command=/home/ann/a b.sh WorkDir=/home/ann StdErr=/home/ann/slurm-12.out StdIn=/dev/null StdOut=/home/ann/slurm-12.out Power=\n-- accounting --\n";

    #[test]
    fn a_job_of_somebody_else_is_described() {
        let found = job(FOREIGN, "12");
        assert_eq!((found.owner.as_ref(), found.id.0.as_str()), (None, "slurm:12"));
        assert_eq!(
            (found.name.as_str(), found.user.as_str(), found.command.as_str()),
            ("my job", "ann", "/home/ann/a b.sh")
        );
        assert_eq!(found.stdout.as_deref(), Some("/home/ann/slurm-12.out"));
        let note = note("/r/adopted", &found, id("12"));
        assert!(
            note.contains("/home/ann/slurm-12.out '' > 12.new"),
            "one file is told once: {note}"
        );
    }

    #[test]
    fn our_own_jobs_are_known_by_their_mark() {
        let run = RunId::generate().unwrap();
        let text =
            format!("JobId=12 JobName=x JobState=RUNNING Reason=None Comment=outhaul:{run}-1  StdOut=/o\n");
        assert_eq!(job(&text, "12").owner, Some(JobOwner::Run(run.key(1))));
        let text = format!(
            "JobId=14 ArrayJobId=12 ArrayTaskId=7 JobName=x Comment=outhaul:{run}-0badcafe JobState=RUNNING Reason=None\n"
        );
        let owner = JobOwner::Element {
            array: run.clone(),
            index: 7,
        };
        assert_eq!(job(&text, "12_7").owner, Some(owner));
        assert_eq!(read(id("12"), &text), Found::Array);
        // What only accounting still knows.
        let text = format!(
            "slurm_load_jobs error: Invalid job id specified\n-- accounting --\n12|FAILED|None|n1|3:0|00:00:01|{run}-1|ann|/w\n"
        );
        let found = job(&text, "12");
        assert_eq!(
            (found.owner, found.state.as_str()),
            (Some(JobOwner::Run(run.key(1))), "FAILED")
        );
    }

    #[test]
    fn what_is_not_there_is_told_from_what_cannot_be_asked() {
        let nothing = "slurm_load_jobs error: Invalid job id specified\n-- accounting --\n";
        assert_eq!(read(id("12"), nothing), Found::Nothing);
        let trouble =
            "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n-- accounting --\n";
        assert!(matches!(read(id("12"), trouble), Found::Trouble(_)));
        for (text, is_name) in [
            ("12", true),
            ("12_3", true),
            ("slurm:12", true),
            ("", false),
            ("x", false),
            ("12;rm", false),
        ] {
            assert_eq!(named(text).is_some(), is_name, "{text}");
        }
    }

    #[test]
    fn the_end_is_what_the_scheduler_says_and_never_guessed() {
        let state = |state: &str, exit| JobState {
            state: state.into(),
            exit,
            ..JobState::default()
        };
        let exit = |state: Option<&JobState>, ours| match phase(state, ours, false) {
            Phase::Ended { exit, .. } => exit,
            other => panic!("{other:?}"),
        };
        let code = |code| Exit::Code { code };
        assert_eq!(exit(Some(&state("COMPLETED", Some((0, 0)))), false), code(0));
        assert_eq!(exit(Some(&state("FAILED", Some((3, 0)))), false), code(3));
        assert_eq!(exit(Some(&state("FAILED", Some((0, 9)))), false), code(137));
        assert_eq!(exit(Some(&state("CANCELLED", None)), true), code(143));
        let class = |exit: Exit| match exit {
            Exit::Stopped { class, reason } => (class, reason),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            class(exit(Some(&state("FAILED", None)), false)).0,
            FailureClass::User
        );
        assert_eq!(
            class(exit(Some(&state("CANCELLED", None)), false)).0,
            FailureClass::Target
        );
        assert_eq!(
            class(exit(Some(&state("TIMEOUT", None)), false)).0,
            FailureClass::User
        );
        let (found, reason) = class(exit(None, false));
        assert!(
            found == FailureClass::Target && reason.contains("not known"),
            "{reason}"
        );
        assert_eq!(phase(None, false, true), Phase::Pending { reason: None });
        assert!(needs_details(&state("FAILED", None)) && !needs_details(&state("RUNNING", None)));
    }

    #[test]
    fn sizes_and_bytes_are_read() {
        let text = "12 100 0\n12_7 5 6\n";
        assert_eq!(
            read_sizes(text, id("12_7")),
            [(TargetLog::Stdout, 5), (TargetLog::Stderr, 6)]
        );
        assert_eq!(read_sizes(text, id("13")), []);
        assert_eq!(bytes(" 68 69 0a\n ff\n"), b"hi\n\xff");
    }
}
