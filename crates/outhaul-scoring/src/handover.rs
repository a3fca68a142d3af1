//! Handing the listening socket from one instance of a service to the next, so that no caller is ever refused: both have
//! it for a moment, and then the first one ends.
//!
//! They meet at a Unix socket in a folder that only their owner may enter. Whoever listens gives the socket to whoever
//! asks for its address; the newest instance is the one that is asked.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// How long one side waits for the other; both are on this machine and have nothing else to do.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest address as text, with the line's end.
const LONGEST: usize = 64;
const YES: u8 = b'y';
const NO: u8 = b'n';

/// Takes the socket that listens on `address` from the instance that has it. `None` when there is none.
pub(crate) fn take(path: &Path, address: SocketAddr) -> Option<TcpListener> {
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(format!("{address}\n").as_bytes()).ok()?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut answer = [0];
    recvmsg(
        &stream,
        &mut [IoSliceMut::new(&mut answer)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )
    .ok()?;
    if answer[0] != YES {
        return None;
    }
    let given = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut sockets) => sockets.next(),
        _ => None,
    });
    let listener = TcpListener::from(given?);
    // What was given has to be what was asked for.
    (listener.local_addr().ok()? == address).then_some(listener)
}

/// Gives the socket to whoever asks, until it is dropped.
#[derive(Debug)]
pub(crate) struct Giving {
    path: PathBuf,
    /// Identity of our file, which a successor's takes the place of.
    inode: Option<u64>,
}

/// Begins to give the socket away at `path`, in place of whoever did before.
pub(crate) fn give(path: &Path, listener: &TcpListener) -> std::io::Result<Giving> {
    let address = listener.local_addr()?;
    let socket = listener.as_fd().try_clone_to_owned()?;
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}", std::process::id()));
    let fresh = PathBuf::from(fresh);
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let door = UnixListener::bind(&fresh)?;
    let inode = inode(&fresh);
    std::fs::rename(&fresh, path)?;
    std::thread::Builder::new()
        .name("handover".to_owned())
        .spawn(move || {
            for stream in door.incoming().flatten() {
                if let Err(error) = answer(&stream, address, &socket) {
                    tracing::warn!("the listening socket could not be handed over: {error}");
                }
            }
        })?;
    Ok(Giving {
        path: path.to_owned(),
        inode,
    })
}

fn inode(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::symlink_metadata(path).ok().map(|meta| meta.ino())
}

fn answer(mut stream: &UnixStream, address: SocketAddr, socket: &OwnedFd) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut asked = Vec::new();
    while asked.last() != Some(&b'\n') && asked.len() < LONGEST {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        asked.push(byte[0]);
    }
    if asked != format!("{address}\n").as_bytes() {
        return stream.write_all(&[NO]);
    }
    let sockets = [socket.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&sockets));
    sendmsg(stream, &[IoSlice::new(&[YES])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

impl Drop for Giving {
    fn drop(&mut self) {
        if self.inode.is_some() && inode(&self.path) == self.inode {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_that_listens_gives_what_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("service");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert!(take(&path, address).is_none(), "nobody is there");
        let first = give(&path, &listener).unwrap();
        let other: SocketAddr = "127.0.0.1:1".parse().unwrap();
        assert!(take(&path, other).is_none(), "it listens elsewhere");
        let taken = take(&path, address).unwrap();
        let second = give(&path, &taken).unwrap();
        // The one that began goes, and takes neither the socket nor its successor's file with it.
        drop((listener, first));
        let third = take(&path, address).unwrap();
        drop(taken);
        let caller = std::net::TcpStream::connect(address).unwrap();
        let (_, from) = third.accept().unwrap();
        assert_eq!(from, caller.local_addr().unwrap());
        drop(second);
        assert!(!path.exists());
        assert!(take(&path, address).is_none());
    }

    #[test]
    fn a_file_that_nobody_listens_at_is_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("service");
        drop(UnixListener::bind(&path).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(take(&path, listener.local_addr().unwrap()).is_none());
        let giving = give(&path, &listener).unwrap();
        assert!(take(&path, listener.local_addr().unwrap()).is_some());
        drop(giving);
    }
}
