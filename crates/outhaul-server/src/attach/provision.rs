//! Looking at the machine of a target that is being attached: reached, recognised, checked, and then either attached or
//! not, with the check that failed. A server that dies on the way begins anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use outhaul_driver::{DriverError, ErrorKind};
use outhaul_driver_remote::{Link, checks, identify};
use outhaul_host::remote::Session;
use outhaul_launcher_slurm::{CLUSTER_QUESTIONS, cluster_checks};
use outhaul_launcher_spark::{spark_checks, spark_facts, spark_questions};
use outhaul_ssh::SshError;
use outhaul_types::target::{AttachError, HostKey};
use outhaul_types::{
    ApiError, Check, CheckStatus, ComputeTarget, HostFacts, HostIdentity, ProvisioningState, Secret,
    TargetConfig,
};

use super::{active_runs, adopt, count, remote, show};
use crate::app::App;
use crate::errors::translate;

/// What was found on a machine.
pub(super) struct Found {
    facts: HostFacts,
    pub(super) identity: HostIdentity,
    checks: Vec<Check>,
    /// The key that it showed; `None` for the server's own machine.
    host_key: Option<HostKey>,
}

/// Begins to look at a target's machine.
pub(super) fn start(app: &Arc<App>, target: ComputeTarget) {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let mut stopping = app.stopping.subscribe();
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => {}
            () = provision(&app, target) => {}
        }
    });
}

async fn provision(app: &Arc<App>, mut target: ComputeTarget) {
    let attached = async {
        let secrets = super::secrets(app, &target)
            .await
            .map_err(|error| failed("login", error))?;
        let found = look(app, &target, &secrets).await?;
        take(app, &mut target, &secrets, found).await
    };
    if let Err(error) = attached.await {
        tracing::info!(target = target.name, check = error.check, "attach.failed");
        target.state = ProvisioningState::Failed;
        target.error = Some(error);
        // It may have been detached or replaced meanwhile; then nobody waits for this.
        if app.store.put_target(target.clone()).await.is_ok() {
            show(app, &target, None);
        }
    }
}

pub(super) fn failed(check: &str, error: ApiError) -> AttachError {
    AttachError {
        check: check.to_owned(),
        message: error.message,
        hint: error.hint,
    }
}

fn ssh(error: SshError) -> AttachError {
    AttachError {
        check: remote::failed_check(&error.kind).to_owned(),
        message: error.message,
        hint: error.hint,
    }
}

pub(super) fn asked(error: DriverError) -> AttachError {
    let check = match error.kind {
        ErrorKind::DiskFull => "folder",
        ErrorKind::Target if error.message.contains("login shell") => "shell",
        ErrorKind::Target => "folder",
        _ => "connection",
    };
    AttachError {
        check: check.to_owned(),
        message: error.message,
        hint: error.hint,
    }
}

/// Reaches a machine, puts our files there, and finds out what it is.
pub(super) async fn look(
    app: &App,
    target: &ComputeTarget,
    secrets: &BTreeMap<String, Secret>,
) -> Result<Found, AttachError> {
    let Some(config) = target.config.host() else {
        return super::here::look(app, target).await;
    };
    let route = remote::route(config, secrets).map_err(|error| failed("login", error))?;
    let link = Link::new(&target.name, route);
    let connection = link.connection().await.map_err(ssh)?;
    let host_key = connection.host_key().clone();
    let installation = remote::installation(app, config).map_err(|error| failed("folder", error))?;
    let session = Session::new(link, installation);
    session.hello("set the target up").await.map_err(asked)?;
    let (mut facts, mut identity, raw) = identify(&session, true).await.map_err(asked)?;
    identity.host_key = Some(host_key.fingerprint.clone());
    let mut found = checks(&facts, &raw, config.packages);
    match &target.config {
        TargetConfig::Remote(_) => {}
        TargetConfig::Slurm(slurm) => {
            let text = answers(&session, CLUSTER_QUESTIONS).await?;
            found.extend(cluster_checks(&text, &remote::slurm_options(slurm)));
        }
        TargetConfig::Hdinsight(cluster) => {
            let text = answers(&session, &spark_questions(cluster)).await?;
            found.extend(spark_checks(&text, cluster));
            facts.spark = Some(spark_facts(&text));
        }
    }
    Found::checked(facts, identity, found, Some(host_key))
}

