//! `outhaul target attach remote`: the credential is handed over, the host keys are looked at, the target is attached and
//! waited for. What is wrong with the request is found before a server is started.

mod credential;
mod host_key;
mod key_file;
mod known_hosts;
mod place;
mod secrets;
mod ssh_config;
mod wait;

use outhaul_client::Client;
use outhaul_types::api::AttachTarget;
use outhaul_types::id::check_name;
use outhaul_types::spark::{HdinsightConfig, cluster_of, hdinsight_address};
use outhaul_types::target::{HostKey, LocalHost, SlurmConfig, SshEndpoint};
use outhaul_types::{RemoteConfig, TargetConfig, exit_code};

use crate::args::{AttachHdinsight, AttachRemote, AttachSlurm};
use crate::context::Context;
use crate::env_vars;
use crate::error::{self, Outcome};
use credential::Around;
use host_key::Scanner;

/// `outhaul target attach slurm`: the login host in the same way, with what the cluster is to be told.
pub(super) async fn slurm(context: &Context, args: &AttachSlurm) -> Outcome {
    let config = |host, local| {
        TargetConfig::Slurm(SlurmConfig {
            host,
            local,
            partition: args.partition.clone(),
            account: args.account.clone(),
            qos: args.qos.clone(),
        })
    };
    if !args.local {
        return run(context, &args.host, |host| config(Some(host), None)).await;
    }
    check_name("target", &args.host.name).map_err(error::user)?;
    let local = LocalHost {
        folder: args.host.folder.clone(),
        slots: args.host.slots,
    };
    let client = context.client().await?;
    attach(context, &client, &args.host, config(None, Some(local)), None).await
}

/// `outhaul target attach hdinsight`: the host that submits in the same way, with what Spark is to be told.
pub(super) async fn hdinsight(context: &Context, args: &AttachHdinsight) -> Outcome {
    let mut host = args.host.clone();
    if let Some(cluster) = &args.cluster_name {
        host.address = Some(hdinsight_address(cluster));
    }
    run(context, &host, |host| {
        let of_id = host
            .resource_id
            .as_deref()
            .and_then(cluster_of)
            .map(str::to_owned);
        TargetConfig::Hdinsight(HdinsightConfig {
            cluster_name: args.cluster_name.clone().or(of_id),
            host,
            master: args.master.clone(),
            deploy_mode: args.deploy_mode.map(Into::into),
            spark_home: args.spark_home.clone(),
        })
    })
    .await
}

pub(super) async fn remote(context: &Context, args: &AttachRemote) -> Outcome {
    run(context, args, TargetConfig::Remote).await
}

async fn run(
    context: &Context,
    args: &AttachRemote,
    kind: impl FnOnce(RemoteConfig) -> TargetConfig,
) -> Outcome {
    check_name("target", &args.name).map_err(error::user)?;
    let home = env_vars::get(env_vars::HOME).map(std::path::PathBuf::from);
    let alias = match &args.ssh_config {
        Some(name) => Some(ssh_config::resolve(name).await?),
        None => None,
    };
    let place = place::of(
        args,
        alias.as_ref(),
        env_vars::get(env_vars::USER).and_then(|user| user.into_string().ok()),
    )?;
    let around = Around::here(alias.as_ref().map(|alias| &alias.machine), home.as_deref());
    let choice = credential::choose(args, &around, std::path::Path::is_file)?;
    let handed = secrets::read(context, args, choice)?;
    let known_hosts = known_hosts::text(alias.as_ref().map(|alias| &alias.machine), home.as_deref());

    let client = context.client().await?;
    let machine = place.resolve(&client).await?;
    let ticket = match handed.secrets.is_empty() {
        true => None,
        false => Some(client.hand_over(&handed.secrets).await?.ticket),
    };
    let scanner = Scanner {
        context,
        client: &client,
        authentication: &handed.authentication,
        ticket: ticket.as_deref(),
        known_hosts: &known_hosts,
        yes: args.yes,
    };
    let mut jumps: Vec<SshEndpoint> = Vec::new();
    for jump in place.jumps {
        let key = scanner.key(&jump, &jumps, false).await?;
        jumps.push(SshEndpoint {
            host_key: Some(key),
            ..jump
        });
    }
    let host_key = match &args.host_key {
        Some(fingerprint) => HostKey {
            fingerprint: fingerprint.clone(),
            algorithm: String::new(),
            authority: None,
        },
        None => scanner.key(&machine, &jumps, true).await?,
    };
    let config = kind(RemoteConfig {
        endpoint: SshEndpoint {
            // The server looks a resource's address up itself, and again when it has changed.
            address: match args.resource_id {
                Some(_) => String::new(),
                None => machine.address,
            },
            host_key: Some(host_key),
            ..machine
        },
        authentication: handed.authentication,
        jumps,
        resource_id: args.resource_id.clone(),
        folder: args.folder.clone(),
        packages: args.packages.into(),
        slots: args.slots,
    });
    attach(context, &client, args, config, ticket).await
}

/// Attaches what was found out, and waits for it unless that is not wanted.
async fn attach(
    context: &Context,
    client: &Client,
    args: &AttachRemote,
    config: TargetConfig,
    ticket: Option<String>,
) -> Outcome {
    let attach = AttachTarget {
        name: args.name.clone(),
        config,
        ticket,
        replace: args.replace,
    };
    let target = client.attach_target(&attach).await?;
    if args.no_wait {
        if context.printer.json {
            context.printer.json(&target)?;
        } else {
            context.printer.note(&format!(
                "target `{0}` is being attached; `outhaul target show {0}` tells how far it is",
                target.name
            ));
        }
        return Ok(exit_code::SUCCESS);
    }
    wait::until_attached(context, client, target).await
}
