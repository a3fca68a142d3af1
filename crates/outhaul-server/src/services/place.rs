//! Where a service runs and where callers find it.
//!
//! On this machine both are the same. A service of another machine that listens on all its addresses is called there; one
//! that listens on loopback there is called on this machine's loopback, from where the server leads the way
//! ([`super::forward`]).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{ApiError, ServiceSpec};

use crate::app::App;
use crate::targets::Entry;

/// The machine of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The address of another machine, a name or an IP address; `None` for this one.
    far: Option<String>,
}

impl Place {
    /// The machine of a target.
    ///
    /// # Errors
    /// For a target that is not attached, keeps no services, or whose machine cannot run this program.
    pub(super) fn of(app: &App, target: &str) -> Result<Self, ApiError> {
        if target == LOCAL_TARGET {
            return Ok(Self { far: None });
        }
        let live = app.targets.get(target)?;
        if !live.driver.capabilities().services {
            let kind = live.driver.kind();
            return Err(ApiError::bad_request(format!(
                "target `{target}` serves no models: web services run on machines, and it is of the kind {kind}"
            ))
            .with_hint("deploy to this machine (`deploy local`) or to a target of the kind remote"));
        }
        let entry = app.targets.entry(&live.name)?;
        check_program(target, &entry)?;
        let record = entry.record.as_ref();
        let host = record.and_then(|record| record.config.host());
        Ok(Self {
            far: Some(host.map_or_else(|| target.to_owned(), |host| host.endpoint.address.clone())),
        })
    }

    /// Whether callers come to this machine.
    pub(super) fn is_called_here(&self, host: &str) -> bool {
        self.far.is_none() || host.parse().is_ok_and(|host: IpAddr| host.is_loopback())
    }

    /// Where it answers.
    pub(super) fn url(&self, spec: &ServiceSpec) -> String {
        let host = match (spec.host.parse::<IpAddr>(), &self.far) {
            (Ok(address), Some(far)) if address.is_unspecified() => match far.parse() {
                Ok(address) => bracketed(address),
                Err(_) => far.clone(),
            },
            // Everywhere, so also here.
            (Ok(address), None) if address.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
            (Ok(address), _) => bracketed(address),
            (Err(_), _) => spec.host.clone(),
        };
        let scheme = if spec.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{host}:{}", spec.port)
    }

    /// The address that the server leads from: the same on this machine as on the service's. `None` where callers need
    /// nobody.
    pub(super) fn way(&self, spec: &ServiceSpec) -> Option<SocketAddr> {
        let host: IpAddr = spec.host.parse().ok()?;
        (self.far.is_some() && host.is_loopback()).then(|| SocketAddr::new(host, spec.port))
    }
}

fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// The program that serves is this one, brought there.
fn check_program(target: &str, entry: &Entry) -> Result<(), ApiError> {
    let facts = entry.record.as_ref().and_then(|record| record.facts.as_ref());
    let here = std::env::consts::ARCH;
    match facts.map(|facts| facts.architecture.as_str()) {
        Some(there) if there != here && !there.is_empty() => Err(ApiError::bad_request(format!(
            "a model cannot be served on `{target}`: its processor is {there}, and the program of this machine, which is brought there, is for {here}"
        ))
        .with_hint("deploy from a machine of the same kind, or to another target")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(host: &str, tls: bool) -> ServiceSpec {
        let mut spec: ServiceSpec = serde_json::from_value(serde_json::json!({
            "models": [], "entry": "score.py", "environment": outhaul_types::EnvironmentSpec::default(),
            "source": {"tree": "", "files": 0, "bytes": 0, "source": "/x"}, "host": host, "port": 80,
            "workers": 1, "queue": 1, "timeout_seconds": 1, "max_body": 1
        }))
        .unwrap();
        spec.tls = tls.then(|| outhaul_types::service::TlsFiles {
            certificate: "/c".into(),
            key: "/k".into(),
        });
        spec
    }

    #[test]
    fn callers_are_told_where_to_call() {
        for (far, host, tls, url, way) in [
            (None, "127.0.0.1", false, "http://127.0.0.1:80", None),
            (None, "0.0.0.0", false, "http://127.0.0.1:80", None),
            (None, "::1", true, "https://[::1]:80", None),
            (None, "10.0.0.1", false, "http://10.0.0.1:80", None),
            (
                Some("box"),
                "127.0.0.1",
                true,
                "https://127.0.0.1:80",
                Some("127.0.0.1:80"),
            ),
            (Some("box"), "::1", false, "http://[::1]:80", Some("[::1]:80")),
            (Some("box"), "0.0.0.0", false, "http://box:80", None),
            (Some("fe::1"), "::", false, "http://[fe::1]:80", None),
            (Some("box"), "10.0.0.1", false, "http://10.0.0.1:80", None),
        ] {
            let place = Place {
                far: far.map(str::to_owned),
            };
            let spec = spec(host, tls);
            let way = way.map(|way: &str| way.parse().unwrap());
            assert_eq!(
                (place.url(&spec).as_str(), place.way(&spec)),
                (url, way),
                "{far:?} {host}"
            );
            assert_eq!(
                place.is_called_here(host),
                far.is_none() || way.is_some(),
                "{far:?} {host}"
            );
        }
    }
}
