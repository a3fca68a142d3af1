//! A connection to the last server of a route: opening it, its channels, and its end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use outhaul_types::target::HostKey;
use russh::client::{Handle, Msg};
use russh::{Channel, ChannelOpenFailure, Disconnect};
use tokio::time::{sleep, timeout};

use crate::channel_end::Ends;
use crate::dial::dial;
use crate::error::{Phase, SshError, SshErrorKind};
use crate::exec::Exec;
use crate::gate::{Gate, Refused};
use crate::handshake::{Client, Greeted, ask_key, greet, lost};
use crate::login::{Login, login};
use crate::route::{Hop, Route};
use crate::tunnel::Tunnel;

/// The pause before a server is asked again that may still count a command which has ended.
const AGAIN: Duration = Duration::from_millis(10);
/// How long a server is given to take note of our farewell.
const FAREWELL: Duration = Duration::from_secs(1);

struct Inner {
    handle: Handle<Client>,
    name: String,
    host_key: HostKey,
    ends: Arc<Ends>,
    gate: Arc<Gate>,
    /// The connection to the jump host before, which carries this one.
    carrier: Option<Connection>,
}

/// A connection over which commands and streams run side by side. Clones are the same connection; it ends when the last
/// one is dropped.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("to", &self.0.name)
            .finish_non_exhaustive()
    }
}

/// Asks the last server of a route for its host key, without logging in there. Its policy and credential are not looked
/// at; the jumps are logged in to.
///
/// # Errors
///
/// If it cannot be reached or shows none.
pub async fn scan_host_key(route: &Route) -> Result<HostKey, SshError> {
    let (target, carrier) = carry(route).await?;
    match carrier {
        None => ask_key(dial(target, route.connect_timeout).await?, target, route).await,
        Some(carrier) => ask_key(carrier.through(target, route).await?, target, route).await,
    }
}

/// Asks the last server of a route for its host key and holds it against its policy, without logging in there.
///
/// # Errors
///
/// If it cannot be reached, or the policy does not accept its key: the error's kind then holds the fingerprint.
pub async fn check_host_key(route: &Route) -> Result<HostKey, SshError> {
    let (target, carrier) = carry(route).await?;
    let greeted = match carrier {
        None => greet(dial(target, route.connect_timeout).await?, target, route).await?,
        Some(carrier) => greet(carrier.through(target, route).await?, target, route).await?,
    };
    Ok(greeted.host_key)
}

/// Opens the jumps of a route; gives its last server.
async fn carry(route: &Route) -> Result<(&Hop, Option<Connection>), SshError> {
    let Some((target, jumps)) = route.hops.split_last() else {
        return Err(SshError::new(SshErrorKind::Invalid, "the route leads nowhere")
            .with_hint("give at least one server"));
    };
    let mut carrier = None;
    for hop in jumps {
        carrier = Some(Connection::step(carrier, hop, route).await?);
    }
    Ok((target, carrier))
}

impl Connection {
    /// Goes the whole way and logs in.
    ///
    /// # Errors
    ///
    /// If a server on the way cannot be reached, shows a wrong key or does not let us in.
    pub async fn open(route: &Route) -> Result<Self, SshError> {
        let (target, carrier) = carry(route).await?;
        Self::step(carrier, target, route).await
    }

    async fn step(carrier: Option<Self>, hop: &Hop, route: &Route) -> Result<Self, SshError> {
        let greeted = match &carrier {
            None => greet(dial(hop, route.connect_timeout).await?, hop, route).await?,
            Some(carrier) => greet(carrier.through(hop, route).await?, hop, route).await?,
        };
        let Greeted {
            mut handle,
            host_key,
            ends,
        } = greeted;
        let attempt = login(Login {
            handle: &mut handle,
            hop,
            ends: &ends,
        });
        timeout(route.connect_timeout, attempt).await.map_err(|_| {
            SshError::new(
                SshErrorKind::Timeout(Phase::Login),
                format!(
                    "`{hop}` did not answer the login of `{}` within {} s",
                    hop.username,
                    route.connect_timeout.as_secs_f32()
                ),
            )
            .with_hint("the machine may be overloaded, or wait for a directory server; try again")
        })??;
        tracing::debug!(server = %hop, user = %hop.username, "logged in");
        Ok(Self(Arc::new(Inner {
            handle,
            name: hop.to_string(),
            host_key,
            ends,
            gate: Gate::new(route.max_sessions),
            carrier,
        })))
    }

    /// A stream to a server behind this one.
    async fn through(&self, hop: &Hop, route: &Route) -> Result<Tunnel, SshError> {
        match timeout(route.connect_timeout, self.open_tcp(&hop.address, hop.port)).await {
            Ok(Ok(tunnel)) => Ok(tunnel),
            Ok(Err(error)) if error.kind == SshErrorKind::ChannelRefused => Err(SshError::new(
                SshErrorKind::Unreachable,
                format!("`{hop}` cannot be reached through `{}`", self.0.name),
            )
            .with_hint(error.hint.unwrap_or_default())),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(SshError::new(
                SshErrorKind::Timeout(Phase::Connect),
                format!(
                    "`{}` did not reach `{hop}` within {} s",
                    self.0.name,
                    route.connect_timeout.as_secs_f32()
                ),
            )
            .with_hint(
                "see whether the machine is up, and whether a firewall drops connections to this port",
            )),
        }
    }

    /// The key that the server showed, and the authority by which it was accepted if there was one.
    #[must_use]
    pub fn host_key(&self) -> &HostKey {
        &self.0.host_key
    }

