//! `outhaul deploy` and `outhaul service`.

mod keys;
mod show;
mod test;
mod wait;
mod wishes;

use outhaul_client::{Client, Follow, FollowItem};
use outhaul_types::api::{DeployService, LogQuery, ServiceChange, ServiceFilter};
use outhaul_types::service::check_service_name;
use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{WebService, exit_code};

use super::follow::{Screen, reconnect};
use super::run::new_id;
use crate::args::{DeployCommand, DeployRemote, Deployment, ServiceCommand, ServiceUpdate};
use crate::context::Context;
use crate::error::{self, CliError, Outcome};

pub(super) async fn deploy(context: &Context, command: DeployCommand) -> Outcome {
    let (target, deployment) = match command {
        DeployCommand::Local(deployment) => (LOCAL_TARGET.to_owned(), *deployment),
        DeployCommand::Remote(remote) => {
            let DeployRemote { target, deployment } = *remote;
            (target, deployment)
        }
    };
    let Deployment {
        name,
        wishes,
        id,
        overwrite,
        detach,
    } = deployment;
    check_service_name(&name).map_err(error::user)?;
    // A server of this data folder makes it before anything is put there.
    let client = context.client().await?;
    let spec = wishes::change(context, &wishes, false, &target)?;
    let request = DeployService {
        id: match id {
            Some(id) => id,
            None => new_id()?,
        },
        workspace: context.workspace().map(str::to_owned),
        name,
        target: Some(target),
        overwrite,
        spec,
    };
    let service = client.deploy_service(&request).await?;
    finish(context, &client, service, detach).await
}

pub(super) async fn run(context: &Context, command: ServiceCommand) -> Outcome {
    match command {
        ServiceCommand::List { tag, model } => {
            let filter = ServiceFilter {
                workspace: context.workspace().map(str::to_owned),
                tag,
                model,
            };
            show::list(context, &filter).await
        }
        ServiceCommand::Show { name } => show::one(context, &name).await,
        ServiceCommand::Logs { name, follow } => logs(context, &name, follow).await,
        ServiceCommand::Test {
            name,
            data,
            content_type,
            cacert,
        } => test::run(context, &name, &data, &content_type, cacert.as_deref()).await,
        ServiceCommand::Keys { name, renew } => keys::run(context, &name, renew).await,
        ServiceCommand::Reload { name, detach } => reload(context, &name, detach).await,
        ServiceCommand::Update(args) => update(context, *args).await,
        ServiceCommand::Delete { name } => delete(context, &name).await,
    }
}

async fn update(context: &Context, args: ServiceUpdate) -> Outcome {
    let client = context.client().await?;
    // So that nothing is put anywhere for a service that is not there.
    let known = client.service(context.workspace(), &args.name).await?;
    let change = wishes::change(context, &args.wishes, true, &known.target)?;
    if change == ServiceChange::default() {
        return Err(CliError::user("nothing to change is named")
            .hint("`outhaul service reload` takes up the source folder as it is now"));
    }
    let service = client
        .update_service(context.workspace(), &args.name, &change)
        .await?;
    finish(context, &client, service, args.detach).await
}

async fn reload(context: &Context, name: &str, detach: bool) -> Outcome {
    let client = context.client().await?;
    let service = client.service(context.workspace(), name).await?;
    let change = wishes::same_folder(context, &service)?;
    let service = client.update_service(context.workspace(), name, &change).await?;
    finish(context, &client, service, detach).await
}

/// Waits until what was asked for answers, unless nobody wants to wait, and tells where.
async fn finish(context: &Context, client: &Client, service: WebService, detach: bool) -> Outcome {
    let printer = &context.printer;
    let service = if detach {
        service
    } else {
        wait::until_it_answers(context, client, service).await?
    };
    if printer.json {
        printer.json(&service)?;
    } else {
        printer.lines(&service.url)?;
    }
    Ok(exit_code::SUCCESS)
}

async fn delete(context: &Context, name: &str) -> Outcome {
    let client = context.client().await?;
    let service = client.delete_service(context.workspace(), name).await?;
    wait::until_it_is_gone(context, &client, &service).await?;
    context.printer.note(&format!("service `{name}` is deleted"));
    Ok(exit_code::SUCCESS)
}

/// The log of the instance that answers, else of the one that is to, else of the one that failed.
async fn logs(context: &Context, name: &str, follow: bool) -> Outcome {
    let client = context.client().await?;
    let service = client.service(context.workspace(), name).await?;
    let instance = service.current.as_ref().or(service.next.as_ref());
    let failed = service.error.as_ref().and_then(|error| error.run.clone());
    let Some(run) = instance.map(|instance| instance.run.clone()).or(failed) else {
        context
            .printer
            .note(&format!("service `{name}` has written nothing yet"));
        return Ok(exit_code::SUCCESS);
    };
    let query = LogQuery {
        follow: Some(follow),
        ..LogQuery::default()
    };
    let mut follow = Follow::log(&client, run.as_str(), query).on_reconnect(reconnect(context));
    let mut screen = Screen::new(context.printer);
    while let Some(item) = follow.next().await? {
        if let FollowItem::Log(piece) = item {
            screen.log(&piece)?;
        }
    }
    Ok(exit_code::SUCCESS)
}
