//! How an engine is reached: over byte streams that a connector opens, one for each request.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use bollard::errors::Error as Bollard;
use bollard::{BollardRequest, Docker};
use http::Uri;
use http::header::{CONNECTION, HOST, HeaderValue};
use hyper::Response;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream to an engine.
pub trait EngineStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> EngineStream for T {}

/// A stream that is being opened.
pub type Opened = Pin<Box<dyn Future<Output = io::Result<Box<dyn EngineStream>>> + Send>>;

/// Opens streams to one engine: a closure that gives a future of a stream, or [`UnixSocket`].
///
/// The kind of an I/O error counts: `PermissionDenied` says that this user may not use the engine; all others say that
/// it cannot be reached.
pub trait Connector: Send + Sync + 'static {
    /// Opens a new stream.
    fn open(&self) -> Opened;
}

impl<Open, Opening, Stream> Connector for Open
where
    Open: Fn() -> Opening + Send + Sync + 'static,
    Opening: Future<Output = io::Result<Stream>> + Send + 'static,
    Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    fn open(&self) -> Opened {
        let opening = self();
        Box::pin(async move { Ok(Box::new(opening.await?) as Box<dyn EngineStream>) })
    }
}

/// An engine that listens on a Unix socket of this machine.
#[derive(Clone, Debug)]
pub struct UnixSocket(pub PathBuf);

impl Connector for UnixSocket {
    fn open(&self) -> Opened {
        let path = self.0.clone();
        Box::pin(async move {
            let stream = tokio::net::UnixStream::connect(&path)
                .await
                .map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display())))?;
            Ok(Box::new(stream) as Box<dyn EngineStream>)
        })
    }
}

/// A client of the engine that the connector reaches. Opens nothing yet.
pub(crate) fn client(connector: Arc<dyn Connector>, seconds: u64) -> Result<Docker, Bollard> {
    let transport = move |request: BollardRequest| {
        let connector = Arc::clone(&connector);
        async move { exchange(connector, request).await }
    };
    // The name only fills the header `Host`; the version is not part of any path, so the engine uses its newest.
    Docker::connect_with_custom_transport(
        transport,
        Some("http://engine"),
        seconds,
        bollard::API_DEFAULT_VERSION,
    )
}

/// One request on a stream of its own. The stream is closed when the answer has been read or is dropped.
async fn exchange(
    connector: Arc<dyn Connector>,
    mut request: BollardRequest,
) -> Result<Response<Incoming>, Bollard> {
    let stream = connector.open().await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "docker.connection: ended");
        }
    });
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("engine"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(sender.send_request(request).await?)
}
