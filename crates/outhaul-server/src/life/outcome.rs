//! How a run ends, by the evidence. Pure.

use outhaul_types::{Exit, Failure, FailureClass, Run, RunEventKind};

/// The event that ends a run whose process has ended.
pub(super) fn outcome(run: &Run) -> RunEventKind {
    if run.cancel.is_some() {
        return RunEventKind::Canceled;
    }
    let failure = match &run.exit {
        Some(Exit::Code { code: 0 }) => return RunEventKind::Completed,
        Some(Exit::Code { code }) => script_failed(run, *code),
        Some(Exit::Vanished { reason }) => {
            Failure::new(FailureClass::Target, reason.clone()).with_hint(format!(
                "`outhaul runs rerun {}` runs the same code and environment again",
                run.id.short()
            ))
        }
        Some(Exit::Stopped { class, reason }) => Failure::new(*class, reason.clone()).with_hint(format!(
            "`outhaul runs logs {}` shows what it printed until then",
            run.id.short()
        )),
        None => Failure::new(FailureClass::System, "the run ended without evidence of its end"),
    };
    RunEventKind::Failed { failure }
}

fn script_failed(run: &Run, code: i32) -> Failure {
    let logs = format!("`outhaul runs logs {}` shows what it printed", run.id.short());
    let (what, hint) = match code {
        126 => (
            "exit code 126: the command could not be executed".to_owned(),
            logs,
        ),
        127 => ("exit code 127: the command was not found".to_owned(), logs),
        129.. => match signal(code - 128) {
            Some("SIGKILL") => (
                "it was killed by SIGKILL".to_owned(),
                format!("often that is the system running out of memory; {logs}"),
            ),
            Some(name) => (format!("it was ended by {name}"), logs),
            None => (format!("exit code {code}"), logs),
        },
        _ => (format!("exit code {code}"), logs),
    };
    Failure::new(FailureClass::User, format!("the script failed: {what}")).with_hint(hint)
}

/// The usual name of a signal (POSIX numbers where POSIX has them, Linux ones else).
fn signal(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}
