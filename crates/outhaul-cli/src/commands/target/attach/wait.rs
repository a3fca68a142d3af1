//! Waits until a target is attached, and says what came of it.

use std::time::Duration;

use outhaul_client::Client;
use outhaul_types::api::Target;
use outhaul_types::{ProvisioningState, exit_code};

use super::super::show;
use crate::commands::run::is_gone;
use crate::context::Context;
use crate::error::{CliError, Outcome};
use crate::output::{Spinner, clean};

/// The first pause between two looks; each further one is longer, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn until_attached(context: &Context, client: &Client, target: Target) -> Outcome {
    let printer = &context.printer;
    let name = target.name.clone();
    let target = Spinner::new(*printer, format!("attaching `{name}`"))
        .during(settled(context, client, target))
        .await?;
    if printer.json {
        printer.json(&target)?;
    }
    if let Some(error) = failure(&target) {
        return Err(error);
    }
    if !printer.json {
        printer.lines(&show::target(&target, printer.out))?;
    }
    printer.note(&format!(
        "target `{name}` is attached; `--target {name}` runs there"
    ));
    Ok(exit_code::SUCCESS)
}

/// The target once it is no longer being attached.
async fn settled(context: &Context, client: &Client, mut target: Target) -> Result<Target, CliError> {
    let mut pause = FIRST_PAUSE;
    while target.provisioning_state == ProvisioningState::Creating.as_str() {
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        target = match client.target(&target.name, context.workspace()).await {
            Ok(target) => target,
            // A server that is started again goes on with it.
            Err(error) if is_gone(&error) => {
                context.client().await?;
                target
            }
            Err(error) => return Err(error.into()),
        };
    }
    Ok(target)
}

/// Why a target was not attached.
fn failure(target: &Target) -> Option<CliError> {
    if target.provisioning_state == ProvisioningState::Succeeded.as_str() {
        return None;
    }
    let error = match &target.error {
        Some(error) => CliError::new(
            exit_code::TARGET,
            format!(
                "the target could not be attached: {}: {}",
                clean(&error.check),
                clean(&error.message)
            ),
        )
        .hint_if(error.hint.as_deref().map(clean)),
        None => CliError::new(
            exit_code::TARGET,
            format!(
                "the target could not be attached: it is `{}`",
                clean(&target.provisioning_state)
            ),
        ),
    };
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_types::target::AttachError;

    #[test]
    fn a_failed_attach_names_the_check() {
        let mut target = Target {
            name: "gpu-box".into(),
            kind: "remote".into(),
            provisioning_state: "Succeeded".into(),
            address: None,
            resource_id: None,
            slots: 1,
            running: 0,
            queued: 0,
            facts: std::collections::BTreeMap::new(),
            error: None,
            checks: Vec::new(),
            notes: Vec::new(),
        };
        assert_eq!(failure(&target), None);
        target.provisioning_state = "Failed".into();
        target.error = Some(AttachError {
            check: "login".into(),
            message: "`me` was refused".into(),
            hint: Some("give the right key".into()),
        });
        let expected = CliError::new(121, "the target could not be attached: login: `me` was refused")
            .hint("give the right key");
        assert_eq!(failure(&target), Some(expected));
        target.error = None;
        assert!(failure(&target).is_some_and(|error| error.message.ends_with("it is `Failed`")));
    }
}
