//! The first words with a server over a stream that stands: key exchange and the check of its host key.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use outhaul_types::target::HostKey;
use russh::client::{self, DisconnectReason};
use russh::keys::PublicKeyOrCertificate;
use russh::{ChannelId, Disconnect};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::channel_end::Ends;
use crate::error::{Phase, SshError, SshErrorKind};
use crate::host_key;
use crate::route::{Hop, HostKeyPolicy, Route};
use crate::server_key::ServerKey;
use crate::watched::{Greeting, Head, Watched};

/// What a channel buffers before it holds the connection up, in messages of up to 32 KiB.
const CHANNEL_BUFFER: usize = 1024;
/// How much a server may send before it waits for us.
const WINDOW: u32 = 16 << 20;
/// The largest packet that OpenSSH sends.
const PACKET: u32 = 32 << 10;

/// The SSH library's error, or ours.
#[derive(Debug)]
pub(crate) enum Failure {
    Ours(Box<SshError>),
    Library(russh::Error),
}

impl From<russh::Error> for Failure {
    fn from(error: russh::Error) -> Self {
        Self::Library(error)
    }
}

/// Our side of a connection.
pub(crate) struct Client {
    name: String,
    host: String,
    port: u16,
    policy: Option<HostKeyPolicy>,
    shown: Arc<Mutex<Option<HostKey>>>,
    ends: Arc<Ends>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.ends.finish(lost(&self.name, "ended"));
    }
}

impl client::Handler for Client {
    type Error = Failure;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Failure> {
        let shown = ServerKey::from(shown);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_secs());
        let host_key = match &self.policy {
            Some(policy) => host_key::check(policy, &self.name, (&self.host, self.port), &shown, now)
                .map_err(|error| Failure::Ours(Box::new(error)))?,
            None => HostKey {
                fingerprint: shown.fingerprint(),
                algorithm: shown.algorithm(),
                authority: None,
            },
        };
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(host_key);
        // Whoever only asks for the key needs nothing more than it.
        Ok(self.policy.is_some())
    }

    async fn channel_open_confirmation(
        &mut self,
        channel: ChannelId,
        _: u32,
        _: u32,
        _: &mut client::Session,
    ) -> Result<(), Failure> {
        self.ends.begin_channel(channel.into());
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut client::Session) -> Result<(), Failure> {
        self.ends.finish_channel(channel.into());
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Failure>) -> Result<(), Failure> {
        self.ends.finish(match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                let said: String = info
                    .message
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(200)
                    .collect();
                let error = lost(&self.name, &format!("was ended by the server: `{said}`"));
                match info.reason_code {
                    Disconnect::NoMoreAuthMethodsAvailable | Disconnect::AuthCancelledByUser => SshError {
                        kind: SshErrorKind::LoginRefused,
                        ..error
                    },
                    // OpenSSH gives this code for `Too many authentication failures`.
                    Disconnect::ProtocolError if said.contains("authentication failures") => SshError {
                        kind: SshErrorKind::LoginRefused,
                        ..error
                    },
                    _ => error,
                }
            }
            DisconnectReason::Error(Failure::Library(russh::Error::KeepaliveTimeout)) => {
                lost(&self.name, "was given up: the server no longer answers")
            }
            DisconnectReason::Error(Failure::Library(russh::Error::IO(error))) => {
                lost(&self.name, &format!("broke: {error}"))
            }
            DisconnectReason::Error(Failure::Library(
                error @ (russh::Error::PacketAuth
                | russh::Error::DecryptionError
                | russh::Error::Inconsistent),
            )) => SshError::new(
                SshErrorKind::Protocol,
                format!(
                    "the connection to `{}` made no sense any more: {error}",
                    self.name
                ),
            ),
            DisconnectReason::Error(Failure::Library(_)) => lost(&self.name, "broke"),
            DisconnectReason::Error(Failure::Ours(error)) => *error,
        });
        Ok(())
    }
}

/// The error of a connection that is over; `how` completes `the connection to X …`.
pub(crate) fn lost(name: &str, how: &str) -> SshError {
    SshError::new(SshErrorKind::Lost, format!("the connection to `{name}` {how}"))
}

/// A server that has shown its key.
pub(crate) struct Greeted {
    pub(crate) handle: client::Handle<Client>,
    pub(crate) host_key: HostKey,
    pub(crate) ends: Arc<Ends>,
}

/// Agrees on keys with the server at the other end of a stream.
pub(crate) async fn greet<S>(stream: S, hop: &Hop, route: &Route) -> Result<Greeted, SshError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (shown, ends, result) = exchange(stream, hop, Some(hop.host_key.clone()), route).await;
    let handle = result?;
    let host_key = shown
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
        .ok_or_else(|| SshError::new(SshErrorKind::Protocol, format!("`{hop}` showed no host key")))?;
    Ok(Greeted {
        handle,
        host_key,
        ends,
    })
}

