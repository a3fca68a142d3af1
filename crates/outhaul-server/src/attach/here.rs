//! The server's own machine as the login host of a cluster: looked at as any machine, and made into a target that takes
//! runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use outhaul_driver::layers;
use outhaul_driver_local::{LocalConfig, LocalDriver};
use outhaul_driver_remote::checks;
use outhaul_host::remote::{FACTS, parse_facts};
use outhaul_host::run_dir::quote;
use outhaul_host::staging::StagingDriver as _;
use outhaul_launcher_slurm::{CLUSTER_QUESTIONS, Slurm, cluster_checks};
use outhaul_types::target::{AttachError, PackageSource};
use outhaul_types::{ApiError, ComputeTarget, TargetConfig};

use super::provision::{Found, asked, failed};
use super::remote::slurm_options;
use crate::app::App;
use crate::sdk;
use crate::targets::Target;

/// Where everything of the target lies.
fn root(app: &App, target: &ComputeTarget) -> PathBuf {
    let named = target.config.local().and_then(|local| local.folder.as_ref());
    match named {
        // As on other machines: several servers may be given one folder.
        Some(folder) => PathBuf::from(folder).join(&app.attaching.server),
        // Not by the attachment: another one of the same cluster goes on with the runs of the first.
        None => app.home.target(target.config.kind()),
    }
}

fn driver(app: &App, target: &ComputeTarget) -> Result<LocalDriver, ApiError> {
    let root = root(app, target);
    // On the same file system as the runs: the machines of the cluster need not see the data folder.
    let python = root.join("python");
    std::fs::create_dir_all(&python).map_err(|error| {
        ApiError::bad_request(format!("the folder `{}` cannot be made: {error}", root.display()))
            .with_hint("give another `--folder`")
    })?;
    LocalDriver::open(LocalConfig {
        sdk: sdk::install(&python)?,
        root,
        blobs: app.blobs.clone(),
        environment: app.attaching.server_side.environment.clone(),
        search_path: app.attaching.server_side.search_path.clone(),
        packages: app.attaching.server_side.packages.clone(),
        // Jobs are started by the scheduler alone.
        docker: PathBuf::new(),
        slots: target.slots(),
        detachable: true,
    })
    .map_err(|error| ApiError::internal(error.to_string()))
}

/// Finds out what this machine is, and what cluster it belongs to.
pub(super) async fn look(app: &App, target: &ComputeTarget) -> Result<Found, AttachError> {
    let driver = driver(app, target).map_err(|error| failed("folder", error))?;
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |since| since.as_secs_f64())
    };
    let inside = format!(
        "cd {} || exit 1\n",
        quote(&root(app, target).display().to_string())
    );
    let sent = now();
    let facts = format!("{inside}OUTHAUL_NO_INDEX=1\n{FACTS}");
    let (_, raw) = driver
        .script("look at the machine", &facts)
        .await
        .map_err(asked)?;
    let (facts, identity) = parse_facts(&raw, sent, now());
    let mut found = checks(&facts, &raw, PackageSource::Target);
    if let TargetConfig::Slurm(slurm) = &target.config {
        let questions = format!("{inside}{CLUSTER_QUESTIONS}");
        let answer = driver.script("look at the cluster", &questions).await;
        let (_, text) = answer.map_err(asked)?;
        found.extend(cluster_checks(&text, &slurm_options(slurm)));
    }
    Found::checked(facts, identity, found, None)
}

/// A target that takes runs. Nothing is asked of the cluster here.
pub(super) fn live(app: &App, target: &ComputeTarget) -> Result<Arc<Target>, ApiError> {
    let driver = driver(app, target)?;
    let TargetConfig::Slurm(slurm) = &target.config else {
        return Err(ApiError::internal(format!(
            "`{}` has no host that is reached",
            target.name
        )));
    };
    let driver = Slurm::new(driver, slurm_options(slurm));
    Ok(Target::new(&target.name, layers::standard(Arc::new(driver))))
}
