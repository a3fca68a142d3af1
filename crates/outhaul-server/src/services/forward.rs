//! The ways to services that listen on the loopback of another machine: the server listens on the same address here, and
//! carries each connection through that of the target. A way is there as long as the server is; the service needs none.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use outhaul_driver::ByteStream;
use outhaul_types::{RunId, WebService};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::place::Place;
use crate::app::App;

/// Pause before an address that could not be listened on is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a caller that is turned away may go on sending what it had to say.
const FAREWELL: Duration = Duration::from_secs(2);

/// The ways that are open, by service.
#[derive(Default)]
pub(super) struct Ways(Mutex<BTreeMap<(RunId, SocketAddr), AbortHandle>>);

impl Ways {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(RunId, SocketAddr), AbortHandle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the ways of a service that are not wanted any more. Connections that are open go on.
    fn close(&self, id: &RunId, wanted: &[SocketAddr]) {
        self.lock().retain(|(service, address), task| {
            let keep = service != id || wanted.contains(address);
            if !keep {
                task.abort();
            }
            keep
        });
    }
}

/// Sees to it that exactly the ways are open which a service needs now: also that to where it listened before an update
/// which has not come up yet.
pub(super) fn keep(app: &Arc<App>, service: &WebService) {
    let Ok(place) = Place::of(app, &service.target) else {
        // Not attached for the moment; the next change opens it.
        return;
    };
    let specs = [Some(&service.spec), service.previous.as_deref()];
    let wanted: Vec<SocketAddr> = specs
        .into_iter()
        .flatten()
        .filter_map(|spec| place.way(spec))
        .collect();
    app.services.ways.close(&service.id, &wanted);
    for address in wanted {
        let way = (service.id.clone(), address);
        let mut open = app.services.ways.lock();
        if open.contains_key(&way) {
            continue;
        }
        // Before anything waits, so that it is there when the service is.
        let listener = listen(address);
        let far = Far {
            app: Arc::clone(app),
            service: service.name.clone(),
            target: service.target.clone(),
            address,
        };
        open.insert(way, tokio::spawn(far.serve(listener)).abort_handle());
    }
}

/// Closes all ways of a service.
pub(super) fn close(app: &App, id: &RunId) {
    app.services.ways.close(id, &[]);
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Where a way leads.
#[derive(Clone)]
struct Far {
    app: Arc<App>,
    service: String,
    target: String,
    address: SocketAddr,
}

impl Far {
    async fn serve(self, mut listener: std::io::Result<TcpListener>) {
        let mut told = false;
        let listener = loop {
            match listener {
                Ok(listener) => break listener,
                Err(error) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(service = self.service, address = %self.address, %error, "service.way: cannot listen; trying again");
                    }
                    tokio::time::sleep(PAUSE).await;
                    listener = listen(self.address);
                }
            }
        };
        loop {
            match listener.accept().await {
                Ok((caller, _)) => {
                    tokio::spawn(self.clone().carry(caller));
                }
                // Too many open files, say: those that are open end some time.
                Err(error) => {
                    tracing::warn!(service = self.service, %error, "service.way: a caller could not be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn carry(self, mut caller: TcpStream) {
        let _ = caller.set_nodelay(true);
        match self.open().await {
            // Ends when both sides have; a side that breaks off ends the other.
            Ok(mut far) => drop(copy_bidirectional(&mut caller, &mut far).await),
            Err(error) => {
                tracing::warn!(
                    service = self.service,
                    target = self.target,
                    error,
                    "service.way: no connection"
                );
                turn_away(caller, &self.service, &error).await;
            }
        }
    }

    async fn open(&self) -> Result<Box<dyn ByteStream>, String> {
        let target = self
            .app
            .targets
            .get(&self.target)
            .map_err(|error| error.message)?;
        let stream = target.driver.connect(self.address).await;
        stream.map_err(|error| error.to_string())
    }
}

/// Tells a caller, if it speaks HTTP without TLS, that there is no way for now.
async fn turn_away(mut caller: TcpStream, service: &str, error: &str) {
    let mut first = [0];
    let is_tls = matches!(
        tokio::time::timeout(FAREWELL, caller.peek(&mut first)).await,
        Ok(Ok(1)) if first[0] == 0x16
    );
    if is_tls {
        return;
    }
    let body = format!("service `{service}` cannot be reached: {error}\n");
    let head = format!(
        "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = caller.write_all(format!("{head}{body}").as_bytes()).await;
    let _ = caller.shutdown().await;
    // What the caller still sends is read: a connection that is closed over it would take the answer with it.
    let mut rest = vec![0; 16 << 10];
    let _ = tokio::time::timeout(FAREWELL, async {
        while caller.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    })
    .await;
}
