//! Where a connection leads and how it gets there, as data.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use outhaul_types::Secret;
use outhaul_types::target::HostKey;

use crate::known_hosts::KnownHosts;

/// How a person's identity is proved.
#[derive(Clone, Debug)]
pub enum Credential {
    /// By a password; it also answers every hidden question of keyboard-interactive.
    Password(Secret),
    /// By a private key.
    PrivateKey {
        /// Its text: OpenSSH or PEM.
        key: Secret,
        /// What it is encrypted with.
        passphrase: Option<Secret>,
        /// The text of an OpenSSH certificate for it.
        certificate: Option<String>,
    },
    /// By the keys of an agent.
    Agent {
        /// Path of the agent's socket.
        socket: PathBuf,
    },
}

/// Which key of a host is accepted.
#[derive(Clone, Debug)]
pub enum HostKeyPolicy {
    /// The pinned one, or a certificate by the pinned authority.
    Pinned(HostKey),
    /// What the known hosts say.
    KnownHosts(Arc<KnownHosts>),
    /// The one with this fingerprint.
    Expect(String),
}

/// One server on the way.
#[derive(Clone, Debug)]
pub struct Hop {
    /// Name or address.
    pub address: String,
    /// Port.
    pub port: u16,
    /// Who logs in.
    pub username: String,
    /// How.
    pub credential: Credential,
    /// Which host key is accepted.
    pub host_key: HostKeyPolicy,
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.address.contains(':'), self.port) {
            (_, 22) => f.write_str(&self.address),
            (false, port) => write!(f, "{}:{port}", self.address),
            (true, port) => write!(f, "[{}]:{port}", self.address),
        }
    }
}

/// The way to a server.
#[derive(Clone, Debug)]
pub struct Route {
    /// Jumps first, the target last.
    pub hops: Vec<Hop>,
    /// How long each step of the way may take: reaching the address, the key exchange, the login.
    pub connect_timeout: Duration,
    /// After how much silence the server is asked whether it is still there; zero for never.
    pub keepalive_interval: Duration,
    /// How many such questions may stay without an answer.
    pub keepalive_max: usize,
    /// How many commands run at once over the connection; fewer if the server allows fewer.
    pub max_sessions: usize,
}

impl Route {
    /// How many commands run at once if nothing else is said: a little less than what OpenSSH's server allows.
    pub const DEFAULT_MAX_SESSIONS: usize = 8;

    /// A route with the usual times.
    #[must_use]
    pub const fn new(hops: Vec<Hop>) -> Self {
        Self {
            hops,
            connect_timeout: Duration::from_secs(15),
            keepalive_interval: Duration::from_secs(10),
            keepalive_max: 3,
            max_sessions: Self::DEFAULT_MAX_SESSIONS,
        }
    }

    /// How long a write may make no progress before the link is given up.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let questions = u32::try_from(self.keepalive_max.max(1)).unwrap_or(u32::MAX);
        (!self.keepalive_interval.is_zero()).then(|| {
            self.keepalive_interval
                .saturating_mul(questions.saturating_add(1))
        })
    }
}
