//! One HTTP/1.1 connection over the server's socket.

use std::io;
use std::path::Path;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use crate::error::ClientError;
use crate::socket::{SOCKET_FILE, socket_path};

/// A connection that can take a request.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Connects to the server of a data folder. A missing socket, and one that nobody listens on, mean that there is
    /// no server.
    pub(crate) async fn open(home: &Path) -> Result<Self, ClientError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory => {
                ClientError::NotRunning {
                    home: home.to_owned(),
                }
            }
            _ => ClientError::io(
                format!("cannot connect to `{}`", home.join(SOCKET_FILE).display()),
                error,
            ),
        };
        let path = socket_path(home).map_err(failed)?;
        let stream = UnixStream::connect(&path).await.map_err(failed)?;
        drop(path);
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| lost(&error))?;
        // Ends by itself when the sender and the answer's body are dropped; errors reach the one who waits for them.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Self { sender })
    }

    /// Whether the other side has closed it, as far as is known.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, ClientError> {
        self.sender.ready().await.map_err(|error| lost(&error))?;
        self.sender
            .send_request(request)
            .await
            .map_err(|error| lost(&error))
    }
}

/// A connection that broke, as an error.
pub(crate) fn lost(error: &hyper::Error) -> ClientError {
    ClientError::io(
        "the connection to the server was lost",
        io::Error::other(error.to_string()),
    )
}
