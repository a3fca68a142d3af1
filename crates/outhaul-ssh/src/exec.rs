//! A command that runs on the other side: what it is told, what it says and how it ends.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::io::AsyncWrite;

use crate::channel_end::{ChannelEnd, Ends};
use crate::error::{SshError, SshErrorKind};
use crate::gate::Place;

/// A piece of what a command says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// On its standard output.
    Stdout(Bytes),
    /// On its standard error.
    Stderr(Bytes),
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(u32),
    /// By a signal, such as `KILL`.
    Signal(String),
    /// It isn't known: the connection or the channel ended first. The command may still run.
    Lost,
}

/// What belongs to a channel from its opening to its end.
pub(crate) struct Tail {
    reader: ChannelReadHalf,
    writer: Arc<ChannelWriteHalf<Msg>>,
    ends: Arc<Ends>,
    _place: Place,
}

/// A command that runs on the other side.
///
/// Whoever starts one must read it to its end or drop it: all commands of a connection share one stream of bytes, and
/// one of them that has said some megabytes which nobody reads holds the others up. Dropping it closes its channel; the
/// command then sees the end of its input and a closed output, but is not killed.
pub struct Exec {
    /// Gone once the channel has ended.
    tail: Option<Tail>,
    stdin: Option<Stdin>,
    started: bool,
    refused: bool,
    exit: Exit,
}

impl Exec {
    pub(crate) fn new(channel: russh::Channel<Msg>, ends: Arc<Ends>, place: Place) -> Self {
        let end = ends.follow(channel.id().into());
        let (reader, writer) = channel.split();
        let writer = Arc::new(writer);
        Self {
            stdin: Some(Stdin {
                stream: Box::pin(writer.make_writer()),
                writer: Arc::clone(&writer),
                ended: Box::pin(ended(end.clone())),
                end,
                finished: false,
            }),
            tail: Some(Tail {
                reader,
                writer,
                ends,
                _place: place,
            }),
            started: false,
            refused: false,
            exit: Exit::Lost,
        }
    }

    /// Asks for the command without waiting for the answer.
    pub(crate) async fn start(&mut self, command: &str) -> Result<(), SshError> {
        let lost = || {
            SshError::new(
                SshErrorKind::Lost,
                "the connection broke before the command was started",
            )
        };
        let tail = self.tail.as_ref().ok_or_else(lost)?;
        tail.writer.exec(true, command).await.map_err(|_| lost())
    }

    /// Waits for the answer to [`Exec::start`].
    pub(crate) async fn started(&mut self) -> Result<(), SshError> {
        while !self.started {
            let Some(tail) = &mut self.tail else { break };
            let message = tail.reader.wait().await;
            // Output comes after the answer.
            self.take(message);
        }
        if self.started {
            Ok(())
        } else if self.refused {
            Err(refused())
        } else {
            Err(SshError::new(
                SshErrorKind::Lost,
                "the connection broke before the command was started",
            ))
        }
    }

    /// Whether the server refused to start it.
    pub(crate) const fn was_refused(&self) -> bool {
        self.refused
    }

    /// The command's input; the first time only. Dropping or finishing it tells the command that there is no more.
    pub fn take_stdin(&mut self) -> Option<Stdin> {
        self.stdin.take()
    }

    /// The next piece of what the command says; `None` once it has ended and everything is read.
    pub async fn next(&mut self) -> Option<Event> {
        while let Some(tail) = &mut self.tail {
            let message = tail.reader.wait().await;
            if let Some(event) = self.take(message) {
                return Some(event);
            }
        }
        None
    }

    /// How the command ended; [`Exit::Lost`] until [`Exec::next`] has said `None`.
    #[must_use]
    pub fn exit(&self) -> &Exit {
        &self.exit
    }

    /// Ends the input if it was not taken, drops what the command still says, and waits for its end.
    pub async fn wait(mut self) -> Exit {
        drop(self.stdin.take());
        while self.next().await.is_some() {}
        self.exit.clone()
    }

