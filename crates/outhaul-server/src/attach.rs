//! Attaching and detaching targets: what a request may ask for, and the moments at which a target changes. The machine
//! itself is looked at in `provision`, made into a driver in `remote`, and left in `detach`.

mod adopt;
mod detach;
mod here;
mod provision;
mod remote;
mod tickets;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use outhaul_types::api::AttachTarget;
use outhaul_types::id::check_name;
use outhaul_types::spark::{cluster_of, hdinsight_address};
use outhaul_types::target::HostKey;
use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{
    ApiError, ComputeTarget, ErrorCode, ProvisioningState, RemoteConfig, Run, RunId, Secret, TargetConfig,
};
use outhaul_vault::Vault;
use tokio::sync::Mutex;

pub(crate) use adopt::adopt;
pub(crate) use detach::detach;
pub(crate) use remote::scan;
pub(crate) use tickets::Tickets;

use crate::app::App;
use crate::errors::translate;
use crate::targets::Entry;

/// What attaching needs.
pub(crate) struct Attaching {
    pub(crate) vault: Vault,
    /// Name of this data folder on other machines.
    pub(crate) server: String,
    pub(crate) tickets: Tickets,
    /// Held by whoever decides which target has a machine.
    pub(crate) turn: Mutex<()>,
    /// What this machine does for targets.
    pub(crate) server_side: outhaul_driver_remote::ServerSide,
}

/// The names of the secrets that a way of logging in needs.
fn needed(config: &RemoteConfig) -> &'static [&'static str] {
    use outhaul_types::target::SshAuthentication::{Agent, Password, PrivateKey};
    match config.authentication {
        Password => &["password"],
        PrivateKey { .. } => &["private_key"],
        Agent { .. } => &[],
    }
}

/// Records a target that is being attached, and begins to look at its machine.
pub(crate) async fn attach(app: &Arc<App>, request: AttachTarget) -> Result<ComputeTarget, ApiError> {
    let AttachTarget {
        name,
        mut config,
        ticket,
        replace,
    } = request;
    check_name("target", &name).map_err(|error| ApiError::bad_request(error.to_string()))?;
    if name == LOCAL_TARGET {
        return Err(
            ApiError::bad_request("`local` is this machine, which is always attached")
                .with_hint("use another name"),
        );
    }
    check_places(&config)?;
    resolve(app, &mut config).await?;
    if let Some(host) = config.host() {
        check_config(host)?;
    }
    let secrets = match &ticket {
        Some(ticket) => app.attaching.tickets.look(ticket)?,
        None => BTreeMap::new(),
    };
    if let Some(missing) = config
        .host()
        .and_then(|host| needed(host).iter().find(|name| !secrets.contains_key(**name)))
    {
        return Err(ApiError::bad_request(format!(
            "the credential holds no `{missing}`"
        )));
    }
    let target = ComputeTarget {
        id: RunId::generate()
            .map_err(|error| ApiError::internal(error.to_string()))?
            .to_string(),
        name: name.clone(),
        config,
        state: ProvisioningState::Creating,
        error: None,
        checks: Vec::new(),
        facts: None,
        identity: None,
        aliases: Vec::new(),
        replace,
        notes: Vec::new(),
        created_at: Timestamp::now(),
    };
    let _turn = app.attaching.turn.lock().await;
    if let Ok(known) = app.targets.entry(&name) {
        let failed = known
            .record
            .filter(|record| record.state == ProvisioningState::Failed);
        match failed {
            // Nothing runs on it: trying again needs no more words.
            Some(record) => app
                .store
                .remove_target(&name, &record.id)
                .await
                .map_err(translate)?,
            None if replace => return replace_in_place(app, target, &secrets, ticket.as_deref()).await,
            None => {
                return Err(
                    ApiError::conflict(format!("there is a compute target `{name}` already"))
                        .with_hint("use another name, detach it first, or attach with `--replace`"),
                );
            }
        }
    }
    seal(app, &target, &secrets).await?;
    app.store.create_target(target.clone()).await.map_err(translate)?;
    redeem(app, ticket.as_deref());
    show(app, &target, None);
    provision::start(app, target.clone());
    Ok(target)
}

