//! `outhaul service test`: one request, as a caller sends it.

use std::io::Read as _;
use std::path::Path;

use outhaul_client::Trust;
use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{WebService, exit_code};

use crate::context::Context;
use crate::error::{CliError, Outcome};

/// The exit code for an answer that is an error.
const REFUSED: u8 = 1;

pub(super) async fn run(
    context: &Context,
    name: &str,
    data: &str,
    content_type: &str,
    cacert: Option<&Path>,
) -> Outcome {
    let body = read(context, data)?;
    let client = context.client().await?;
    let service = client.service(context.workspace(), name).await?;
    let trust = trust(context, &service, cacert)?;
    let key = if service.spec.keys {
        Some(client.service_keys(context.workspace(), name).await?.primary)
    } else {
        None
    };
    let answer = outhaul_client::score(&service.url, &trust, key.as_deref(), content_type, body)
        .await
        .map_err(|error| {
            CliError::new(
                exit_code::TARGET,
                format!("service `{name}` does not answer at {}: {error}", service.url),
            )
            .hint(format!(
                "`outhaul service show {name}` says where it stands; `outhaul service reload {name}` takes up a renewed \
                 certificate"
            ))
        })?;
    let printer = &context.printer;
    printer.raw(&answer.body)?;
    if !answer.body.ends_with(b"\n") {
        printer.raw(b"\n")?;
    }
    if answer.status == 200 {
        return Ok(exit_code::SUCCESS);
    }
    printer.note(&format!("the answer has status {}", answer.status));
    Ok(REFUSED)
}

/// The service's own certificate can be read by who has it on this machine. Else it is trusted as by other callers.
fn trust(context: &Context, service: &WebService, cacert: Option<&Path>) -> Result<Trust, CliError> {
    let wrong = |file: &str, error| CliError::user(format!("`{file}` {error}"));
    if let Some(file) = cacert {
        let name = file.display().to_string();
        let pem = std::fs::read(context.here.join(file))
            .map_err(|error| CliError::user(format!("`{name}` cannot be read: {error}")))?;
        return Trust::roots(&pem).map_err(|error| wrong(&name, error));
    }
    match &service.spec.tls {
        // A path of another machine means nothing here.
        Some(tls) if service.target == LOCAL_TARGET => match std::fs::read(&tls.certificate) {
            Ok(pem) => Trust::exactly(&pem).map_err(|error| wrong(&tls.certificate, error)),
            Err(_) => Ok(Trust::system()),
        },
        _ => Ok(Trust::system()),
    }
}

fn read(context: &Context, data: &str) -> Result<Vec<u8>, CliError> {
    if data == "-" {
        let mut body = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut body)
            .map_err(|error| CliError::user(format!("standard input cannot be read: {error}")))?;
        return Ok(body);
    }
    std::fs::read(context.here.join(data))
        .map_err(|error| CliError::user(format!("`{data}` cannot be read: {error}")))
}
