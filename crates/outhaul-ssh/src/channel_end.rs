//! Who is told that a channel or the whole connection has ended. The SSH library wakes readers then, but nobody who
//! waits to write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use russh::ChannelId;
use tokio::sync::watch;

use crate::error::SshError;

/// Tells when one channel has ended.
#[derive(Clone, Debug)]
pub(crate) struct ChannelEnd(watch::Receiver<bool>);

impl ChannelEnd {
    /// Returns once it has.
    pub(crate) async fn wait(&self) {
        let mut ended = self.0.clone();
        // A sender that is gone means the same.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    /// Whether it has.
    pub(crate) fn is_over(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

#[derive(Debug, Default)]
struct Channels {
    all_over: bool,
    senders: HashMap<ChannelId, watch::Sender<bool>>,
}

/// The ends of one connection.
#[derive(Debug)]
pub(crate) struct Ends {
    closed: watch::Sender<Option<SshError>>,
    channels: Mutex<Channels>,
}

impl Ends {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            closed: watch::channel(None).0,
            channels: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Channels> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that the connection is over. The first reason counts.
    pub(crate) fn finish(&self, reason: SshError) {
        self.closed.send_if_modified(|closed| {
            let first = closed.is_none();
            if first {
                *closed = Some(reason);
            }
            first
        });
        let mut channels = self.lock();
        channels.all_over = true;
        for (_, sender) in channels.senders.drain() {
            sender.send_replace(true);
        }
    }

    /// Why the connection is over, if it is.
    pub(crate) fn reason(&self) -> Option<SshError> {
        self.closed.borrow().clone()
    }

    /// Returns once the connection is over.
    pub(crate) async fn closed(&self) -> Option<SshError> {
        let mut closed = self.closed.subscribe();
        closed
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|reason| reason.clone())
    }

    /// Follows a channel. It is forgotten by [`Ends::forget`].
    pub(crate) fn follow(&self, id: ChannelId) -> ChannelEnd {
        let mut channels = self.lock();
        let over = channels.all_over;
        let sender = channels
            .senders
            .entry(id)
            .or_insert_with(|| watch::channel(over).0);
        ChannelEnd(sender.subscribe())
    }

    /// Says that a channel is over.
    pub(crate) fn finish_channel(&self, id: ChannelId) {
        let mut channels = self.lock();
        channels
            .senders
            .entry(id)
            .or_insert_with(|| watch::channel(true).0)
            .send_replace(true);
    }

    /// Forgets a channel that nobody uses any more.
    pub(crate) fn forget(&self, id: ChannelId) {
        self.lock().senders.remove(&id);
    }
}
