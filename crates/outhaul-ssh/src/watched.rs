//! A stream that remembers how the other side began to talk, and that gives a write up which makes no progress: the SSH
//! library does not look at its keepalives while it is writing.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How much of the beginning is kept.
const HEAD: usize = 512;

/// The first bytes that came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head(Arc<Mutex<Vec<u8>>>);

/// How the other side began.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// Not at all.
    Nothing,
    /// As an SSH server.
    Ssh,
    /// Otherwise; with its first line, cleaned.
    Other(String),
}

impl Head {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the first bytes are.
    pub(crate) fn greeting(&self) -> Greeting {
        let head = self.lock();
        if head.is_empty() {
            return Greeting::Nothing;
        }
        let text = String::from_utf8_lossy(&head);
        if text
            .lines()
            .any(|line| line.starts_with("SSH-2.0-") || line.starts_with("SSH-1.99-"))
        {
            return Greeting::Ssh;
        }
        let line = text.lines().next().unwrap_or_default();
        Greeting::Other(line.chars().filter(|c| !c.is_control()).take(60).collect())
    }
}

/// The stream.
pub(crate) struct Watched<S> {
    stream: S,
    head: Head,
    full: bool,
    patience: Option<Duration>,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, head: Head, patience: Option<Duration>) -> Self {
        Self {
            stream,
            head,
            full: false,
            patience,
            stuck: None,
        }
    }

    fn unless_stuck<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stuck = None;
            return poll;
        }
        let Some(patience) = self.patience else {
            return poll;
        };
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
        match stuck.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "nothing could be sent for too long",
            ))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buf);
        if !self.full && poll.is_ready() {
            let full = {
                let mut head = self.head.lock();
                let room = HEAD.saturating_sub(head.len());
                head.extend(buf.filled()[before..].iter().take(room));
                head.len() >= HEAD
            };
            self.full = full;
        }
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.unless_stuck(cx, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(cx);
        self.unless_stuck(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.unless_stuck(cx, poll)
    }
}