/// Asks the server at the other end of a stream for its key.
pub(crate) async fn ask_key<S>(stream: S, hop: &Hop, route: &Route) -> Result<HostKey, SshError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (shown, _, result) = exchange(stream, hop, None, route).await;
    let shown = shown.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (shown, result) {
        (Some(host_key), _) => Ok(host_key),
        (None, Err(error)) => Err(error),
        (None, Ok(_)) => Err(SshError::new(
            SshErrorKind::Protocol,
            format!("`{hop}` showed no host key"),
        )),
    }
}

type Exchanged = (
    Arc<Mutex<Option<HostKey>>>,
    Arc<Ends>,
    Result<client::Handle<Client>, SshError>,
);

async fn exchange<S>(stream: S, hop: &Hop, policy: Option<HostKeyPolicy>, route: &Route) -> Exchanged
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let shown = Arc::new(Mutex::new(None));
    let ends = Ends::new();
    let config = client::Config {
        window_size: WINDOW,
        maximum_packet_size: PACKET,
        channel_buffer_size: CHANNEL_BUFFER,
        preferred: host_key::preferred(policy.as_ref(), &hop.address, hop.port),
        keepalive_interval: (!route.keepalive_interval.is_zero()).then_some(route.keepalive_interval),
        keepalive_max: route.keepalive_max.max(1),
        ..client::Config::default()
    };
    let client = Client {
        name: hop.to_string(),
        host: hop.address.clone(),
        port: hop.port,
        policy,
        shown: Arc::clone(&shown),
        ends: Arc::clone(&ends),
    };
    let head = Head::default();
    let stream = Watched::new(stream, head.clone(), route.patience());
    let connecting = client::connect_stream(Arc::new(config), stream, client);
    let result = match timeout(route.connect_timeout, connecting).await {
        Ok(Ok(handle)) => Ok(handle),
        Ok(Err(Failure::Ours(error))) => Err(*error),
        Ok(Err(Failure::Library(error))) => Err(explain(&error, &head.greeting(), hop)),
        Err(_) => Err(too_late(&head.greeting(), hop, route.connect_timeout)),
    };
    (shown, ends, result)
}

fn too_late(greeting: &Greeting, hop: &Hop, limit: Duration) -> SshError {
    let seconds = limit.as_secs_f32();
    match greeting {
        Greeting::Nothing => SshError::new(
            SshErrorKind::Timeout(Phase::Banner),
            format!("`{hop}` accepted the connection and then said nothing for {seconds} s"),
        )
        .with_hint("see whether an SSH server listens at this port, and whether the machine is overloaded"),
        Greeting::Ssh => SshError::new(
            SshErrorKind::Timeout(Phase::KeyExchange),
            format!("`{hop}` did not finish the key exchange within {seconds} s"),
        )
        .with_hint("the link may lose large packets (see its MTU), or the machine is overloaded"),
        Greeting::Other(line) => not_ssh(hop, line),
    }
}

fn not_ssh(hop: &Hop, line: &str) -> SshError {
    SshError::new(
        SshErrorKind::Protocol,
        format!("`{hop}` does not speak SSH: it says `{line}`"),
    )
    .with_hint("give the port at which the SSH server listens")
}

fn explain(error: &russh::Error, greeting: &Greeting, hop: &Hop) -> SshError {
    if let Greeting::Other(line) = greeting {
        return not_ssh(hop, line);
    }
    match error {
        russh::Error::NoCommonAlgo { kind, theirs, .. } => SshError::new(
            SshErrorKind::Protocol,
            format!(
                "`{hop}` offers no algorithm that we accept ({kind:?}); it offers `{}`",
                theirs.join("`, `")
            ),
        )
        .with_hint("update the SSH server, or allow a newer algorithm in its configuration"),
        russh::Error::WrongServerSig => SshError::new(
            SshErrorKind::Protocol,
            format!("`{hop}` cannot prove that the host key it shows is its own"),
        )
        .with_hint("somebody may stand in between; do not go on"),
        russh::Error::Disconnect
        | russh::Error::HUP
        | russh::Error::IO(_)
        | russh::Error::SendError
        | russh::Error::Join(_) => match greeting {
            Greeting::Nothing => SshError::new(
                SshErrorKind::Lost,
                format!("`{hop}` closed the connection before it said anything"),
            )
            .with_hint(
                "its SSH server may be starting, overloaded (`MaxStartups`) or told to refuse this address",
            ),
            _ => SshError::new(
                SshErrorKind::Lost,
                format!("`{hop}` closed the connection during the key exchange"),
            )
            .with_hint("try again; if it stays so, see the log of its SSH server"),
        },
        error => SshError::new(
            SshErrorKind::Protocol,
            format!("the key exchange with `{hop}` failed: {error}"),
        )
        .with_hint("see the log of its SSH server"),
    }
}
