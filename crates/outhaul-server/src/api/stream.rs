//! Server-sent events: making a stream from a task that may wait, with heartbeats.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Serialize;
use tokio::sync::{mpsc, watch};

/// How often a silent stream shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The sending end: a full channel makes the sender wait, so a slow reader costs no memory.
pub(super) struct Frames(mpsc::Sender<Event>);

/// The reader has gone.
pub(super) struct Gone;

impl Frames {
    /// Sends one frame.
    pub(super) async fn send(&self, name: &str, id: Option<u64>, data: &impl Serialize) -> Result<(), Gone> {
        let event = Event::default().event(name).json_data(data).map_err(|_| Gone)?;
        let event = match id {
            Some(id) => event.id(id.to_string()),
            None => event,
        };
        self.0.send(event).await.map_err(|_| Gone)
    }

    /// Waits until the reader has gone.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }
}

/// Answers with the frames that `produce` sends. Its future ends by itself when the reader has gone.
pub(super) fn answer<F>(
    produce: impl FnOnce(Frames) -> F,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>>
where
    F: Future<Output = Result<(), Gone>> + Send + 'static,
{
    let (sender, mut receiver) = mpsc::channel(16);
    tokio::spawn(produce(Frames(sender)));
    let stream =
        futures_util::stream::poll_fn(move |context| receiver.poll_recv(context).map(|event| event.map(Ok)));
    Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

/// Waits until the server is asked to stop.
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // The sender lives as long as the server.
    let _ = stopping.wait_for(|stop| *stop).await;
}
