//! A running service: the listening socket, its connections, reload and end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::config::Config;
use crate::engine::{Broken, Engine};
use crate::front::Front;
use crate::handover::{self, Giving};
use crate::keys::Keys;
use crate::tls;

/// How long workers may take to end that have nothing to do any more.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long a connection without a request is kept when the service is to end.
const LINGER: Duration = Duration::from_secs(1);

/// Why a service cannot start or reload.
#[derive(Debug, thiserror::Error)]
pub enum ScoringError {
    /// A file or folder that the settings name cannot be used.
    #[error("the {what} `{path}` cannot be used: {error}", path = path.display())]
    Path {
        /// What it is.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// The script cannot be served: it cannot be loaded, or its `init()` fails.
    #[error("`{script}` cannot be served: {message}", script = script.display())]
    Script {
        /// The entry script.
        script: PathBuf,
        /// What is wrong.
        message: String,
        /// The Python traceback, or what the worker last wrote; may be empty.
        trace: String,
    },
    /// Certificate or key cannot be used.
    #[error("{0}")]
    Tls(String),
    /// This machine failed.
    #[error("cannot keep the worker's code: {0}")]
    System(std::io::Error),
}

/// A service that answers.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    engine: Arc<Engine>,
    stop: watch::Sender<bool>,
    /// Becomes true when the last connection has ended.
    ended: watch::Receiver<bool>,
    acceptor: JoinHandle<()>,
    _giving: Option<Giving>,
}

/// Starts a service and waits until every worker has initialised. Needs a Tokio runtime with time and I/O.
///
/// # Errors
/// When a path or the address cannot be used, or the script cannot be served; nothing is left behind then.
pub async fn start(config: Config) -> Result<Service, ScoringError> {
    look(&config)?;
    let tls = config
        .tls
        .as_ref()
        .map(tls::config)
        .transpose()
        .map_err(ScoringError::Tls)?;
    let address = config.address;
    let cannot_listen = |error| ScoringError::Listen { address, error };
    let handover = config.handover.clone();
    let taken = handover.as_deref().and_then(|path| handover::take(path, address));
    let is_taken = taken.is_some();
    let listener = match taken {
        Some(listener) => listener,
        None => TcpListener::bind(address).map_err(cannot_listen)?,
    };
    let address = listener.local_addr().map_err(cannot_listen)?;
    listener.set_nonblocking(true).map_err(cannot_listen)?;
    let name = config
        .script
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let keys = Keys::new(&config.keys);
    let engine = Engine::new(config).map_err(ScoringError::System)?;
    let front = Front {
        engine: Arc::clone(&engine),
        keys,
        name,
        tls,
    };
    let stop = watch::Sender::new(false);
    let all_ended = watch::Sender::new(false);
    let ended = all_ended.subscribe();
    let begin = watch::Sender::new(!is_taken);
    let mut may_begin = begin.subscribe();
    let mut given_up = stop.subscribe();
    let shared = listener.try_clone().map_err(cannot_listen)?;
    let accepting = accept(
        tokio::net::TcpListener::from_std(listener).map_err(cannot_listen)?,
        Arc::new(front),
        stop.clone(),
    );
    let acceptor = tokio::spawn(async move {
        // Until this one has initialised, all callers are left to the instance that gave the socket.
        let may_accept = tokio::select! {
            biased;
            begin = may_begin.wait_for(|begin| *begin) => begin.is_ok(),
            _ = given_up.wait_for(|stop| *stop) => false,
        };
        if may_accept {
            accepting.await;
        }
        all_ended.send_replace(true);
    });
    let mut service = Service {
        address,
        engine,
        stop,
        ended,
        acceptor,
        _giving: None,
    };
    if let Err(error) = service.bring_up().await {
        service.stop(Duration::from_secs(1)).await;
        return Err(error);
    }
    begin.send_replace(true);
    if let Some(path) = handover {
        let giving = handover::give(&path, &shared).map_err(|error| ScoringError::Path {
            what: "handover socket",
            path,
            error,
        });
        match giving {
            Ok(giving) => service._giving = Some(giving),
            Err(error) => {
                service.stop(Duration::from_secs(1)).await;
                return Err(error);
            }
        }
    }
    Ok(service)
}

