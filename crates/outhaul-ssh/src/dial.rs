//! Reaching an address over TCP: all addresses of a name, each given a short start before the next is tried as well.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::error::{Phase, SshError, SshErrorKind};
use crate::route::Hop;

/// How long one address may take before the next is tried beside it.
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to a server.
pub(crate) async fn dial(hop: &Hop, limit: Duration) -> Result<TcpStream, SshError> {
    match timeout(limit, reach(hop)).await {
        Ok(result) => result,
        Err(_) => Err(SshError::new(
            SshErrorKind::Timeout(Phase::Connect),
            format!("`{hop}` did not answer within {} s", limit.as_secs_f32()),
        )
        .with_hint("see whether the machine is up, and whether a firewall drops connections to this port")),
    }
}

async fn reach(hop: &Hop) -> Result<TcpStream, SshError> {
    let addresses: Vec<SocketAddr> = lookup_host((hop.address.as_str(), hop.port))
        .await
        .map_err(|error| unknown(hop, &error.to_string()))?
        .collect();
    if addresses.is_empty() {
        return Err(unknown(hop, "it has no address"));
    }
    let mut attempts = JoinSet::new();
    for (place, address) in addresses.into_iter().enumerate() {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        attempts.spawn(async move {
            sleep(HEAD_START.saturating_mul(place)).await;
            TcpStream::connect(address).await
        });
    }
    let mut last = None;
    while let Some(attempt) = attempts.join_next().await {
        match attempt {
            Ok(Ok(stream)) => {
                stream
                    .set_nodelay(true)
                    .map_err(|error| unreachable(hop, &error))?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = Some(error),
            Err(_) => {}
        }
    }
    let error = last.unwrap_or_else(|| std::io::Error::other("no address could be tried"));
    Err(unreachable(hop, &error))
}

fn unknown(hop: &Hop, why: &str) -> SshError {
    SshError::new(
        SshErrorKind::Unreachable,
        format!("the name `{}` cannot be looked up: {why}", hop.address),
    )
    .with_hint("check the name, or give the address as a number")
}

fn unreachable(hop: &Hop, error: &std::io::Error) -> SshError {
    let hint = match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "see whether an SSH server listens at this port",
        _ => "check the address, and the network between here and there",
    };
    SshError::new(
        SshErrorKind::Unreachable,
        format!("`{hop}` cannot be reached: {error}"),
    )
    .with_hint(hint)
}