impl Found {
    /// What was found, unless a check failed.
    pub(super) fn checked(
        facts: HostFacts,
        identity: HostIdentity,
        checks: Vec<Check>,
        host_key: Option<HostKey>,
    ) -> Result<Self, AttachError> {
        if let Some(check) = checks.iter().find(|check| check.status == CheckStatus::Failed) {
            return Err(AttachError {
                check: check.name.clone(),
                message: check.message.clone(),
                hint: check.fix.clone(),
            });
        }
        Ok(Self {
            facts,
            identity,
            checks,
            host_key,
        })
    }
}

/// What a host says of its cluster.
async fn answers(session: &Session, questions: &str) -> Result<String, AttachError> {
    let said = session.script("look at the cluster", questions, b"").await;
    let (_, text) = said.map_err(asked)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Puts what was found into the record.
pub(super) fn fill(target: &mut ComputeTarget, found: Found) {
    if let (Some(config), Some(host_key)) = (target.config.host_mut(), found.host_key)
        && let Some(pinned) = &mut config.endpoint.host_key
    {
        // Only the fingerprint may have been given.
        pinned.algorithm = host_key.algorithm;
    }
    target.state = ProvisioningState::Succeeded;
    target.error = None;
    target.facts = Some(found.facts);
    target.identity = Some(found.identity);
    target.checks = found.checks;
}

/// The target, other than this one, that has the same machine, and what it was recognised by.
fn holder(
    app: &App,
    target: &ComputeTarget,
    identity: &HostIdentity,
) -> Option<(ComputeTarget, &'static str)> {
    app.targets.entries().into_iter().find_map(|(_, entry)| {
        let record = entry.record.filter(|record| record.name != target.name)?;
        let by = record.identity.as_ref()?.same(identity)?;
        Some((record, by))
    })
}

fn taken(holder: &ComputeTarget, by: &str) -> ApiError {
    ApiError::conflict(format!(
        "this machine is attached already, as `{}` ({}): recognised by its {by}",
        holder.name,
        holder.address()
    ))
    .with_hint(format!(
        "use `{0}`, or attach with `--replace` to take its place: `{0}` is then gone, and its runs go on under the new name",
        holder.name
    ))
}

/// Refuses a machine that another target has.
pub(super) fn check_unique(
    app: &App,
    target: &ComputeTarget,
    identity: &HostIdentity,
) -> Result<(), ApiError> {
    match holder(app, target, identity) {
        Some((other, by)) => Err(taken(&other, by)),
        None => Ok(()),
    }
}

/// Attaches a machine that passed: alone, so that of two attachments of one machine the second sees the first.
async fn take(
    app: &Arc<App>,
    target: &mut ComputeTarget,
    secrets: &BTreeMap<String, Secret>,
    found: Found,
) -> Result<(), AttachError> {
    let _turn = app.attaching.turn.lock().await;
    let identity = |error| failed("identity", error);
    let replaced = holder(app, target, &found.identity);
    if let Some((other, by)) = &replaced {
        if !target.replace {
            return Err(identity(taken(other, by)));
        }
        let runs = active_runs(app, other).await.map_err(identity)?;
        target.aliases.clone_from(&other.aliases);
        target.aliases.push(other.name.clone());
        target
            .notes
            .push(format!("`{}` had this machine and is gone", other.name));
        if !runs.is_empty() {
            target.notes.push(format!(
                "{} of `{}` go on, and are followed through `{}`",
                count(runs.len()),
                other.name,
                target.name
            ));
        }
    }
    fill(target, found);
    let live = remote::live(app, target, secrets).map_err(|error| failed("login", error))?;
    // Gone meanwhile (detached): nothing is attached then.
    app.store
        .put_target(target.clone())
        .await
        .map_err(|error| identity(translate(error)))?;
    if let Some((other, _)) = replaced {
        let removed = app.store.remove_target(&other.name, &other.id).await;
        removed.map_err(|error| identity(translate(error)))?;
        if let Ok(entry) = app.targets.entry(&other.name)
            && let Some(old) = entry.live
        {
            old.retired.send_replace(true);
        }
        app.targets.remove(&other.name);
    }
    show(app, target, Some(live));
    tracing::info!(target = target.name, "attach.succeeded");
    adopt(app, target).await.map_err(identity)
}
