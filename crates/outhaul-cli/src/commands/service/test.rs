//! `outhaul service test`: one request, as a caller sends it.

use std::io::Read as _;

use outhaul_types::exit_code;

use crate::context::Context;
use crate::error::{CliError, Outcome};

/// The exit code for an answer that is an error.
const REFUSED: u8 = 1;

pub(super) async fn run(context: &Context, name: &str, data: &str, content_type: &str) -> Outcome {
    let body = read(context, data)?;
    let client = context.client().await?;
    let service = client.service(context.workspace(), name).await?;
    if service.spec.tls.is_some() {
        return Err(CliError::user(format!(
            "service `{name}` speaks TLS, which this command does not"
        ))
        .hint(format!(
            "`curl --cacert ROOT.pem -H 'content-type: {content_type}' -d @FILE {}/score`",
            service.url
        )));
    }
    let key = if service.spec.keys {
        Some(client.service_keys(context.workspace(), name).await?.primary)
    } else {
        None
    };
    let answer = outhaul_client::score(&service.url, key.as_deref(), content_type, body)
        .await
        .map_err(|error| {
            CliError::new(
                exit_code::TARGET,
                format!("service `{name}` does not answer at {}: {error}", service.url),
            )
            .hint(format!("`outhaul service show {name}` says where it stands"))
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
