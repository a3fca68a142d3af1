//! The SSH connection to a machine, kept up: one for everybody, opened when it is needed, opened again when it broke,
//! closed when nobody needs it any more.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use outhaul_driver::ByteStream;
use outhaul_host::remote::{Input, Output, Shell, ShellError, ShellErrorKind, Stream};
use outhaul_ssh::{Connection, Event, Exit, Route, SshError, SshErrorKind};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Mutex, Notify, watch};

use crate::through::{Through, Uses};

/// The first pause after a failed try to connect; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// An unused connection is closed after so long.
const UNUSED: Duration = Duration::from_secs(300);
/// How long a command waits for a session before the one that only listens has to make room.
const ROOM: Duration = Duration::from_millis(700);

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    failed: Option<(Instant, Duration, SshError)>,
}

/// A connection that comes back.
pub struct Link {
    /// The target's name, for what a person can do about an error.
    name: String,
    route: Route,
    state: Mutex<State>,
    born: Instant,
    /// Milliseconds since `born` when a command last began or ended.
    used: AtomicU64,
    /// Streams that are open.
    streams: Uses,
    /// A session that only listens has to go: the server allows no more.
    crowded: AtomicBool,
    make_room: Notify,
    /// Tells the connection's keeper when nobody has the link any more.
    alive: watch::Sender<()>,
    myself: Weak<Self>,
}

impl Link {
    /// A link along a route. Nothing is opened yet.
    #[must_use]
    pub fn new(name: &str, route: Route) -> Arc<Self> {
        Arc::new_cyclic(|myself| Self {
            name: name.to_owned(),
            route,
            state: Mutex::default(),
            born: Instant::now(),
            used: AtomicU64::new(0),
            streams: Uses::default(),
            crowded: AtomicBool::new(false),
            make_room: Notify::new(),
            alive: watch::channel(()).0,
            myself: myself.clone(),
        })
    }

    /// The connection, opened if it is not there. After a failure nobody tries again for a while: whoever asks in
    /// between gets the same answer at once.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn connection(&self) -> Result<Connection, SshError> {
        let mut state = self.state.lock().await;
        if let Some(connection) = &state.connection
            && !connection.is_closed()
        {
            return Ok(connection.clone());
        }
        if let Some((at, pause, error)) = &state.failed
            && at.elapsed() < *pause
        {
            return Err(error.clone());
        }
        let opened = Connection::open(&self.route).await;
        match opened.map_err(|error| self.advise(error)) {
            Ok(connection) => {
                *state = State {
                    connection: Some(connection.clone()),
                    failed: None,
                };
                self.crowded.store(false, Ordering::Relaxed);
                self.touch();
                if let Some(link) = self.myself.upgrade() {
                    let gone = self.alive.subscribe();
                    tokio::spawn(close_unused(Arc::downgrade(&link), gone, connection.clone()));
                }
                Ok(connection)
            }
            Err(error) => {
                let pause = state
                    .failed
                    .as_ref()
                    .map_or(FIRST_PAUSE, |(_, pause, _)| (*pause * 2).min(LONGEST_PAUSE));
                state.connection = None;
                state.failed = Some((Instant::now(), pause, error.clone()));
                Err(error)
            }
        }
    }

    /// A changed key is mended by one command, if it is meant to have changed.
    fn advise(&self, error: SshError) -> SshError {
        match &error.kind {
            SshErrorKind::HostKeyChanged { shown, .. } => {
                let hint = format!(
                    "if the machine was set up anew: `outhaul target trust {} --host-key {shown}`; else somebody may stand in between",
                    self.name
                );
                error.with_hint(hint)
            }
            _ => error,
        }
    }

    fn touch(&self) {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.used.store(now, Ordering::Relaxed);
    }

    fn unused(&self) -> bool {
        if self.streams.any() {
            self.touch();
        }
        let used = Duration::from_millis(self.used.load(Ordering::Relaxed));
        self.born.elapsed().saturating_sub(used) > UNUSED
    }
}

