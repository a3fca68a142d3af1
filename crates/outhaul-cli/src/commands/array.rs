//! The runs of an array until all have ended: a line for each, Ctrl-C, and the exit code.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use outhaul_client::Client;
use outhaul_types::api::{ArrayRun, RunArray};
use outhaul_types::{RunState, duration, exit_code};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, sleep_until};

use super::run::is_gone;
use crate::context::Context;
use crate::error::{CliError, Outcome};
use crate::output::{Paint, plural};

/// The first pause between two looks; each further one without news is longer, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long after the first Ctrl-C a second one cancels the runs.
const SECOND_THOUGHT: Duration = Duration::from_secs(2);

/// What comes after a submission: following, or only the id.
pub(super) async fn finish(context: &Context, client: &Client, array: RunArray, detach: bool) -> Outcome {
    let printer = &context.printer;
    if detach {
        if printer.json {
            printer.json(&array)?;
        } else {
            printer.lines(array.id.as_str())?;
        }
        return Ok(exit_code::SUCCESS);
    }
    printer.note(&format!(
        "array `{}`: {}",
        array.id,
        plural(array.runs.len() as u64, "run")
    ));
    to_the_end(context, client, array).await
}

/// Waits until all runs of an array have ended, with a line for each that has. The exit code is the highest of theirs.
pub(super) async fn to_the_end(context: &Context, client: &Client, mut array: RunArray) -> Outcome {
    let printer = &context.printer;
    let mut interrupts = signal(SignalKind::interrupt())
        .map_err(|error| CliError::system(format!("cannot watch for Ctrl-C: {error}")))?;
    let mut told = HashSet::new();
    let mut code = exit_code::SUCCESS;
    let mut pause = FIRST_PAUSE;
    let mut detach_at: Option<Instant> = None;
    let mut canceling = false;
    loop {
        for element in &array.runs {
            if !element.run.state.is_terminal() || !told.insert(element.index) {
                continue;
            }
            pause = FIRST_PAUSE;
            if !printer.json {
                printer.lines(&line(element, printer.out))?;
            }
            if element.run.state != RunState::Completed {
                let run = client.run(element.run.id.as_str()).await?;
                code = code.max(exit_code::of_run(&run));
            }
        }
        if told.len() == array.runs.len() {
            break;
        }
        tokio::select! {
            biased;
            _ = interrupts.recv() => {
                let id = &array.id;
                if detach_at.is_some() || canceling {
                    detach_at = None;
                    canceling = true;
                    printer.raw_err(format!("\nouthaul: canceling the runs of array `{id}` ...\n").as_bytes())?;
                    client.cancel_array(id.as_str()).await?;
                } else {
                    detach_at = Some(Instant::now() + SECOND_THOUGHT);
                    let short = id.short();
                    printer.raw_err(format!(
                        "\nouthaul: detached; the runs of array `{id}` go on. Press Ctrl-C again within 2 seconds to cancel them\n\
                         wait: outhaul runs wait --array {short}\ncancel: outhaul runs cancel --array {short}\n"
                    ).as_bytes())?;
                }
                continue;
            }
            () = until(detach_at) => return Ok(exit_code::DETACHED),
            () = sleep(pause) => {}
        }
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        match client.array(array.id.as_str()).await {
            Ok(now) => array = now,
            // A server that is started again goes on with them.
            Err(error) if is_gone(&error) => drop(context.client().await?),
            Err(error) => return Err(error.into()),
        }
    }
    printer.note(&summary(&array));
    if printer.json {
        printer.json(&array)?;
    }
    Ok(code)
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn line(element: &ArrayRun, paint: Paint) -> String {
    let run = &element.run;
    let mut line = format!(
        "{}  [{}]  {}",
        run.id,
        element.index,
        paint.state(run.state, run.state.as_str())
    );
    if let Some(ms) = run.ran_ms {
        line.push_str(&format!("  {}", duration::show(Duration::from_millis(ms))));
    }
    if let Some(code) = run.exit_code.filter(|code| *code != 0) {
        line.push_str(&format!("  exit code {code}"));
    }
    line
}

fn summary(array: &RunArray) -> String {
    let mut states: BTreeMap<&str, u64> = BTreeMap::new();
    for element in &array.runs {
        *states.entry(element.run.state.as_str()).or_default() += 1;
    }
    let counts: Vec<String> = states
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    format!("array `{}`: {}", array.id, counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use outhaul_types::api::RunSummary;

    #[test]
    fn ends_are_told_in_a_line_each() {
        let element = |index, state, ran_ms, exit_code| ArrayRun {
            index,
            run: RunSummary {
                id: "k3v9x2m4q7t0b8wz".parse().unwrap(),
                name: "train".into(),
                state,
                target: "hpc".into(),
                experiment: "e".into(),
                created_at: Timestamp::UNIX_EPOCH,
                started_at: None,
                ended_at: None,
                ran_ms,
                tags: [].into(),
                failure_class: None,
                exit_code,
            },
        };
        let runs = vec![
            element(7, RunState::Completed, Some(2_100), Some(0)),
            element(8, RunState::Failed, Some(100), Some(3)),
            element(9, RunState::Completed, None, Some(0)),
        ];
        let lines: Vec<String> = runs.iter().map(|run| line(run, Paint(false))).collect();
        assert_eq!(
            lines,
            [
                "k3v9x2m4q7t0b8wz  [7]  Completed  2.1s",
                "k3v9x2m4q7t0b8wz  [8]  Failed  0.1s  exit code 3",
                "k3v9x2m4q7t0b8wz  [9]  Completed",
            ]
        );
        let array = RunArray {
            id: "k3v9x2m4q7t0b8wz".parse().unwrap(),
            array: "7-9".into(),
            runs,
        };
        assert_eq!(summary(&array), "array `k3v9x2m4q7t0b8wz`: 2 Completed, 1 Failed");
    }
}
