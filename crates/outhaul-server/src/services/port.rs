//! The port that a service listens on: a free one, and nobody else's.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use outhaul_types::{ApiError, WebService};

use super::place::Place;
use crate::app::App;
use crate::errors::translate;

fn address(host: &str, port: u16) -> Result<SocketAddr, ApiError> {
    let host: IpAddr = host
        .parse()
        .map_err(|_| ApiError::bad_request(format!("`{host}` is not an IP address to listen on")))?;
    Ok(SocketAddr::new(host, port))
}

/// A port that nobody listens on now. Which ports another machine has free is not known; one that is free here is as good
/// a guess as any, and the service fails with a clear word where it is wrong.
pub(super) fn free_port(place: &Place, host: &str) -> Result<u16, ApiError> {
    let address = if place.is_called_here(host) {
        address(host, 0)?
    } else {
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0)
    };
    let listener = std::net::TcpListener::bind(address)
        .map_err(|error| ApiError::bad_request(format!("cannot listen on `{host}`: {error}")))?;
    let found = listener
        .local_addr()
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(found.port())
}

/// A port belongs to one service, and to no other program.
pub(super) async fn check_port(
    app: &App,
    place: &Place,
    service: &WebService,
    before: Option<&WebService>,
) -> Result<(), ApiError> {
    let (host, port) = (&service.spec.host, service.spec.port);
    if before.is_some_and(|before| (&before.spec.host, before.spec.port) == (host, port)) {
        return Ok(());
    }
    let is_called_here = place.is_called_here(host);
    for other in app.store.services(None).await.map_err(translate)? {
        let meets = || {
            let its = Place::of(app, &other.target);
            other.target == service.target
                || is_called_here && its.is_ok_and(|its| its.is_called_here(&other.spec.host))
        };
        if other.id != service.id && other.spec.port == port && meets() {
            return Err(ApiError::conflict(format!(
                "port {port} belongs to the web service `{}`",
                other.name
            ))
            .with_hint("choose another port with `--port`; without it a free one is taken"));
        }
    }
    if !is_called_here {
        return Ok(());
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