/// Closes a connection when its link is gone, or when nobody has used it for a while. A session that only listens counts as use.
async fn close_unused(link: Weak<Link>, mut gone: watch::Receiver<()>, connection: Connection) {
    loop {
        tokio::select! {
            _ = connection.closed() => return,
            // Nothing is ever sent: this ends with the link.
            _ = gone.changed() => return connection.close().await,
            () = tokio::time::sleep(UNUSED / 4) => {}
        }
        let Some(link) = link.upgrade() else {
            return connection.close().await;
        };
        let mut state = link.state.lock().await;
        if link.unused() {
            state.connection = None;
            return connection.close().await;
        }
    }
}

/// The error as hosts know it.
#[must_use]
pub fn shell_error(error: SshError) -> ShellError {
    let kind = if error.is_temporary() {
        ShellErrorKind::Lost
    } else {
        ShellErrorKind::Refused
    };
    ShellError {
        kind,
        message: error.message,
        hint: error.hint,
    }
}

/// The status that a shell shows for an end by a signal.
fn signal_status(name: &str) -> i32 {
    let known = [
        ("HUP", 1),
        ("INT", 2),
        ("QUIT", 3),
        ("ILL", 4),
        ("ABRT", 6),
        ("FPE", 8),
        ("KILL", 9),
        ("USR1", 10),
        ("SEGV", 11),
        ("PIPE", 13),
        ("ALRM", 14),
        ("TERM", 15),
    ];
    let number = known.iter().find(|(known, _)| *known == name);
    128 + number.map_or(0, |(_, number)| *number)
}

#[async_trait]
impl Shell for Link {
    async fn run(&self, line: &str, input: Input<'_>, output: Output<'_>) -> Result<i32, ShellError> {
        let listens = matches!(&input, Input::Open(bytes) if bytes.is_empty());
        if listens && self.crowded.load(Ordering::Relaxed) {
            return Err(ShellError::lost("the server allows too few sessions"));
        }
        let connection = self.connection().await.map_err(shell_error)?;
        self.touch();
        let starting = connection.exec(line);
        tokio::pin!(starting);
        let mut exec = tokio::select! {
            biased;
            exec = &mut starting => exec,
            () = tokio::time::sleep(ROOM) => {
                if !listens {
                    self.crowded.store(true, Ordering::Relaxed);
                    self.make_room.notify_waiters();
                }
                starting.await
            }
        }
        .map_err(shell_error)?;
        let stdin = exec.take_stdin();
        let writing = async move {
            let mut stdin = stdin?;
            // A command that ends without reading all is no error.
            match input {
                Input::Bytes(bytes) => drop(stdin.write_all(bytes).await),
                Input::Reader(mut reader) => drop(
                    tokio::io::copy_buf(
                        &mut tokio::io::BufReader::with_capacity(256 << 10, &mut reader),
                        &mut stdin,
                    )
                    .await,
                ),
                Input::Open(bytes) => {
                    let _ = stdin.write_all(bytes).await;
                    let _ = stdin.flush().await;
                    return Some(stdin);
                }
            }
            stdin.finish().await;
            None
        };
        let reading = async {
            while let Some(event) = exec.next().await {
                match event {
                    Event::Stdout(bytes) => output(Stream::Stdout, &bytes),
                    Event::Stderr(bytes) => output(Stream::Stderr, &bytes),
                }
            }
        };
        let both = async { tokio::join!(writing, reading) };
        if listens {
            tokio::select! {
                _ = both => {}
                () = self.make_room.notified() => {
                    return Err(ShellError::lost("the server allows too few sessions"));
                }
            }
        } else {
            both.await;
        }
        self.touch();
        match exec.exit() {
            Exit::Code(code) => Ok(i32::try_from(*code).unwrap_or(255)),
            Exit::Signal(name) => Ok(signal_status(name)),
            Exit::Lost => Err(ShellError::lost("the connection broke while the command ran")),
        }
    }

    async fn connect(&self, address: SocketAddr) -> Result<Box<dyn ByteStream>, ShellError> {
        let connection = self.connection().await.map_err(shell_error)?;
        self.touch();
        let stream = connection
            .open_tcp(&address.ip().to_string(), address.port())
            .await;
        Ok(Box::new(Through::new(
            stream.map_err(shell_error)?,
            &self.streams,
        )))
    }
}
