//! `outhaul runs cancel` and `outhaul runs wait`.

use outhaul_client::{Client, Follow, FollowItem};
use outhaul_types::api::CancelAnswer;
use outhaul_types::{Run, exit_code};

use crate::args::RunsNamed;
use crate::commands::array;
use crate::commands::follow::reconnect;
use crate::context::Context;
use crate::error::{CliError, Outcome};

pub(super) async fn cancel(context: &Context, named: &RunsNamed) -> Outcome {
    let printer = &context.printer;
    let client = context.client().await?;
    let mut answers = Vec::new();
    let tell = |answer: &CancelAnswer| match printer.json {
        true => Ok(()),
        false => printer.lines(&describe(answer)),
    };
    if let Some(array) = &named.array {
        answers = client.cancel_array(array).await?;
        answers.iter().try_for_each(tell)?;
    }
    for id in ids(&client, &named.runs).await? {
        let answer = client.cancel(&id).await?;
        tell(&answer)?;
        answers.push(answer);
    }
    if printer.json {
        printer.json(&answers)?;
    }
    Ok(exit_code::SUCCESS)
}

fn describe(answer: &CancelAnswer) -> String {
    let id = &answer.id;
    if answer.already_ended {
        format!("{id}  has ended already: {}", answer.state)
    } else if answer.state.is_terminal() {
        format!("{id}  {}", answer.state)
    } else {
        format!("{id}  cancel requested; now {}", answer.state)
    }
}

pub(super) async fn wait(context: &Context, named: &RunsNamed) -> Outcome {
    let printer = &context.printer;
    let client = context.client().await?;
    if let Some(array) = &named.array {
        let array = client.array(array).await?;
        return array::to_the_end(context, &client, array).await;
    }
    let mut code = exit_code::SUCCESS;
    let mut ended = Vec::new();
    for id in ids(&client, &named.runs).await? {
        let run = wait_for(context, &client, &id).await?;
        if code == exit_code::SUCCESS {
            code = exit_code::of_run(&run);
        }
        if !printer.json {
            let state = printer.out.state(run.state, run.state.as_str());
            printer.lines(&format!("{}  {state}", run.id))?;
        }
        ended.push(run);
    }
    if printer.json {
        printer.json(&ended)?;
    }
    Ok(code)
}

/// The full ids of runs, so that one wrong name changes nothing.
async fn ids(client: &Client, runs: &[String]) -> Result<Vec<String>, CliError> {
    let mut ids = Vec::new();
    for run in runs {
        ids.push(client.run(run).await?.id.to_string());
    }
    Ok(ids)
}

async fn wait_for(context: &Context, client: &Client, id: &str) -> Result<Run, CliError> {
    let mut follow = Follow::events(client, id, 0).on_reconnect(reconnect(context));
    while let Some(item) = follow.next().await? {
        if let FollowItem::End(Some(run)) = item {
            return Ok(*run);
        }
    }
    let run = client.run(id).await?;
    if run.state.is_terminal() {
        return Ok(run);
    }
    Err(CliError::system(format!(
        "the server stopped telling about run `{id}`, which goes on"
    ))
    .hint("wait again"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_types::RunState;

    #[test]
    fn a_run_that_has_ended_is_said_so() {
        let answer = |state, already_ended| {
            describe(&CancelAnswer {
                id: "k3v9x2m4q7t0b8wz".parse().unwrap(),
                state,
                already_ended,
            })
        };
        assert_eq!(
            answer(RunState::Completed, true),
            "k3v9x2m4q7t0b8wz  has ended already: Completed"
        );
        assert_eq!(answer(RunState::Canceled, false), "k3v9x2m4q7t0b8wz  Canceled");
        assert_eq!(
            answer(RunState::CancelRequested, false),
            "k3v9x2m4q7t0b8wz  cancel requested; now CancelRequested"
        );
    }
}
