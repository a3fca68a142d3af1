//! `outhaul runs rerun` and `outhaul rerun`.

use outhaul_types::api::Rerun;
use outhaul_types::id::check_name;

use crate::args::RerunArgs;
use crate::commands::run::{finish, is_gone, new_id};
use crate::context::Context;
use crate::error::{self, Outcome};

pub(super) async fn run(context: &Context, args: &RerunArgs) -> Outcome {
    if let Some(target) = &args.on {
        check_name("target", target).map_err(error::user)?;
    }
    let rerun = Rerun {
        id: new_id()?,
        target: args.on.clone(),
    };
    let client = context.client().await?;
    let run = match client.rerun(&args.run, &rerun).await {
        // The id makes it one run, however often it is sent.
        Err(error) if is_gone(&error) => {
            context.client().await?;
            client.rerun(&args.run, &rerun).await?
        }
        answer => answer?,
    };
    finish(context, &client, run, args.detach).await
}
