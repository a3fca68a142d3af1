//! What can go wrong with a connection, in the words that a person is shown. No secret is ever put into one.

use std::fmt;

/// Until where a connection had come when the time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reaching the address.
    Connect,
    /// It was accepted, and nothing was said then.
    Banner,
    /// Agreeing on keys.
    KeyExchange,
    /// Logging in.
    Login,
}

/// What kind of error it is. Callers decide by this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SshErrorKind {
    /// The name is unknown, the connection refused, or there is no way to the address.
    Unreachable,
    /// The time was up.
    Timeout(Phase),
    /// Nothing is known of this host's key.
    HostKeyUnknown {
        /// The key's fingerprint, `SHA256:` and 43 characters.
        fingerprint: String,
        /// Its algorithm, such as `ssh-ed25519`.
        algorithm: String,
    },
    /// The host shows another key than the one it is known by.
    HostKeyChanged {
        /// The fingerprint it is known by.
        pinned: String,
        /// The fingerprint it shows.
        shown: String,
    },
    /// The key that the host shows was revoked.
    HostKeyRevoked,
    /// The server does not let this person in.
    LoginRefused,
    /// What was given to log in with cannot be used.
    BadCredential,
    /// The server lets us in but refuses a channel.
    ChannelRefused,
    /// The connection broke.
    Lost,
    /// The other side does not speak SSH as we know it.
    Protocol,
    /// What was asked for makes no sense or is not supported.
    Invalid,
}

/// An error of an SSH connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshError {
    /// What callers decide by.
    pub kind: SshErrorKind,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl SshError {
    /// An error without a hint.
    #[must_use]
    pub fn new(kind: SshErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
        }
    }

    /// The same error with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether the same call may well succeed a little later.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self.kind,
            SshErrorKind::Unreachable | SshErrorKind::Timeout(_) | SshErrorKind::Lost
        )
    }
}

impl fmt::Display for SshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SshError {}
