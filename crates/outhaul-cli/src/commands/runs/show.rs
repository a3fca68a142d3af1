//! `outhaul runs show`: all that is known of a run.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use outhaul_types::{Command, Exit, Interpreter, Run, RunSpec, duration, exit_code};

use crate::context::Context;
use crate::error::Outcome;
use crate::output::{Paint, ago, clean, fields, moment, plural, shell_words, size};

pub(super) async fn run(context: &Context, run: &str) -> Outcome {
    let printer = &context.printer;
    let run = context.client().await?.run(run).await?;
    if printer.json {
        printer.json(&run)?;
    } else {
        printer.lines(&show(&run, Timestamp::now(), &TimeZone::system(), printer.out))?;
    }
    Ok(exit_code::SUCCESS)
}

fn show(run: &Run, now: Timestamp, zone: &TimeZone, paint: Paint) -> String {
    let clean = |text: &str| {
        text.lines()
            .map(|line| clean(line).into_owned())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let mut pairs: Vec<(&str, String)> = vec![
        ("id", run.id.to_string()),
        ("name", clean(&run.name)),
        (
            "state",
            format!(
                "{} since {}",
                paint.state(run.state, run.state.as_str()),
                moment(run.state_since, now, zone)
            ),
        ),
    ];
    if let Some(waiting) = &run.waiting {
        pairs.push((
            "waits for",
            format!(
                "{}\nsince {}",
                clean(&waiting.reason),
                moment(waiting.since, now, zone)
            ),
        ));
        pairs.push(("moved by", clean(&waiting.moved_by)));
    }
    if let Some(lost) = &run.contact_lost {
        let seen = moment(lost.last_seen, now, zone);
        pairs.push((
            "contact lost",
            format!("{}\nlast seen {seen}; the run is not lost", clean(&lost.reason)),
        ));
    }
    if let Some(failure) = &run.failure {
        pairs.push((
            "failure",
            paint.bad(&format!("{}: {}", failure.class, clean(&failure.message))),
        ));
        if let Some(hint) = &failure.hint {
            pairs.push(("hint", clean(hint)));
        }
    }
    if let Some(cancel) = &run.cancel {
        let who = match cancel.reason {
            outhaul_types::CancelReason::User => "by a person",
            outhaul_types::CancelReason::MaxDuration => "by its --max-duration",
        };
        pairs.push(("canceled", format!("{who}, {}", ago(cancel.at, now))));
    }
    match &run.exit {
        Some(Exit::Code { code }) => pairs.push(("exit code", code.to_string())),
        Some(Exit::Vanished { reason }) => pairs.push((
            "process",
            format!("gone without an exit record: {}", clean(reason)),
        )),
        Some(Exit::Stopped { reason, .. }) => pairs.push(("process", clean(reason))),
        None => {}
    }
    pairs.push(("target", run.target.clone()));
    pairs.push(("experiment", run.experiment.clone()));
    pairs.push(("workspace", run.workspace.clone()));
    pairs.push(("created", moment(run.created_at, now, zone)));
    if let Some(at) = run.started_at {
        pairs.push(("started", moment(at, now, zone)));
    }
    if let Some(at) = run.ended_at {
        pairs.push(("ended", moment(at, now, zone)));
    }
    if let Some(took) = run.duration(now) {
        pairs.push(("duration", duration::show(took)));
    }
    if run.attempt > 1 {
        pairs.push(("attempt", run.attempt.to_string()));
    }
    if let Some(native) = &run.native_id {
        pairs.push(("id on target", clean(native)));
    }
    if let Some(array) = run.spec.as_ref().and_then(|spec| spec.array.as_ref()) {
        let runs = plural(u64::from(array.count), "run");
        pairs.push((
            "array",
            format!(
                "{}, index {} of {} ({runs})",
                array.id,
                array.index,
                clean(&array.of)
            ),
        ));
    }
    if let Some(parent) = &run.parent {
        pairs.push(("child of", parent.to_string()));
    }
    for (name, value) in &run.tags {
        pairs.push(("tag", clean(&format!("{name}={value}"))));
    }
    for (name, value) in &run.properties {
        pairs.push(("property", clean(&format!("{name}={value}"))));
    }
    if let Some(spec) = &run.spec {
        of_spec(&mut pairs, spec);
    }
    if let Some(id) = &run.environment_id {
        pairs.push(("environment id", id.clone()));
    }
    fields(&pairs, paint)
}

fn of_spec(pairs: &mut Vec<(&str, String)>, spec: &RunSpec) {
    if let Some(job) = &spec.adopted {
        pairs.push((
            "adopted",
            format!("job {}, which was not submitted by Outhaul", clean(job)),
        ));
        if let Command::Program { argv } = &spec.command {
            pairs.push(("command", clean(&argv.join(" ")).into_owned()));
        }
        return;
    }
    let command = match &spec.command {
        Command::Script { script, arguments } => {
            let words: Vec<&str> = std::iter::once(script)
                .chain(arguments)
                .map(String::as_str)
                .collect();
            shell_words(&words)
        }
        Command::Program { argv } => shell_words(argv),
    };
    pairs.push(("command", clean(&command).into_owned()));
    let snapshot = &spec.snapshot;
    let code = format!(
        "{}, {} from {}",
        plural(snapshot.files, "file"),
        size(snapshot.bytes),
        clean(&snapshot.source)
    );
    pairs.push(("code", code));
    if let Some(git) = &snapshot.git {
        let branch = git
            .branch
            .as_ref()
            .map(|branch| format!(" on {branch}"))
            .unwrap_or_default();
        let dirty = if git.dirty {
            ", with changes that are not committed"
        } else {
            ""
        };
        pairs.push((
            "git commit",
            clean(&format!("{}{branch}{dirty}", git.commit)).into_owned(),
        ));
    }
    let environment = match (&spec.environment_name, &spec.environment.interpreter) {
        (Some(name), _) => name.clone(),
        (None, Interpreter::UserManaged { python }) => format!("{python}, as it is"),
        (None, Interpreter::Managed { version }) => {
            let packages = spec.environment.pip.len() + spec.environment.conda.len();
            let python = version
                .as_ref()
                .map_or_else(|| "any Python 3".to_owned(), |v| format!("Python {v}"));
            format!("{python} with {} named", plural(packages as u64, "package"))
        }
    };
    pairs.push(("environment", clean(&environment).into_owned()));
    if !spec.variables.is_empty() {
        // Names only: values may be secrets.
        pairs.push((
            "variables",
            spec.variables.keys().cloned().collect::<Vec<_>>().join(", "),
        ));
    }
    if let Some(seconds) = spec.max_duration_seconds {
        pairs.push(("max duration", duration::show(Duration::from_secs(seconds))));
    }
    if let Some(other) = &spec.rerun_of {
        pairs.push(("repeats", other.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_types::{EnvironmentSpec, GitState, NewRun, RunEventKind as E, SnapshotRef, Waiting};

    #[test]
    fn a_waiting_run_says_for_what_and_what_would_move_it() {
        let at = Timestamp::from_second(1_000).unwrap();
        let new = NewRun {
            id: "k3v9x2m4q7t0b8wz".parse().unwrap(),
            name: "train".into(),
            workspace: "default".into(),
            experiment: "ridge".into(),
            target: "local".into(),
            tags: [("try".into(), "2".into())].into(),
            parent: None,
            spec: Some(RunSpec {
                command: Command::Script {
                    script: "train.py".into(),
                    arguments: vec!["a b".into()],
                },
                snapshot: SnapshotRef {
                    tree: "t".into(),
                    files: 2,
                    bytes: 1_500,
                    source: "/src".into(),
                    git: Some(GitState {
                        commit: "abc".into(),
                        branch: Some("main".into()),
                        dirty: true,
                    }),
                },
                environment: EnvironmentSpec::default(),
                environment_lock: None,
                environment_name: Some("sk:2".into()),
                variables: [("TOKEN".into(), "secret".into())].into(),
                max_duration_seconds: Some(60),
                resources: Default::default(),
                array: None,
                adopted: None,
                spark: None,
                rerun_of: None,
                service: None,
            }),
        };
        let (mut run, _) = Run::submitted(new, at);
        run.apply(E::Queued, at).unwrap();
        let waiting = Waiting {
            since: at,
            reason: "all 2 slots are busy".into(),
            moved_by: "the end of a run".into(),
        };
        run.apply(
            E::Waiting {
                waiting: Some(waiting),
            },
            at,
        )
        .unwrap();
        let now = Timestamp::from_second(1_065).unwrap();
        let text = show(&run, now, &TimeZone::UTC, Paint(false));
        let expected = "\
id            k3v9x2m4q7t0b8wz
name          train
state         Queued since 1970-01-01 00:16:40 UTC (1m ago)
waits for     all 2 slots are busy
              since 1970-01-01 00:16:40 UTC (1m ago)
moved by      the end of a run
target        local
experiment    ridge
workspace     default
created       1970-01-01 00:16:40 UTC (1m ago)
tag           try=2
command       train.py 'a b'
code          2 files, 1.5 KB from /src
git commit    abc on main, with changes that are not committed
environment   sk:2
variables     TOKEN
max duration  1m
";
        assert_eq!(text, expected);
    }
}
