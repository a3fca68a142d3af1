//! Wake-ups: how a driver tells that something changed on its target. A wake-up carries no news, only the
//! advice to look; a lost one costs time, never correctness.

use tokio::sync::mpsc;

use crate::native::NativeId;

/// The receiving end: runs that may have changed.
pub struct ChangeFeed(mpsc::UnboundedReceiver<NativeId>);

/// The sending end.
#[derive(Clone)]
pub struct ChangeSender(mpsc::UnboundedSender<NativeId>);

/// Makes a feed.
#[must_use]
pub fn change_feed() -> (ChangeSender, ChangeFeed) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (ChangeSender(sender), ChangeFeed(receiver))
}

impl ChangeSender {
    /// Tells that a run may have changed.
    pub fn changed(&self, id: NativeId) {
        // Nobody listens any more when the server stops.
        let _ = self.0.send(id);
    }
}

impl ChangeFeed {
    /// Waits for the next change; `None` when there will be none any more.
    pub async fn next(&mut self) -> Option<NativeId> {
        self.0.recv().await
    }

    /// The next change that is there already.
    pub fn try_next(&mut self) -> Option<NativeId> {
        self.0.try_recv().ok()
    }
}