    /// Sends the command a signal, such as `TERM`. Servers need not pass it on; OpenSSH does since 7.9, but not in the
    /// moment before the command has begun: what must end is asked again.
    ///
    /// # Errors
    ///
    /// If the connection is gone.
    pub async fn signal(&self, name: &str) -> Result<(), SshError> {
        let Some(tail) = &self.tail else { return Ok(()) };
        tail.writer
            .signal(Sig::Custom(name.to_owned()))
            .await
            .map_err(|_| {
                SshError::new(
                    SshErrorKind::Lost,
                    "the connection broke before the signal was sent",
                )
            })
    }

    fn take(&mut self, message: Option<ChannelMsg>) -> Option<Event> {
        match message {
            Some(ChannelMsg::Data { data }) => return Some(Event::Stdout(data)),
            Some(ChannelMsg::ExtendedData { data, ext: 1 }) => return Some(Event::Stderr(data)),
            Some(ChannelMsg::ExitStatus { exit_status }) => self.exit = Exit::Code(exit_status),
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                self.exit = Exit::Signal(match signal_name {
                    Sig::Custom(name) => name,
                    known => format!("{known:?}"),
                });
            }
            Some(ChannelMsg::Success) => self.started = true,
            Some(ChannelMsg::Failure) if !self.started => {
                self.refused = true;
                self.close();
            }
            Some(ChannelMsg::Close) | None => {
                if let Some(tail) = self.tail.take() {
                    tail.ends.forget(tail.writer.id().into());
                }
            }
            Some(_) => {}
        }
        None
    }

    /// Closes the channel. The place is kept until the server has closed it too: it counts the command until then.
    fn close(&mut self) {
        let Some(mut tail) = self.tail.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            if tail.writer.close().await.is_ok() {
                while tail
                    .reader
                    .wait()
                    .await
                    .is_some_and(|message| !matches!(message, ChannelMsg::Close))
                {}
            }
            tail.ends.forget(tail.writer.id().into());
        });
    }
}

pub(crate) fn refused() -> SshError {
    SshError::new(
        SshErrorKind::ChannelRefused,
        "the server refuses to run the command",
    )
    .with_hint(
        "see whether the account may run commands, and whether the machine has room for another process",
    )
}

async fn ended(end: ChannelEnd) {
    end.wait().await;
}

impl Drop for Exec {
    fn drop(&mut self) {
        self.close();
    }
}

/// The input of a command.
pub struct Stdin {
    stream: Pin<Box<dyn AsyncWrite + Send>>,
    writer: Arc<ChannelWriteHalf<Msg>>,
    ended: Pin<Box<dyn Future<Output = ()> + Send>>,
    end: ChannelEnd,
    finished: bool,
}

impl Stdin {
    /// Writes bytes without copying them.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` if the command or the connection has ended.
    pub async fn send(&mut self, bytes: Bytes) -> io::Result<()> {
        if self.end.is_over() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        tokio::select! {
            sent = self.writer.data_bytes(bytes) => sent.map_err(|_| io::ErrorKind::BrokenPipe.into()),
            () = self.end.wait() => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Tells the command that there is no more.
    pub async fn finish(mut self) {
        self.finished = true;
        // Whoever has ended needs no telling.
        let _ = self.writer.eof().await;
    }

    fn unless_over<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            return poll;
        }
        if self.end.is_over() || self.ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Poll::Pending
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        if self.finished || self.end.is_over() {
            return;
        }
        let writer = Arc::clone(&self.writer);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = writer.eof().await;
            });
        }
    }
}

impl AsyncWrite for Stdin {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if self.end.is_over() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let poll = self.stream.as_mut().poll_write(cx, buf);
        self.unless_over(cx, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.finished || self.end.is_over() {
            return Poll::Ready(Ok(()));
        }
        let poll = self.stream.as_mut().poll_shutdown(cx);
        let poll = self.unless_over(cx, poll);
        self.finished = poll.is_ready();
        poll
    }
}