impl Service {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Loads the script and the model anew, beside what serves, and takes over when all workers have initialised. No
    /// request fails because of it.
    ///
    /// # Errors
    /// When the script cannot be served now; what served before goes on.
    pub async fn reload(&self) -> Result<(), ScoringError> {
        self.bring_up().await?;
        self.engine.metrics.reloads.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn bring_up(&self) -> Result<(), ScoringError> {
        let script = self.engine.config.script.clone();
        self.engine
            .reload()
            .await
            .map_err(|Broken { message, trace }| ScoringError::Script {
                script,
                message,
                trace,
            })
    }

    /// Ends it: takes no more connections, answers every request that has arrived, and ends the workers. After `grace`
    /// what is left is cut off. Says whether everything was answered.
    pub async fn stop(self, grace: Duration) -> bool {
        self.drain(grace).await
    }

    /// As [`Service::stop`], where others still hold the service.
    pub async fn drain(&self, grace: Duration) -> bool {
        self.stop.send_replace(true);
        let mut ended = self.ended.clone();
        let in_time = tokio::time::timeout(grace, ended.wait_for(|ended| *ended))
            .await
            .is_ok();
        self.acceptor.abort();
        // Workers that still have a request are killed when the runtime ends.
        in_time & tokio::time::timeout(FAREWELL, self.engine.stop()).await.is_ok()
    }
}

fn look(config: &Config) -> Result<(), ScoringError> {
    std::fs::File::open(&config.script)
        .and_then(|file| file.metadata())
        .and_then(|meta| {
            if meta.is_file() {
                Ok(())
            } else {
                Err(std::io::Error::other("it is no file"))
            }
        })
        .map_err(unusable("entry script", &config.script))?;
    if let Some(model) = &config.model {
        std::fs::metadata(model).map_err(unusable("model", model))?;
    }
    std::fs::read_dir(&config.directory).map_err(unusable("working folder", &config.directory))?;
    std::fs::metadata(&config.python).map_err(unusable("Python interpreter", &config.python))?;
    Ok(())
}

fn unusable(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ScoringError {
    let path = path.to_owned();
    move |error| ScoringError::Path { what, path, error }
}

/// Takes connections until the end is asked for, and then waits for those that are open.
async fn accept(listener: tokio::net::TcpListener, front: Arc<Front>, stop: watch::Sender<bool>) {
    let mut stopping = stop.subscribe();
    let permits = Arc::new(Semaphore::new(front.engine.config.connections.max(1)));
    let mut open = tokio::task::JoinSet::new();
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        let Ok(permit) = permit else { break };
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            // Looked at last: who has connected before the end is still served.
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        while open.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                let serving = connection(stream, peer, Arc::clone(&front), stop.subscribe());
                open.spawn(async move {
                    serving.await;
                    drop(permit);
                });
            }
            // No more open files, say: those that are open will end.
            Err(error) => {
                tracing::warn!("a connection could not be taken: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, peer: SocketAddr, front: Arc<Front>, stopping: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = front.tls.clone() else {
        return http(stream, peer, front, stopping).await;
    };
    let handshake = TlsAcceptor::from(tls).accept(stream);
    match tokio::time::timeout(front.engine.config.patience, handshake).await {
        Ok(Ok(stream)) => http(stream, peer, front, stopping).await,
        Ok(Err(error)) => tracing::debug!(%peer, "no TLS came about: {error}"),
        Err(_) => tracing::debug!(%peer, "TLS took too long"),
    }
}

async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    front: Arc<Front>,
    mut stopping: watch::Receiver<bool>,
) {
    let patience = front.engine.config.patience;
    // Whether a request has begun and has not been answered: a connection has one at a time.
    let under_way = AtomicBool::new(false);
    let (front, busy) = (&front, &under_way);
    let service = service_fn(move |request| async move {
        busy.store(true, Ordering::Relaxed);
        let answer = front.answer(request, peer.ip()).await;
        busy.store(false, Ordering::Relaxed);
        Ok::<_, Infallible>(answer)
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .half_close(false);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    // A connection without a request is not closed at once: one may be on its way. The next answer says that it is the
    // last one.
    // Nothing else wakes this task when a request begins: it begins in the line above, or before.
    let begun = poll_fn(|_| {
        if under_way.load(Ordering::Relaxed) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    tokio::select! {
        biased;
        _ = serving.as_mut() => return,
        () = begun => {}
        () = tokio::time::sleep(LINGER) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}
