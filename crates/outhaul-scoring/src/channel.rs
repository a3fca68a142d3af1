//! The program's end of the socket to a worker.
//!
//! Linux says of a Unix socket that it has room again each time the other side reads. Whoever listens for that is woken by
//! every request that a worker takes, so this end listens for what comes only; what cannot be written at once waits on a
//! descriptor of its own.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A connected socket that does not block.
#[derive(Debug)]
pub(crate) struct Channel(AsyncFd<OwnedFd>);

impl Channel {
    /// Takes a socket over.
    pub(crate) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        listening(stream.into(), Interest::READABLE).map(Self)
    }

    /// Waits for bytes and adds them, as many as there is room for. 0 is the end.
    pub(crate) async fn read(&self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            let mut ready = self.0.readable().await?;
            match rustix::io::read(self.0.get_ref(), spare_capacity(bytes)) {
                Ok(read) => {
                    // Less than there was room for is all that was there.
                    if read > 0 && bytes.len() < bytes.capacity() {
                        ready.clear_ready();
                    }
                    return Ok(read);
                }
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes all of it.
    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        let mut room = None;
        while !bytes.is_empty() {
            match rustix::io::write(self.0.get_ref(), bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let room = match &mut room {
                        Some(room) => room,
                        none => {
                            let twin = self.0.get_ref().try_clone()?;
                            none.insert(listening(twin, Interest::WRITABLE)?)
                        }
                    };
                    let mut ready = room.writable().await?;
                    // There may be none any more: then the next try says so, and waits for the next word.
                    ready.clear_ready();
                    if let Ok(written) = rustix::io::write(self.0.get_ref(), bytes) {
                        bytes = &bytes[written..];
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn listening(socket: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open, and one and the same descriptor, until it is dropped, which `AsyncFd` does after it has
    // taken the registration back.
    let registered = unsafe { AsyncFd::register_with_interest(socket, interest) };
    registered.map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_arrives_however_long_it_is_and_then_the_end() {
        let (near, far) = UnixStream::pair().unwrap();
        let (near, far) = (Channel::new(near).unwrap(), Channel::new(far).unwrap());
        let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        let expected = sent.clone();
        let writing = tokio::spawn(async move {
            near.write_all(b"first").await.unwrap();
            near.write_all(&sent).await.unwrap();
        });
        let mut heard = Vec::new();
        loop {
            heard.reserve(4096);
            if far.read(&mut heard).await.unwrap() == 0 {
                break;
            }
        }
        writing.await.unwrap();
        assert_eq!(heard.len(), 5 + expected.len());
        assert!(heard[5..] == expected);
        assert_eq!(
            far.read(&mut Vec::with_capacity(1)).await.unwrap(),
            0,
            "it stays so"
        );
        assert!(far.write_all(b"nobody").await.is_err());
    }
}
