//! A byte stream through a connection to a socket on the other side.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use russh::client::Msg;
use russh::{Channel, ChannelStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::channel_end::{ChannelEnd, Ends};

/// A stream to a socket on the other side. It ends when the channel or the connection does.
pub struct Tunnel {
    stream: ChannelStream<Msg>,
    ended: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    over: bool,
    id: u32,
    ends: Arc<Ends>,
}

impl Tunnel {
    pub(crate) fn new(channel: Channel<Msg>, ends: Arc<Ends>) -> Self {
        let id = channel.id().into();
        let end: ChannelEnd = ends.follow(id);
        Self {
            stream: channel.into_stream(),
            ended: Box::pin(async move { end.wait().await }),
            over: false,
            id,
            ends,
        }
    }

    fn unless_over<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            return poll;
        }
        if !self.over && self.ended.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.over = true;
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.ends.forget(self.id);
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // What has arrived is read out before the end is looked at: the library ends the reader by itself.
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let poll = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.unless_over(cx, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.unless_over(cx, poll)
    }
}
