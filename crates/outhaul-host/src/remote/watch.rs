//! Being told when runs end, over one channel that costs nothing while nothing happens. A lost word costs a tick, never
//! correctness.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use outhaul_driver::{ChangeSender, NativeId};
use tokio::sync::{Notify, watch};

use super::session::Session;
use super::shell::{Input, Stream};

/// When nobody has asked about any run for so long, the channel is closed.
const IDLE: Duration = Duration::from_secs(30);
/// The pause after a channel that broke.
const PAUSE: Duration = Duration::from_secs(2);

/// Listens while there are runs.
pub(super) struct Watch {
    born: Instant,
    /// Milliseconds since `born` when somebody last asked about runs.
    asked: AtomicU64,
    wake: Arc<Notify>,
    /// Ends the listening with its owner.
    _owner: watch::Sender<()>,
}

impl Watch {
    /// Starts listening as soon as somebody asks about runs; it ends with the last reference to what it gives.
    pub(super) fn start(session: &Arc<Session>, changes: ChangeSender) -> Arc<Self> {
        let (owner, gone) = watch::channel(());
        let watch = Arc::new(Self {
            born: Instant::now(),
            asked: AtomicU64::new(0),
            wake: Arc::new(Notify::new()),
            _owner: owner,
        });
        let (listening, mut gone) = (
            listen(
                Arc::downgrade(&watch),
                Arc::clone(&watch.wake),
                Arc::downgrade(session),
                changes,
            ),
            gone,
        );
        tokio::spawn(async move {
            tokio::select! {
                () = listening => {}
                // Nothing is ever sent: this is the owner's end.
                _ = gone.changed() => {}
            }
        });
        watch
    }

    /// Tells that there are runs.
    pub(super) fn active(&self) {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.asked.store(now.max(1), Ordering::Relaxed);
        self.wake.notify_one();
    }

    fn is_idle(&self) -> bool {
        let asked = Duration::from_millis(self.asked.load(Ordering::Relaxed));
        self.born.elapsed().saturating_sub(asked) > IDLE
    }
}

async fn listen(
    watch: std::sync::Weak<Watch>,
    wake: Arc<Notify>,
    session: std::sync::Weak<Session>,
    changes: ChangeSender,
) {
    loop {
        wake.notified().await;
        if watch.upgrade().is_none_or(|watch| watch.is_idle()) {
            continue;
        }
        let Some(session) = session.upgrade() else { return };
        if session.hello("listen for ends").await.is_ok() {
            let line = session.installation().line("watch", &[]);
            let mut rest = Vec::new();
            let mut heard = |stream, bytes: &[u8]| {
                if stream == Stream::Stdout {
                    rest.extend_from_slice(bytes);
                    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                        let line: Vec<u8> = rest.drain(..=end).collect();
                        let key = String::from_utf8_lossy(&line[..end]).into_owned();
                        if outhaul_types::RunKey::parse(&key).is_some() {
                            changes.changed(NativeId(key));
                        }
                    }
                }
            };
            let idle = async {
                loop {
                    tokio::time::sleep(IDLE).await;
                    if watch.upgrade().is_none_or(|watch| watch.is_idle()) {
                        return;
                    }
                }
            };
            tokio::select! {
                ended = session.shell().run(&line, Input::Open(b""), &mut heard) => {
                    tracing::debug!(?ended, "host.watch: the channel ended; ends are seen at ticks until it is back");
                    tokio::time::sleep(PAUSE).await;
                }
                () = idle => {}
            }
        } else {
            tokio::time::sleep(PAUSE).await;
        }
    }
}
