//! One request to a web service, over TCP and TLS as any caller sends it.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::error::ClientError;
use crate::trust::{Trust, client_config};

/// What a web service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoringAnswer {
    /// The status of HTTP.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// Posts a body to `/score` of the service at `url`, with a key where it asks for one. `trust` says whose certificate is
/// accepted where the address is one of HTTPS.
///
/// # Errors
/// [`ClientError::Io`] when it cannot be reached, is not trusted or the connection breaks, [`ClientError::Protocol`] when
/// the address or the answer makes no sense. An answer with an error status is no error here.
pub async fn score(
    url: &str,
    trust: &Trust,
    key: Option<&str>,
    content_type: &str,
    body: Vec<u8>,
) -> Result<ScoringAnswer, ClientError> {
    let (scheme, address) = url
        .split_once("://")
        .filter(|(scheme, _)| ["http", "https"].contains(scheme))
        .ok_or_else(|| wrong(&format!("`{url}` is not an address of HTTP")))?;
    let mut request = Request::post("/score")
        .header(header::HOST, address)
        .header(header::CONTENT_TYPE, content_type);
    if let Some(key) = key {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    let request = request
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| wrong(&error))?;
    let cannot_reach = |error| ClientError::io(format!("cannot reach `{url}`"), error);
    if scheme == "http" {
        let stream = TcpStream::connect(address).await.map_err(cannot_reach)?;
        return ask(url, stream, request).await;
    }
    let host = host(address).map_err(|error| wrong(&error))?;
    let config = client_config(trust, &host).map_err(|error| wrong(&error))?;
    let stream = TcpStream::connect(address).await.map_err(cannot_reach)?;
    let stream = TlsConnector::from(config)
        .connect(host, stream)
        .await
        .map_err(cannot_reach)?;
    ask(url, stream, request).await
}

fn wrong(error: &impl ToString) -> ClientError {
    ClientError::Protocol(error.to_string())
}

/// The host of `host:port`.
fn host(address: &str) -> Result<ServerName<'static>, String> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned()).map_err(|_| format!("`{host}` is no name of a host"))
}

async fn ask(
    url: &str,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<ScoringAnswer, ClientError> {
    let broken =
        |error: hyper::Error| ClientError::io(format!("cannot reach `{url}`"), std::io::Error::other(error));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (address, expected) in [
            ("127.0.0.1:5001", "127.0.0.1"),
            ("[::1]:5001", "::1"),
            ("models.example:443", "models.example"),
        ] {
            assert_eq!(host(address).unwrap(), ServerName::try_from(expected).unwrap());
        }
        assert!(host("no host:1").is_err());
    }
}
