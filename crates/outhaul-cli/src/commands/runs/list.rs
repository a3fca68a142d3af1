//! `outhaul runs list`.

use std::time::Duration;

use jiff::Timestamp;
use outhaul_types::api::{RunFilter, RunSummary};
use outhaul_types::{duration, exit_code};

use crate::args::RunsListArgs;
use crate::context::Context;
use crate::error::Outcome;
use crate::output::{Cell, Paint, Table, ago};

pub(super) async fn run(context: &Context, args: RunsListArgs) -> Outcome {
    let printer = &context.printer;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let filter = RunFilter {
        workspace: context.workspace().map(str::to_owned),
        experiment: args.experiment,
        target: args.target,
        state: args.state.map(|state| state.as_str().to_owned()),
        tag: args.tag,
        parent: args.parent,
        children: None,
        array: args.array,
        // One more than wanted tells whether there are more.
        limit: Some(if limit == 0 {
            0
        } else {
            args.limit.saturating_add(1)
        }),
    };
    let mut runs = context.client().await?.runs(&filter).await?;
    let more = limit != 0 && runs.len() > limit;
    if more {
        runs.truncate(limit);
    }
    if printer.json {
        printer.json(&runs)?;
    } else {
        printer.lines(&table(&runs, Timestamp::now()).show(printer.out))?;
    }
    if more {
        printer.note(&format!(
            "there are more than these {limit} runs: `--limit 0` shows all"
        ));
    }
    Ok(exit_code::SUCCESS)
}

fn table(runs: &[RunSummary], now: Timestamp) -> Table {
    let mut table = Table::new([
        "ID",
        "NAME",
        "STATE",
        "TARGET",
        "EXPERIMENT",
        "CREATED",
        "DURATION",
    ]);
    for run in runs {
        let state = run.state;
        let cell = Cell::new(state.as_str()).painted(match state {
            outhaul_types::RunState::Completed => Paint::good,
            outhaul_types::RunState::Failed => Paint::bad,
            outhaul_types::RunState::Canceled => Paint::careful,
            _ => Paint::active,
        });
        table.row([
            Cell::new(run.id.short()),
            Cell::new(run.name.as_str()),
            cell,
            Cell::new(run.target.as_str()),
            Cell::new(run.experiment.as_str()),
            Cell::new(ago(run.created_at, now)),
            Cell::right(took(run, now).map(duration::show).unwrap_or_default()),
        ]);
    }
    table
}

fn took(run: &RunSummary, now: Timestamp) -> Option<Duration> {
    if let Some(ms) = run.ran_ms {
        return Some(Duration::from_millis(ms));
    }
    let until = run.ended_at.unwrap_or(now);
    // A clock that was set back gives no negative duration.
    run.started_at
        .map(|start| Duration::try_from(until.duration_since(start)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_types::RunState;

    #[test]
    fn lines_have_short_ids_and_durations() {
        let at = Timestamp::from_second(1_000).unwrap();
        let run = |state, ran_ms| RunSummary {
            id: "k3v9x2m4q7t0b8wz".parse().unwrap(),
            name: "train-k3v9".into(),
            state,
            target: "local".into(),
            experiment: "e".into(),
            created_at: at,
            started_at: Some(at),
            ended_at: None,
            ran_ms,
            tags: [].into(),
            failure_class: None,
            exit_code: None,
        };
        let now = Timestamp::from_second(1_090).unwrap();
        let text = table(
            &[
                run(RunState::Running, None),
                run(RunState::Completed, Some(2_100)),
            ],
            now,
        )
        .show(Paint(false));
        let expected = "\
ID        NAME        STATE      TARGET  EXPERIMENT  CREATED  DURATION
k3v9x2m4  train-k3v9  Running    local   e           1m ago     1m 30s
k3v9x2m4  train-k3v9  Completed  local   e           1m ago       2.1s
";
        assert_eq!(text, expected);
    }
}
