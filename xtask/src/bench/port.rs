//! Ports of this machine for servers that must be told one.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Result;

/// An address of this machine that nobody listens on now.
pub fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
