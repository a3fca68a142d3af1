//! Where a service listens: its address, and that it is nobody else's.

use std::net::{IpAddr, SocketAddr};

use outhaul_types::{ApiError, ServiceSpec, WebService};

use crate::app::App;
use crate::errors::translate;

/// Where a service answers.
pub(super) fn url(spec: &ServiceSpec) -> String {
    let host = match spec.host.parse::<IpAddr>() {
        // Everywhere, so also here.
        Ok(address) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => spec.host.clone(),
    };
    let scheme = if spec.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{host}:{}", spec.port)
}

fn address(host: &str, port: u16) -> Result<SocketAddr, ApiError> {
    let host: IpAddr = host
        .parse()
        .map_err(|_| ApiError::bad_request(format!("`{host}` is not an IP address to listen on")))?;
    Ok(SocketAddr::new(host, port))
}

/// A port that nobody listens on now.
pub(super) fn free_port(host: &str) -> Result<u16, ApiError> {
    let listener = std::net::TcpListener::bind(address(host, 0)?)
        .map_err(|error| ApiError::bad_request(format!("cannot listen on `{host}`: {error}")))?;
    let found = listener
        .local_addr()
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(found.port())
}

/// A port belongs to one service, and to no other program.
pub(super) async fn check_port(
    app: &App,
    service: &WebService,
    before: Option<&WebService>,
) -> Result<(), ApiError> {
    let (host, port) = (&service.spec.host, service.spec.port);
    if before.is_some_and(|before| (&before.spec.host, before.spec.port) == (host, port)) {
        return Ok(());
    }
    for other in app.store.services(None).await.map_err(translate)? {
        if other.id != service.id && other.target == service.target && other.spec.port == port {
            return Err(ApiError::conflict(format!(
                "port {port} belongs to the web service `{}`",
                other.name
            ))
            .with_hint("choose another port with `--port`; without it a free one is taken"));
        }
    }
    match std::net::TcpListener::bind(address(host, port)?) {
        Ok(_) => Ok(()),
        Err(error) => Err(
            ApiError::conflict(format!("cannot listen on `{host}:{port}`: {error}")).with_hint(
                "another program may use the port: choose one with `--port`; without it a free one is taken",
            ),
        ),
    }
}
