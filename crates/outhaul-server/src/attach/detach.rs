//! Detaching a target: nothing runs on it, and nothing of ours stays there.

use std::sync::Arc;
use std::time::Duration;

use outhaul_store::StoreError;
use outhaul_types::api::Detached;
use outhaul_types::{ApiError, ErrorCode, ProvisioningState};

use super::{active_runs, count};
use crate::app::App;
use crate::errors::translate;
use crate::services;

/// How long detaching waits for a machine that has to be cleaned.
const CLEANING: Duration = Duration::from_secs(120);

/// Detaches a target, leaving nothing of ours on it; with `forget` without asking it.
pub(crate) async fn detach(app: &Arc<App>, name: &str, forget: bool) -> Result<Detached, ApiError> {
    let _turn = app.attaching.turn.lock().await;
    let entry = app.targets.entry(name)?;
    let Some(mut target) = entry.record else {
        return Err(ApiError::bad_request(
            "`local` is this machine, which is always attached",
        ));
    };
    if let Some(first) = services::on_target(app, &target).await?.first() {
        return Err(
            ApiError::conflict(format!("the web service `{first}` runs on `{name}`"))
                .with_hint(format!("`outhaul service delete {first}` ends it")),
        );
    }
    let runs = active_runs(app, &target).await?;
    if let Some(first) = runs.first() {
        return Err(ApiError::conflict(format!(
            "{} of `{name}` {} not ended",
            count(runs.len()),
            if runs.len() == 1 { "has" } else { "have" }
        ))
        .with_hint(format!(
            "wait for them, or end them: `outhaul runs cancel {}`",
            first.id.short()
        )));
    }
    let folder = target.facts.as_ref().map(|facts| facts.folder.clone());
    let mut detached = Detached {
        name: name.to_owned(),
        removed: Vec::new(),
        left: Vec::new(),
    };
    match (&entry.live, &folder) {
        (Some(live), Some(_)) if !forget => {
            target.state = ProvisioningState::Deleting;
            app.store.put_target(target.clone()).await.map_err(translate)?;
            let removed = tokio::time::timeout(CLEANING, live.driver.detach()).await;
            let removed = removed.unwrap_or_else(|_| {
                let message = format!("no answer within {} s", CLEANING.as_secs());
                Err(outhaul_driver::DriverError::temporary(
                    outhaul_driver::ErrorKind::Unreachable,
                    "detach the target",
                    message,
                ))
            });
            match removed {
                Ok(removed) => detached.removed = removed,
                Err(error) => {
                    target.state = ProvisioningState::Succeeded;
                    app.store.put_target(target.clone()).await.map_err(translate)?;
                    return Err(ApiError::new(
                        ErrorCode::Target,
                        format!("`{name}` stays attached: {error}"),
                    )
                    .with_hint(format!(
                        "if the machine is gone for good: `outhaul target detach {name} --forget`"
                    )));
                }
            }
        }
        (_, Some(folder)) => detached
            .left
            .push(format!("the folder `{folder}` on `{}`", target.address())),
        (_, None) => {}
    }
    match app.store.remove_target(name, &target.id).await {
        Ok(()) | Err(StoreError::NotFound { .. }) => {}
        Err(error) => return Err(translate(error)),
    }
    if let Some(live) = entry.live {
        live.retired.send_replace(true);
    }
    app.targets.remove(name);
    Ok(detached)
}
