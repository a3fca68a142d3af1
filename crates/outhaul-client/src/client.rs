//! The client: requests over one kept-alive connection, answers as types. The routes are in `routes.rs`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use outhaul_types::ApiError;
use outhaul_types::api::PREFIX;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::connection::{Connection, lost};
use crate::error::ClientError;
use crate::event_stream::EventStream;
use crate::launch::ensure_server;

/// Header in which every answer names the build of the server.
const BUILD_HEADER: &str = "outhaul-build";
/// How often in a row the server is started again for one request.
const MOST_REVIVALS: u32 = 5;
/// The pause after a server that did not start; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// How much of an answer that is no [`ApiError`] an error shows, in bytes.
const SHOWN: usize = 200;

/// A connection to the server of one data folder. Requests that may be repeated are repeated once when the kept
/// connection turns out to be dead.
#[derive(Debug)]
pub struct Client {
    home: PathBuf,
    idle: Mutex<Option<Connection>>,
    build: Mutex<Option<String>>,
    /// The program that is started as the server when the one that answered is gone.
    program: Option<PathBuf>,
}

/// Whether a request may be sent again when its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Twice is the same as once.
    May,
    /// Twice may differ from once.
    MayNot,
}

/// A request before it is bound to a connection.
pub(crate) struct Call {
    method: Method,
    uri: String,
    accept: Option<&'static str>,
    body: Option<Bytes>,
    repeat: Repeat,
}

