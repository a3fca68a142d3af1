//! A stream through a link that counts as use of it, so that the connection is not closed for idleness under it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Counts what uses a link.
#[derive(Default)]
pub(crate) struct Uses(Arc<()>);

impl Uses {
    /// Whether anything does.
    pub(crate) fn any(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

/// A stream that counts as long as it is there.
pub(crate) struct Through<S> {
    stream: S,
    _use: Arc<()>,
}

impl<S> Through<S> {
    pub(crate) fn new(stream: S, uses: &Uses) -> Self {
        Self {
            stream,
            _use: Arc::clone(&uses.0),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Through<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Through<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_counts_until_it_is_dropped() {
        let uses = Uses::default();
        assert!(!uses.any());
        let first = Through::new(tokio::io::empty(), &uses);
        let second = Through::new(tokio::io::empty(), &uses);
        drop(first);
        assert!(uses.any());
        drop(second);
        assert!(!uses.any());
    }
}