    /// The server as a person knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Starts a command. Waits for one of our others to end if the server allows no more of them.
    ///
    /// # Errors
    ///
    /// If the server refuses it although none of ours runs, or if the connection is gone.
    pub async fn exec(&self, command: &str) -> Result<Exec, SshError> {
        let mut exec = self.begin(command).await?;
        match exec.started().await {
            Err(error) if error.kind == SshErrorKind::Lost => Err(self.reason().unwrap_or(error)),
            Err(error) => Err(error),
            Ok(()) => Ok(exec),
        }
    }

    /// Starts a command without waiting for the answer.
    pub(crate) async fn begin(&self, command: &str) -> Result<Exec, SshError> {
        let mut times = 0;
        let mut exec = loop {
            let place = tokio::select! {
                place = self.0.gate.enter() => place,
                reason = self.0.ends.closed() => return Err(reason.unwrap_or_else(|| self.gone())),
            };
            // In a task of its own: whoever stops waiting must not leave a channel behind that nobody closes.
            let connection = self.clone();
            let opening = tokio::spawn(async move {
                match connection.0.handle.channel_open_session().await {
                    Ok(channel) => {
                        let ends = Arc::clone(&connection.0.ends);
                        Ok(Exec::new(channel, ends, place))
                    }
                    Err(error) => Err((error, place)),
                }
            });
            match opening.await {
                Ok(Ok(exec)) => break exec,
                Ok(Err((russh::Error::ChannelOpenFailure(reason), place))) => {
                    times += 1;
                    match self.0.gate.refused(place, times) {
                        Refused::Wait => {}
                        Refused::AskAgain => sleep(AGAIN).await,
                        Refused::GiveUp => return Err(self.channel_refused(&reason, "a command")),
                    }
                }
                Ok(Err(_)) | Err(_) => return Err(self.gone()),
            }
        };
        exec.start(command)
            .await
            .map_err(|error| self.reason().unwrap_or(error))?;
        Ok(exec)
    }

    /// A stream to a Unix socket on the other side.
    ///
    /// # Errors
    ///
    /// If the server refuses it, or if the connection is gone.
    pub async fn open_unix(&self, path: &str) -> Result<Tunnel, SshError> {
        let (connection, target) = (self.clone(), path.to_owned());
        let opening = tokio::spawn(async move {
            let opened = connection.0.handle.channel_open_direct_streamlocal(target).await;
            connection.tunnel(opened)
        });
        self.opened(opening.await, &format!("a stream to the socket `{path}`"))
    }

    /// A stream to a TCP port that the other side can reach.
    ///
    /// # Errors
    ///
    /// If the server refuses it, or if the connection is gone.
    pub async fn open_tcp(&self, host: &str, port: u16) -> Result<Tunnel, SshError> {
        let (connection, target) = (self.clone(), host.to_owned());
        let opening = tokio::spawn(async move {
            let opened = connection
                .0
                .handle
                .channel_open_direct_tcpip(target, u32::from(port), "127.0.0.1", 0)
                .await;
            connection.tunnel(opened)
        });
        self.opened(opening.await, &format!("a stream to `{host}`, port {port}"))
    }

    fn tunnel(&self, opened: Result<Channel<Msg>, russh::Error>) -> Result<Tunnel, russh::Error> {
        opened.map(|channel| Tunnel::new(channel, Arc::clone(&self.0.ends)))
    }

    fn opened(
        &self,
        opened: Result<Result<Tunnel, russh::Error>, tokio::task::JoinError>,
        what: &str,
    ) -> Result<Tunnel, SshError> {
        match opened {
            Ok(Ok(tunnel)) => Ok(tunnel),
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => Err(self.channel_refused(&reason, what)),
            Ok(Err(_)) | Err(_) => Err(self.gone()),
        }
    }

    fn channel_refused(&self, reason: &ChannelOpenFailure, what: &str) -> SshError {
        let (why, hint) = match reason {
            ChannelOpenFailure::AdministrativelyProhibited => (
                "it is forbidden there",
                "see `AllowTcpForwarding`, `AllowStreamLocalForwarding` and `MaxSessions` of its SSH server",
            ),
            ChannelOpenFailure::ConnectFailed => (
                "it could not be opened there",
                "see whether something listens there, and `MaxSessions` of its SSH server",
            ),
            ChannelOpenFailure::ResourceShortage => ("it has no room for it", "try again later"),
            _ => ("it does not know how", "an OpenSSH server is needed"),
        };
        SshError::new(
            SshErrorKind::ChannelRefused,
            format!("`{}` refuses {what}: {why}", self.0.name),
        )
        .with_hint(hint)
    }

    fn gone(&self) -> SshError {
        self.reason().unwrap_or_else(|| lost(&self.0.name, "is over"))
    }

    /// Why the connection is over; `None` while it stands.
    #[must_use]
    pub fn reason(&self) -> Option<SshError> {
        self.0.ends.reason()
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.handle.is_closed() || self.reason().is_some()
    }

    /// Waits for its end and tells why.
    pub async fn closed(&self) -> SshError {
        self.0
            .ends
            .closed()
            .await
            .unwrap_or_else(|| lost(&self.0.name, "is over"))
    }

    /// Ends it, and its jumps. What still runs on it is cut off.
    pub async fn close(&self) {
        let mut next = Some(self);
        while let Some(connection) = next {
            let inner = &connection.0;
            let farewell = async {
                if inner
                    .handle
                    .disconnect(Disconnect::ByApplication, "", "")
                    .await
                    .is_ok()
                {
                    inner.ends.closed().await;
                }
            };
            // A link that is stuck is left to the keepalive.
            let _ = timeout(FAREWELL, farewell).await;
            next = inner.carrier.as_ref();
        }
    }
}