impl Call {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        let repeat = if method == Method::POST {
            Repeat::MayNot
        } else {
            Repeat::May
        };
        Self {
            method,
            uri: format!("{PREFIX}{path}"),
            accept: None,
            body: None,
            repeat,
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn repeatable(mut self) -> Self {
        self.repeat = Repeat::May;
        self
    }

    pub(crate) fn events(mut self) -> Self {
        self.accept = Some("text/event-stream");
        self
    }

    /// A body that is JSON already.
    pub(crate) fn body(mut self, json: Bytes) -> Self {
        self.body = Some(json);
        self
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self, ClientError> {
        let bytes =
            serde_json::to_vec(body).map_err(|error| ClientError::Protocol(format!("request: {error}")))?;
        self.body = Some(Bytes::from(bytes));
        Ok(self)
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, ClientError> {
        let mut request = Request::builder()
            .method(&self.method)
            .uri(&self.uri)
            .header(header::HOST, "outhaul");
        if let Some(accept) = self.accept {
            request = request.header(header::ACCEPT, accept);
        }
        if self.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request
            .body(Full::new(self.body.clone().unwrap_or_default()))
            .map_err(|error| ClientError::Protocol(format!("request: {error}")))
    }
}

impl Client {
    /// Connects to the server of a data folder.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] when none listens there, [`ClientError::Io`] when the socket cannot be used.
    pub async fn connect(home: &Path) -> Result<Self, ClientError> {
        let connection = Connection::open(home).await?;
        Ok(Self {
            home: home.to_owned(),
            idle: Mutex::new(Some(connection)),
            build: Mutex::new(None),
            program: None,
        })
    }

    /// This client, which starts `program` as the server when the server dies between two requests, and asks again
    /// what may be asked again.
    #[must_use]
    pub(crate) fn reviving(mut self, program: &Path) -> Self {
        self.program = Some(program.to_owned());
        self
    }

    /// The data folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The server's build, as its last answer named it.
    #[must_use]
    pub fn server_build(&self) -> Option<String> {
        self.build.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take_idle(&self) -> Option<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        idle.filter(|connection| !connection.is_closed())
    }

    fn keep(&self, connection: Connection) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
    }

    /// Sends a call and gives the head of a good answer, with the connection that its body comes over.
    async fn send(&self, call: &Call) -> Result<(Response<Incoming>, Connection), ClientError> {
        let kept = self.take_idle();
        let was_kept = kept.is_some();
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(&self.home).await?,
        };
        let response = match connection.send(call.request()?).await {
            // The server may have closed a kept connection, or have been replaced, since the last answer.
            Err(error) if error.is_lost_connection() && was_kept && call.repeat == Repeat::May => {
                connection = Connection::open(&self.home).await?;
                connection.send(call.request()?).await?
            }
            other => other?,
        };
        if let Some(build) = response
            .headers()
            .get(BUILD_HEADER)
            .and_then(|value| value.to_str().ok())
        {
            *self.build.lock().unwrap_or_else(PoisonError::into_inner) = Some(build.to_owned());
        }
        let status = response.status();
        if status.is_success() {
            return Ok((response, connection));
        }
        let body = collect(response).await?;
        self.keep(connection);
        Err(refusal(status, &body))
    }

    /// The body of a call's answer; the server is started again where that is known how and the call may be repeated.
    async fn body(&self, call: Call) -> Result<Bytes, ClientError> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..MOST_REVIVALS {
            let error = match self.body_once(&call).await {
                Err(error) if error.is_lost_connection() && call.repeat == Repeat::May => error,
                other => return other,
            };
            let Some(program) = &self.program else {
                return Err(error);
            };
            // One that dies while it starts is no worse than one that died before.
            if Box::pin(ensure_server(&self.home, program)).await.is_err() {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
        self.body_once(&call).await
    }

    /// The body of a call's answer from the server that is there.
    async fn body_once(&self, call: &Call) -> Result<Bytes, ClientError> {
        let repeat = call.repeat;
        let (response, connection) = self.send(call).await?;
        let body = match collect(response).await {
            // An answer that was cut off: the server was killed while it wrote.
            Err(_) if repeat == Repeat::May => {
                let (response, connection) = self.send(call).await?;
                let body = collect(response).await?;
                self.keep(connection);
                return Ok(body);
            }
            other => other?,
        };
        self.keep(connection);
        Ok(body)
    }

    pub(crate) async fn typed<T: DeserializeOwned>(&self, call: Call) -> Result<T, ClientError> {
        let uri = call.uri.clone();
        let body = self.body(call).await?;
        serde_json::from_slice(&body).map_err(|error| ClientError::Protocol(format!("`{uri}`: {error}")))
    }

    pub(crate) async fn nothing(&self, call: Call) -> Result<(), ClientError> {
        self.body(call).await.map(drop)
    }

    /// An answer whose body is read piece by piece. Takes the connection along.
    pub(crate) async fn stream(&self, call: Call) -> Result<ByteStream, ClientError> {
        let (response, connection) = self.send(&call).await?;
        Ok(ByteStream {
            body: response.into_body(),
            _connection: connection,
        })
    }

    pub(crate) async fn event_stream(&self, call: Call) -> Result<EventStream, ClientError> {
        let call = call.events();
        let uri = call.uri.clone();
        let (response, connection) = self.send(&call).await?;
        let kind = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or("");
        if !kind.starts_with("text/event-stream") {
            return Err(ClientError::Protocol(format!(
                "`{uri}`: wanted an event stream, got `{kind}`"
            )));
        }
        Ok(EventStream::new(ByteStream {
            body: response.into_body(),
            _connection: connection,
        }))
    }
}

async fn collect(response: Response<Incoming>) -> Result<Bytes, ClientError> {
    Ok(response
        .into_body()
        .collect()
        .await
        .map_err(|error| lost(&error))?
        .to_bytes())
}

fn refusal(status: StatusCode, body: &[u8]) -> ClientError {
    match serde_json::from_slice::<ApiError>(body) {
        Ok(error) => ClientError::Api(error),
        Err(_) => {
            let text = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]);
            ClientError::Protocol(format!("status {status}: {}", text.trim()))
        }
    }
}

/// The body of an answer, piece by piece.
#[derive(Debug)]
pub struct ByteStream {
    body: Incoming,
    // Dropping it would close the connection.
    _connection: Connection,
}

impl ByteStream {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// When the connection is lost before the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| lost(&error))?;
            if let Ok(bytes) = frame.into_data()
                && !bytes.is_empty()
            {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Writes all that is left to `sink` and says how many bytes that were.
    ///
    /// # Errors
    /// When the connection is lost or `sink` fails; `what` names the sink in that error.
    pub async fn copy_to(&mut self, sink: &mut impl io::Write, what: &str) -> Result<u64, ClientError> {
        let mut total = 0;
        while let Some(bytes) = self.next().await? {
            sink.write_all(&bytes)
                .map_err(|error| ClientError::io(format!("cannot write {what}"), error))?;
            total += bytes.len() as u64;
        }
        Ok(total)
    }
}