/// The same name, another way to its machine: looked at first, so that what is wrong changes nothing.
async fn replace_in_place(
    app: &Arc<App>,
    mut target: ComputeTarget,
    secrets: &BTreeMap<String, Secret>,
    ticket: Option<&str>,
) -> Result<ComputeTarget, ApiError> {
    let old = app.targets.entry(&target.name)?;
    let Some(record) = old.record else {
        return Err(ApiError::internal("a target without a record"));
    };
    let found = provision::look(app, &target, secrets).await.map_err(|error| {
        let api = ApiError::new(
            ErrorCode::Target,
            format!(
                "the target could not be attached: {}: {}",
                error.check, error.message
            ),
        );
        match error.hint {
            Some(hint) => api.with_hint(hint),
            None => api,
        }
    })?;
    let runs = active_runs(app, &record).await?;
    let same = record
        .identity
        .as_ref()
        .is_none_or(|known| known.same(&found.identity).is_some());
    if !same && !runs.is_empty() {
        return Err(ApiError::conflict(format!(
            "`{}` leads to another machine, and {} of `{}` have not ended on the one that it is now",
            target.address(),
            count(runs.len()),
            target.name
        ))
        .with_hint("wait for them or cancel them, or attach the other machine under another name"));
    }
    provision::check_unique(app, &target, &found.identity)?;
    target.aliases.clone_from(&record.aliases);
    if !runs.is_empty() {
        target.notes.push(format!(
            "{} go on, and are followed along the new way",
            count(runs.len())
        ));
    }
    provision::fill(&mut target, found);
    let live = remote::live(app, &target, secrets)?;
    seal(app, &target, secrets).await?;
    app.store
        .remove_target(&record.name, &record.id)
        .await
        .map_err(translate)?;
    app.store.create_target(target.clone()).await.map_err(translate)?;
    redeem(app, ticket);
    if let Some(old) = old.live {
        old.retired.send_replace(true);
    }
    show(app, &target, Some(live));
    adopt(app, &target).await?;
    Ok(target)
}

fn count(runs: usize) -> String {
    if runs == 1 {
        "1 run".to_owned()
    } else {
        format!("{runs} runs")
    }
}

/// Makes a target known.
pub(super) fn show(app: &App, target: &ComputeTarget, live: Option<Arc<crate::targets::Target>>) {
    app.targets.put(
        &target.name,
        Entry {
            record: Some(target.clone()),
            live,
        },
    );
}

async fn seal(app: &App, target: &ComputeTarget, secrets: &BTreeMap<String, Secret>) -> Result<(), ApiError> {
    if secrets.is_empty() {
        return Ok(());
    }
    let sealed = app
        .attaching
        .vault
        .seal(&target.id, secrets)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    app.store.put_secret(&target.id, sealed).await.map_err(translate)
}

fn redeem(app: &App, ticket: Option<&str>) {
    if let Some(ticket) = ticket {
        app.attaching.tickets.redeem(ticket);
    }
}

/// The secrets of a target.
pub(crate) async fn secrets(app: &App, target: &ComputeTarget) -> Result<BTreeMap<String, Secret>, ApiError> {
    match app.store.secret(&target.id).await.map_err(translate)? {
        None => Ok(BTreeMap::new()),
        Some(sealed) => app.attaching.vault.open(&target.id, &sealed).map_err(|error| {
            ApiError::internal(error.to_string())
                .with_hint(format!("attach `{}` again with `--replace`", target.name))
        }),
    }
}

/// Fills the address in for a target that is named by its Azure resource id.
async fn resolve(app: &App, config: &mut TargetConfig) -> Result<(), ApiError> {
    let is_spark = matches!(config, TargetConfig::Hdinsight(_));
    let Some(config) = config.host_mut() else {
        return Ok(());
    };
    let Some(id) = &config.resource_id else {
        return Ok(());
    };
    let cluster = cluster_of(id).filter(|_| is_spark);
    if is_spark && cluster.is_none() {
        return Err(ApiError::bad_request(format!("`{id}` is not the resource id of an HDInsight cluster"))
            .with_hint("it looks like /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.HDInsight/clusters/NAME"));
    }
    let parts: Vec<&str> = id.split('/').collect();
    let kind = parts
        .iter()
        .any(|part| part.eq_ignore_ascii_case("virtualMachines"));
    if !is_spark && (parts.len() < 9 || !parts[1].eq_ignore_ascii_case("subscriptions") || !kind) {
        return Err(ApiError::bad_request(format!("`{id}` is not the resource id of a virtual machine"))
            .with_hint("it looks like /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Compute/virtualMachines/NAME"));
    }
    if !config.endpoint.address.is_empty() {
        return Ok(());
    }
    let Some(known) = app.store.address(id).await.map_err(translate)? else {
        if let Some(cluster) = cluster {
            config.endpoint.address = hdinsight_address(cluster);
            return Ok(());
        }
        return Err(
            ApiError::not_found(format!("the address book does not know `{id}`"))
                .with_hint(format!("`outhaul resource map {id} ADDRESS` tells where it is")),
        );
    };
    match known.address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            let wrong =
                |_| ApiError::bad_request(format!("`{}` in the address book is no address", known.address));
            config.endpoint.port = port.parse().map_err(wrong)?;
            config.endpoint.address = host.trim_matches(['[', ']']).to_owned();
        }
        _ => config.endpoint.address = known.address,
    }
    Ok(())
}

