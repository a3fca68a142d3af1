//! The Unix socket in the data folder.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use outhaul_types::ApiError;
use tokio::net::UnixListener;

/// Binds the socket, readable and writable by its owner only. The caller holds the data folder's lock, so a socket
/// that lies there is one that a killed server left.
pub(crate) fn bind(home: &Path) -> Result<UnixListener, ApiError> {
    let path = home.join("server.sock");
    let failed =
        |error: std::io::Error| ApiError::internal(format!("cannot listen on `{}`: {error}", path.display()));
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    // A socket's address holds 107 bytes; a longer path is reached through a descriptor of its folder.
    let folder = std::fs::File::open(home).map_err(failed)?;
    let address = if path.as_os_str().len() < 104 {
        path.clone()
    } else {
        use std::os::fd::AsRawFd;
        Path::new("/proc/self/fd")
            .join(folder.as_raw_fd().to_string())
            .join("server.sock")
    };
    // The folder is closed to others (0700), so nobody can come in between binding and the next line.
    let listener = UnixListener::bind(address).map_err(failed)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}
