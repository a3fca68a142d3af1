//! One request to a web service, over TCP as any caller sends it.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;

use crate::error::ClientError;

/// What a web service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoringAnswer {
    /// The status of HTTP.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// Posts a body to `/score` of the service at `url`, with a key where it asks for one.
///
/// # Errors
/// [`ClientError::Io`] when it cannot be reached or the connection breaks, [`ClientError::Protocol`] when the address or the
/// answer makes no sense. An answer with an error status is no error here.
pub async fn score(
    url: &str,
    key: Option<&str>,
    content_type: &str,
    body: Vec<u8>,
) -> Result<ScoringAnswer, ClientError> {
    let wrong = |error: &dyn std::fmt::Display| ClientError::Protocol(error.to_string());
    let address = url
        .strip_prefix("http://")
        .ok_or_else(|| wrong(&format!("`{url}` is not an address of HTTP")))?;
    let action = || format!("cannot reach `{url}`");
    let stream = tokio::net::TcpStream::connect(address)
        .await
        .map_err(|error| ClientError::io(action(), error))?;
    let mut request = Request::post("/score")
        .header(header::HOST, address)
        .header(header::CONTENT_TYPE, content_type);
    if let Some(key) = key {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    let request = request
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| wrong(&error))?;
    let broken = |error: hyper::Error| ClientError::io(action(), std::io::Error::other(error));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let asked = async {
        let answer = sender.send_request(request).await.map_err(broken)?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(broken)?.to_bytes();
        Ok(ScoringAnswer { status, body })
    };
    tokio::pin!(asked);
    tokio::select! {
        answer = &mut asked => answer,
        // The connection ends when its answer is there; what ends it otherwise is told by the request.
        _ = connection => asked.await,
    }
}
