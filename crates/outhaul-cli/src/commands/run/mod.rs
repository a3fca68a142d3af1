//! `outhaul run`: everything is looked at here first, so that a wrong request changes nothing; then snapshot, submission
//! and following.

pub(super) mod code;
mod dry_run;
pub(super) mod environment;
mod interpreter;
mod request;

use std::thread;

use outhaul_client::{Client, ClientError};
use outhaul_types::{ErrorCode, Run, RunId, exit_code};

use super::{array, follow};
use crate::args::RunArgs;
use crate::context::Context;
use crate::error::{CliError, Outcome};
use request::Request;

/// How often a submission whose answer was lost is sent again.
const TRIES: u32 = 10;

pub(super) async fn run(context: &Context, args: &RunArgs) -> Outcome {
    let request = Request::of(context, args)?;
    if args.dry_run {
        return dry_run::run(context, request).await;
    }
    // With a server at hand an interpreter's own answer is waited for last; without one nothing may be started or made
    // before everything is known to be right.
    let running = Client::connect(&context.home).await.is_ok();
    let mut request = request;
    if !running {
        request.settle(context)?;
        code::check(context, &request.source, request.script())?;
    }
    let client = context.client().await?;
    let source = request.source.clone();
    let git = thread::spawn(move || code::git(&source));
    let taken = code::take(context, &request.source, request.script())?;
    request.settle(context)?;
    let git = git.join().unwrap_or_default();
    let id = match &args.id {
        Some(id) => id.clone(),
        None => new_id()?,
    };
    let submission = request.submission(id, taken.reference(git));
    if submission.array.is_some() {
        let array = until_answered(context, || client.submit_array(&submission)).await?;
        return array::finish(context, &client, array, args.detach).await;
    }
    let run = until_answered(context, || client.submit(&submission)).await?;
    finish(context, &client, run, args.detach).await
}

/// A new run's id.
pub(super) fn new_id() -> Result<RunId, CliError> {
    RunId::generate().map_err(|error| CliError::system(format!("no random bytes for the run's id: {error}")))
}

/// Submits until there is an answer: the id makes it one run, however often it is sent.
async fn until_answered<T>(
    context: &Context,
    submit: impl AsyncFn() -> Result<T, ClientError>,
) -> Result<T, CliError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let error = match submit().await {
            Ok(submitted) => return Ok(submitted),
            Err(error) => error,
        };
        if tries == TRIES || !is_gone(&error) {
            return Err(error.into());
        }
        // Starts it again; the client connects anew by itself.
        context.client().await?;
    }
}

/// Whether the server has gone, so that it may be started again.
pub(super) fn is_gone(error: &ClientError) -> bool {
    error.is_lost_connection()
        || matches!(error, ClientError::Api(error) if error.code == ErrorCode::Stopping)
}

/// What comes after a submission: following, or only the id.
pub(super) async fn finish(context: &Context, client: &Client, run: Run, detach: bool) -> Outcome {
    let printer = &context.printer;
    if detach {
        if printer.json {
            printer.json(&run)?;
        } else {
            printer.lines(run.id.as_str())?;
        }
        return Ok(exit_code::SUCCESS);
    }
    follow::to_the_end(context, client, &run).await
}
