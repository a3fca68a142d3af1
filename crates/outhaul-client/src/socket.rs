//! Where the server's socket is, also for data folders whose path is too long for a socket address.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Name of the socket in the data folder.
pub const SOCKET_FILE: &str = "server.sock";

/// Longest path in a socket address, in bytes, without the zero behind it.
const LONGEST: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The path to bind or connect to. A long one goes through an open folder, so keep this value until the call is done.
#[derive(Debug)]
pub struct SocketPath {
    path: PathBuf,
    _folder: Option<File>,
}

impl AsRef<Path> for SocketPath {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// The path of the socket of a data folder, as the operating system accepts it.
///
/// # Errors
/// When the path is long and the folder cannot be opened, or this system has no other way to a long path.
pub fn socket_path(home: &Path) -> io::Result<SocketPath> {
    let path = home.join(SOCKET_FILE);
    let length = path.as_os_str().as_bytes().len();
    if length <= LONGEST {
        return Ok(SocketPath { path, _folder: None });
    }
    if !cfg!(target_os = "linux") {
        let text = format!("the path is {length} bytes long, more than the {LONGEST} of a socket address");
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, text));
    }
    let folder = File::open(home)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET_FILE}", folder.as_raw_fd()));
    Ok(SocketPath {
        path,
        _folder: Some(folder),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn short_paths_are_used_as_they_are() {
        assert_eq!(
            socket_path(Path::new("/x")).unwrap().as_ref(),
            Path::new("/x/server.sock")
        );
    }

    #[test]
    fn long_paths_can_be_bound_and_connected_to() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("d".repeat(200));
        let error = socket_path(&home).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        std::fs::create_dir(&home).unwrap();
        let _listener = UnixListener::bind(socket_path(&home).unwrap()).unwrap();
        UnixStream::connect(socket_path(&home).unwrap()).unwrap();
        assert!(home.join(SOCKET_FILE).exists());
    }
}