/// A target has one host, and not two or none.
fn check_places(config: &TargetConfig) -> Result<(), ApiError> {
    match (config.host(), config.local()) {
        (Some(_), None) => Ok(()),
        (None, Some(local)) => check_place(local.folder.as_deref(), local.slots),
        _ => Err(
            ApiError::bad_request("a target needs one login host: either `host` or `local`")
                .with_hint("`local` is the server's own machine, `host` one that is reached over SSH"),
        ),
    }
}

fn check_place(folder: Option<&str>, slots: Option<u32>) -> Result<(), ApiError> {
    if let Some(problem) = folder.and_then(outhaul_host::remote::folder_problem) {
        return Err(ApiError::bad_request(problem).with_hint("give another `--folder`"));
    }
    if slots == Some(0) {
        return Err(ApiError::bad_request("a target with 0 slots would run nothing"));
    }
    Ok(())
}

fn check_config(config: &RemoteConfig) -> Result<(), ApiError> {
    for endpoint in config.jumps.iter().chain([&config.endpoint]) {
        let odd = |c: char| c.is_whitespace() || c.is_control();
        if endpoint.address.is_empty() || endpoint.address.contains(odd) {
            return Err(ApiError::bad_request(format!(
                "`{}` is no address",
                endpoint.address
            )));
        }
        if endpoint.username.is_empty() || endpoint.username.contains(odd) {
            return Err(
                ApiError::bad_request(format!("`{}` is no user's name", endpoint.username))
                    .with_hint("give it with `--username`"),
            );
        }
        if endpoint.port == 0 {
            return Err(ApiError::bad_request("0 is no port"));
        }
        let pinned = endpoint.host_key.as_ref().ok_or_else(|| {
            ApiError::bad_request(format!("no host key is given for `{endpoint}`"))
                .with_hint("`--host-key SHA256:...` gives it; `outhaul target attach` shows it")
        })?;
        check_fingerprint(&pinned.fingerprint)?;
    }
    check_place(config.folder.as_deref(), config.slots)
}

fn check_fingerprint(text: &str) -> Result<(), ApiError> {
    let body = text.strip_prefix("SHA256:").unwrap_or_default();
    if body.len() == 43
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
    {
        return Ok(());
    }
    Err(ApiError::bad_request(format!("`{text}` is no fingerprint"))
        .with_hint("it looks like `SHA256:` and 43 characters; `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the machine shows it"))
}

/// Runs of a target, and of those whose place it took, that have not ended.
pub(super) async fn active_runs(app: &App, target: &ComputeTarget) -> Result<Vec<Run>, ApiError> {
    let mut runs = app.store.active_runs().await.map_err(translate)?;
    runs.retain(|run| run.target == target.name || target.aliases.contains(&run.target));
    Ok(runs)
}

/// Pins another host key, for a machine that was set up anew.
pub(crate) async fn trust(app: &Arc<App>, name: &str, key: HostKey) -> Result<ComputeTarget, ApiError> {
    check_fingerprint(&key.fingerprint)?;
    let _turn = app.attaching.turn.lock().await;
    let entry = app.targets.entry(name)?;
    let Some(mut target) = entry.record else {
        return Err(ApiError::bad_request(
            "`local` is this machine, which has no host key",
        ));
    };
    let Some(config) = target.config.host_mut() else {
        return Err(ApiError::bad_request(format!(
            "`{name}` is reached through this machine, which has no host key"
        )));
    };
    config.endpoint.host_key = Some(key.clone());
    if let Some(identity) = &mut target.identity {
        identity.host_key = Some(key.fingerprint);
    }
    let secrets = secrets(app, &target).await?;
    let live = match entry.live {
        Some(_) => Some(remote::live(app, &target, &secrets)?),
        None => None,
    };
    app.store.put_target(target.clone()).await.map_err(translate)?;
    if let Some(old) = entry.live {
        old.retired.send_replace(true);
    }
    show(app, &target, live);
    adopt(app, &target).await?;
    Ok(target)
}

/// Takes up the targets that the store knows.
pub(crate) async fn recover(app: &Arc<App>) -> Result<(), ApiError> {
    for target in app.store.targets().await.map_err(translate)? {
        match target.state {
            ProvisioningState::Creating => {
                show(app, &target, None);
                provision::start(app, target);
            }
            ProvisioningState::Failed => show(app, &target, None),
            // One that was being detached is attached until that is asked for again.
            ProvisioningState::Succeeded | ProvisioningState::Deleting => {
                let live = match secrets(app, &target).await {
                    Ok(secrets) => remote::live(app, &target, &secrets),
                    Err(error) => Err(error),
                };
                match live {
                    Ok(live) => show(app, &target, Some(live)),
                    Err(error) => {
                        tracing::error!(target = target.name, %error, "attach.recover: the target is not attached");
                        show(app, &target, None);
                    }
                }
            }
        }
    }
    Ok(())
}
