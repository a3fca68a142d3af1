//! A link that breaks on demand: a proxy between loopback ports that forwards, cuts, refuses, stalls and heals.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    refuse: bool,
    stall: bool,
    /// Connections made before the cut of this number are dead.
    cuts: usize,
}

#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicUsize,
    open: AtomicUsize,
}

/// The proxy. It ends when it is dropped.
pub struct FlakyProxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    listening: watch::Receiver<bool>,
    counts: Arc<Counts>,
    listener: AbortHandle,
}

impl FlakyProxy {
    /// Listens at a free loopback port and forwards to the target.
    ///
    /// # Errors
    ///
    /// If there is no port.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (state, states) = watch::channel(State::default());
        let (listens, listening) = watch::channel(true);
        let counts = Arc::new(Counts::default());
        let task: JoinHandle<()> =
            tokio::spawn(listen(listener, target, states, listens, Arc::clone(&counts)));
        Ok(Self {
            address,
            state,
            listening,
            counts,
            listener: task.abort_handle(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port at which it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Cuts every connection there is. New ones are forwarded.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Refuses new connections, as a machine does at whose port nobody listens. Returns once it is so.
    pub async fn refuse(&self) {
        self.state.send_modify(|state| state.refuse = true);
        self.until_listening(false).await;
    }

    /// Holds every byte back, in both directions; new connections are accepted and hear nothing.
    pub fn stall(&self) {
        self.state.send_modify(|state| state.stall = true);
    }

    /// Forwards again: what was held back, and new connections.
    pub async fn heal(&self) {
        self.state.send_modify(|state| {
            state.refuse = false;
            state.stall = false;
        });
        self.until_listening(true).await;
    }

    async fn until_listening(&self, wanted: bool) {
        // The listener ends with the proxy only.
        let _ = self
            .listening
            .clone()
            .wait_for(|listens| *listens == wanted)
            .await;
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.counts.accepted.load(Ordering::SeqCst)
    }

    /// How many connections there are.
    #[must_use]
    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }
}

impl Drop for FlakyProxy {
    fn drop(&mut self) {
        self.listener.abort();
        self.cut();
    }
}

async fn listen(
    listener: TcpListener,
    target: SocketAddr,
    mut states: watch::Receiver<State>,
    listens: watch::Sender<bool>,
    counts: Arc<Counts>,
) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    let mut listener = Some(listener);
    loop {
        let refuse = states.borrow_and_update().refuse;
        if refuse {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(address).await.ok();
        }
        listens.send_replace(listener.is_some());
        let accept = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = states.changed() => if changed.is_err() { return },
            accepted = accept => if let Ok((stream, _)) = accepted {
                counts.accepted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(forward(stream, target, states.clone(), Arc::clone(&counts)));
            },
        }
    }
}

async fn forward(
    near: TcpStream,
    target: SocketAddr,
    mut states: watch::Receiver<State>,
    counts: Arc<Counts>,
) {
    counts.open.fetch_add(1, Ordering::SeqCst);
    let cuts = states.borrow().cuts;
    let both = async {
        let mut flow = states.clone();
        flow.wait_for(|state| !state.stall).await.ok()?;
        let far = TcpStream::connect(target).await.ok()?;
        near.set_nodelay(true).ok()?;
        far.set_nodelay(true).ok()?;
        let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
        tokio::join!(
            copy(near_in, far_out, states.clone()),
            copy(far_in, near_out, states.clone())
        );
        Some(())
    };
    tokio::select! {
        _ = both => {}
        _ = async { states.clone().wait_for(|state| state.cuts > cuts).await.map(|_| ()) } => {}
    }
    states.mark_unchanged();
    counts.open.fetch_sub(1, Ordering::SeqCst);
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut states: watch::Receiver<State>) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        if states.wait_for(|state| !state.stall).await.is_err() {
            return;
        }
        let Ok(count) = from.read(&mut buffer).await else {
            return;
        };
        if states.wait_for(|state| !state.stall).await.is_err() {
            return;
        }
        if count == 0 {
            let _ = to.shutdown().await;
            return;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn it_cuts_refuses_stalls_and_heals() {
        let echo = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let target = echo.local_addr().expect("it has one");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        let proxy = FlakyProxy::start(target).await.expect("it starts");
        let mut stream = TcpStream::connect(proxy.address()).await.expect("it accepts");
        let mut buffer = [0; 4];
        stream.write_all(b"ping").await.expect("it forwards");
        stream.read_exact(&mut buffer).await.expect("it forwards");
        proxy.stall();
        stream.write_all(b"more").await.expect("the kernel takes it");
        let held = timeout(Duration::from_millis(50), stream.read_exact(&mut buffer)).await;
        assert!(held.is_err(), "nothing comes through");
        proxy.heal().await;
        stream.read_exact(&mut buffer).await.expect("it comes now");
        assert_eq!(&buffer, b"more");
        proxy.refuse().await;
        assert!(TcpStream::connect(proxy.address()).await.is_err());
        proxy.heal().await;
        let _other = TcpStream::connect(proxy.address())
            .await
            .expect("it accepts again");
        proxy.cut();
        assert!(matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)));
        assert_eq!(proxy.accepted(), 2);
    }
}
