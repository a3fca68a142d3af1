//! Who is told that a channel or the whole connection has ended. The SSH library wakes readers then, but nobody who
//! waits to write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    open: HashMap<u32, Open>,
}

#[derive(Debug)]
struct Open {
    sender: watch::Sender<bool>,
    /// Whether somebody has asked for its end.
    followed: bool,
}

impl Open {
    fn new(followed: bool, over: bool) -> Self {
        let sender = watch::channel(over).0;
        Self { sender, followed }
    }
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
        // Whose sender is gone is over.
        channels.open.clear();
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

    /// Says that the server has opened a channel. Before it can close it again.
    pub(crate) fn begin_channel(&self, id: u32) {
        let mut channels = self.lock();
        channels.open.entry(id).or_insert_with(|| Open::new(false, false));
    }

    /// Follows a channel until [`Ends::forget`].
    pub(crate) fn follow(&self, id: u32) -> ChannelEnd {
        let mut channels = self.lock();
        let over = channels.all_over;
        let open = channels.open.entry(id).or_insert_with(|| Open::new(true, over));
        open.followed = true;
        ChannelEnd(open.sender.subscribe())
    }

    /// Says that a channel is over.
    pub(crate) fn finish_channel(&self, id: u32) {
        let mut channels = self.lock();
        // Unknown: it was forgotten before.
        let Some(open) = channels.open.get(&id) else {
            return;
        };
        open.sender.send_replace(true);
        if open.followed {
            channels.open.remove(&id);
        }
    }

    /// Forgets a channel that nobody uses any more.
    pub(crate) fn forget(&self, id: u32) {
        self.lock().open.remove(&id);
    }

    /// How many channels are remembered.
    #[cfg(test)]
    pub(crate) fn remembered(&self) -> usize {
        self.lock().open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::SshErrorKind;

    #[tokio::test]
    async fn every_order_tells_the_end_and_leaves_nothing() {
        let ends = Ends::new();
        ends.begin_channel(1);
        let end = ends.follow(1);
        assert!(!end.is_over());
        ends.finish_channel(1);
        assert!(end.is_over());
        end.wait().await;
        ends.forget(1);
        // Closed before anybody followed it.
        ends.begin_channel(2);
        ends.finish_channel(2);
        let end = ends.follow(2);
        assert!(end.is_over());
        ends.forget(2);
        // Forgotten before it was closed.
        let end = ends.follow(3);
        ends.begin_channel(3);
        ends.forget(3);
        ends.finish_channel(3);
        assert!(end.is_over());
        assert_eq!(ends.remembered(), 0);
        let end = ends.follow(4);
        ends.finish(SshError::new(SshErrorKind::Lost, "the first reason"));
        ends.finish(SshError::new(SshErrorKind::Lost, "the second reason"));
        end.wait().await;
        assert!(ends.follow(5).is_over());
        assert_eq!(ends.reason().expect("there is one").message, "the first reason");
    }
}
