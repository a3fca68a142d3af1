//! SSH connections: host keys, logins, jumps and channels. The only crate that knows the SSH library behind it; what is
//! public here is our own.
//!
//! [`Route`] says where a connection leads, [`Connection::open`] goes there, [`Connection::exec`] and
//! [`Connection::run`] run commands on it, [`scan_host_key`] asks a server for its key without logging in, and
//! [`KnownHosts`] reads the files in which OpenSSH keeps the keys that it knows.

mod agent;
mod alias;
mod channel_end;
mod connection;
mod dial;
mod error;
mod exec;
mod gate;
mod handshake;
mod host_certificate;
mod host_key;
mod host_pattern;
mod jump;
mod key;
mod known_hosts;
mod login;
mod route;
mod run;
mod server_key;
mod short_scalar;
mod tunnel;
mod watched;

pub use alias::{ResolvedAlias, parse_ssh_g, resolve_alias};
pub use connection::{Connection, check_host_key, scan_host_key};
pub use error::{Phase, SshError, SshErrorKind};
pub use exec::{Event, Exec, Exit, Stdin};
pub use jump::{Jump, parse_jump};
pub use known_hosts::{KnownHosts, Verdict};
pub use route::{Credential, Hop, HostKeyPolicy, Route};
pub use run::Output;
pub use server_key::ServerKey;
pub use tunnel::Tunnel;
