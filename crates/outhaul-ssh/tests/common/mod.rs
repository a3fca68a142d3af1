//! What the tests of connections share.
#![expect(dead_code, reason = "each test file uses a part of it")]

use std::time::Duration;

use outhaul_ssh::{Credential, Hop, HostKeyPolicy, Route, ServerKey};
use outhaul_testkit::sshd::Sshd;
use outhaul_types::Secret;
use outhaul_types::target::HostKey;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A secret.
pub fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// A key credential.
pub fn key(text: &str) -> Credential {
    Credential::PrivateKey {
        key: secret(text),
        passphrase: None,
        certificate: None,
    }
}

/// The server's pinned key.
pub fn pinned(server: &Sshd) -> HostKeyPolicy {
    let shown = ServerKey::parse(&server.host_keys()[0]).expect("a public key");
    HostKeyPolicy::Pinned(HostKey {
        fingerprint: shown.fingerprint(),
        algorithm: shown.algorithm(),
        authority: None,
    })
}

/// The server, with a credential.
pub fn hop(server: &Sshd, credential: Credential) -> Hop {
    Hop {
        address: "127.0.0.1".to_owned(),
        port: server.port(),
        username: server.username().to_owned(),
        credential,
        host_key: pinned(server),
    }
}

/// A route to one server by its usual key.
pub fn route(server: &Sshd) -> Route {
    Route::new(vec![hop(server, key(server.client_key()))])
}

/// The same route through another port.
pub fn through(server: &Sshd, port: u16) -> Route {
    let mut route = route(server);
    route.hops[0].port = port;
    route
}

/// Waits for a condition.
pub async fn until(what: &str, done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "{what}");
}
