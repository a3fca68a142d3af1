//! Waiting for a service: until what was asked for answers, or until it is gone.

use std::time::Duration;

use outhaul_client::{Client, ClientError};
use outhaul_types::{ErrorCode, Run, ServiceState, WebService};

use crate::context::Context;
use crate::error::{CliError, code_of};
use crate::output::Spinner;

/// Between two looks: short at first, since a service may be up in a blink.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(500);

/// Waits until the generation of `service` answers.
pub(super) async fn until_it_answers(
    context: &Context,
    client: &Client,
    service: WebService,
) -> Result<WebService, CliError> {
    let wanted = service.generation;
    let text = format!("bringing up service `{}`", service.name);
    let up = async {
        let mut now = service;
        let mut pause = FIRST;
        while now.is_changing() && now.generation == wanted {
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST);
            now = client.service(Some(&now.workspace), &now.name).await?;
        }
        Ok::<_, ClientError>(now)
    };
    let now = Spinner::new(context.printer, text).during(up).await?;
    // An error that is there now is of the generation that was asked for: one that comes up takes it away.
    let Some(error) = now.error.clone() else {
        return Ok(now);
    };
    if now.generation != wanted {
        return Ok(now);
    }
    let what = if now.state == ServiceState::Healthy {
        format!("service `{}` stays as it was: {}", now.name, error.message)
    } else {
        format!("service `{}` did not come up: {}", now.name, error.message)
    };
    let log = error.log.trim_end();
    let text = if log.is_empty() {
        what
    } else {
        format!("{what}\n{log}")
    };
    let run = match &error.run {
        Some(run) => client.run(run.as_str()).await.ok(),
        None => None,
    };
    Err(of_class(run.as_ref(), text).hint(format!("`outhaul service logs {}` has all of it", now.name)))
}

fn of_class(run: Option<&Run>, text: String) -> CliError {
    let class = run
        .and_then(|run| run.failure.as_ref())
        .map(|failure| failure.class);
    match class {
        Some(class) => CliError::new(code_of(class), text),
        None => CliError::user(text),
    }
}

/// Waits until the service is not there any more.
pub(super) async fn until_it_is_gone(
    context: &Context,
    client: &Client,
    service: &WebService,
) -> Result<(), CliError> {
    let text = format!("service `{}` answers what it still has", service.name);
    let gone = async {
        let mut pause = FIRST;
        loop {
            match client.service(Some(&service.workspace), &service.name).await {
                Ok(now) if now.id == service.id => {}
                Ok(_) => return Ok(()),
                Err(ClientError::Api(error)) if error.code == ErrorCode::NotFound => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST);
        }
    };
    Spinner::new(context.printer, text).during(gone).await
}
