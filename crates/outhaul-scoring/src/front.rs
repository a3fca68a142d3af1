//! The HTTP side of one request: who may ask, what is asked, what is answered.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, AUTHORIZATION, CONNECTION,
    CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderValue, ORIGIN, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use tokio_rustls::rustls::ServerConfig;

use crate::contract::{
    Ids, RUN_FAILED, RUN_MS, Route, SERVER_VERSION, message, refusal, script_headers, time_for_body, uuid,
};
use crate::engine::{Engine, Reply, Request};
use crate::keys::Keys;
use crate::message::AnswerHead;
use crate::swagger;

/// A whole answer.
pub(crate) type Answer = Response<Full<Bytes>>;

const SERVER: &str = concat!("outhaul/", env!("CARGO_PKG_VERSION"));
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const TRUE: HeaderValue = HeaderValue::from_static("True");
const FALSE: HeaderValue = HeaderValue::from_static("False");
/// For so many ids the system is asked for random bytes at once.
const IDS: usize = 64;
/// So much of a body that is refused is read away, so that its sender gets to read the answer.
const READ_AWAY: u64 = 1 << 30;

/// What answers requests.
#[derive(Debug)]
pub(crate) struct Front {
    pub engine: Arc<Engine>,
    pub keys: Keys,
    /// What the service calls itself: the script's name.
    pub name: String,
    /// How connections are taken in, where TLS is spoken.
    pub tls: Option<Arc<ServerConfig>>,
}

impl Front {
    /// Answers a request.
    pub(crate) async fn answer(&self, request: http::Request<Incoming>, remote: IpAddr) -> Answer {
        let (parts, body) = request.into_parts();
        let ids = match Ids::of(&parts.headers, fresh_id) {
            Ok(ids) => ids,
            Err(text) => return stamped(failure(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text)),
        };
        let origin = self.allowed_origin(&parts);
        let mut answer = if self.is_preflight(&parts) {
            self.preflight(&parts)
        } else {
            self.routed(parts, body, remote, &ids).await
        };
        ids.write(answer.headers_mut());
        self.allow_origin(origin, &mut answer);
        stamped(answer)
    }

    async fn routed(&self, parts: Parts, body: Incoming, remote: IpAddr, ids: &Ids) -> Answer {
        let traits = self.engine.traits();
        let route = Route::of(&parts.method, parts.uri.path(), traits.raw);
        let authorization = parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        if route.needs_key() && !self.keys.accept(authorization) {
            let mut answer = failure(
                StatusCode::UNAUTHORIZED,
                "A key is needed: send it as `Authorization: Bearer KEY`.",
            );
            answer
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return self.refused(&parts, body, answer).await;
        }
        match route {
            Route::Score => self.score(parts, body, remote, ids).await,
            Route::Health | Route::Ready => self.readiness(),
            Route::Live => plain(StatusCode::OK, HTML, "Alive"),
            Route::Metrics => {
                let (counts, ready) = self.engine.counts();
                plain(StatusCode::OK, PLAIN, self.engine.metrics.text(counts, ready))
            }
            Route::Swagger => self.swagger(&parts),
            Route::Options(methods) => {
                let mut answer = plain(StatusCode::OK, HTML, "");
                answer
                    .headers_mut()
                    .insert(ALLOW, HeaderValue::from_static(methods));
                if parts.uri.path() == "/score" {
                    answer.headers_mut().insert(RUN_FAILED, FALSE);
                }
                answer
            }
            Route::WrongMethod(methods) => {
                let mut answer = failure(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "The method is not allowed for the requested URL.",
                );
                answer
                    .headers_mut()
                    .insert(ALLOW, HeaderValue::from_static(methods));
                self.refused(&parts, body, answer).await
            }
            Route::Unknown => {
                let text = "The requested URL was not found on the server. If you entered the URL manually please \
                            check your spelling and try again.";
                self.refused(&parts, body, failure(StatusCode::NOT_FOUND, text))
                    .await
            }
        }
    }

    async fn score(&self, parts: Parts, body: Incoming, remote: IpAddr, ids: &Ids) -> Answer {
        let began = Instant::now();
        let (method, uri) = (parts.method.clone(), parts.uri.clone());
        let answer = self.scored(parts, body, remote, ids).await;
        let (status, took) = (answer.status().as_u16(), began.elapsed());
        self.engine.metrics.answered(status, took);
        tracing::info!(
            request = %ids.request.to_str().unwrap_or("-"),
            status,
            ms = %format_args!("{:.3}", took.as_secs_f64() * 1000.0),
            "{method} {}",
            uri.path()
        );
        answer
    }

    async fn scored(&self, parts: Parts, body: Incoming, remote: IpAddr, ids: &Ids) -> Answer {
        // Asked before the body is read: what would be refused is not kept in memory.
        if let Some(why) = self.engine.refusal() {
            return self.refused(&parts, body, turned_away(why)).await;
        }
        let body = match self.read(&parts, body).await {
            Ok(body) => body,
            Err(answer) => return *answer,
        };
        let request = Request {
            id: ids.request.clone(),
            parts,
            remote,
            body,
        };
        match self.engine.score(request).await {
            Reply::Answer(head, body) => from_script(&head, body),
            Reply::TimedOut => {
                let text = format!(
                    "Scoring timeout after {} ms",
                    self.engine.config.timeout.as_millis()
                );
                failure(StatusCode::INTERNAL_SERVER_ERROR, &text)
            }
            Reply::Died(text) => failure(StatusCode::BAD_GATEWAY, &text),
            Reply::Refused(why) => turned_away(why),
        }
    }

    /// Reads a body that may be so long and come so slowly.
    async fn read(&self, parts: &Parts, mut body: Incoming) -> Result<Bytes, Box<Answer>> {
        let config = &self.engine.config;
        let limit = config.max_body;
        let declared = body.size_hint().exact();
        if declared.is_some_and(|declared| declared > limit as u64) {
            return Err(Box::new(self.refused(parts, body, too_long(limit)).await));
        }
        let began = tokio::time::Instant::now();
        let mut whole: Vec<u8> = Vec::new();
        loop {
            let by = began + time_for_body(config.patience, whole.len() as u64);
            let frame = match tokio::time::timeout_at(by, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => return Ok(whole.into()),
                Ok(Some(Err(error))) => {
                    let text = format!("The body could not be read: {error}");
                    return Err(Box::new(closing(failure(StatusCode::BAD_REQUEST, &text))));
                }
                Err(_) => {
                    let text = "The body came too slowly.";
                    return Err(Box::new(closing(failure(StatusCode::REQUEST_TIMEOUT, text))));
                }
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if whole.len() + data.len() > limit {
                drop(whole);
                return Err(Box::new(self.refused(parts, body, too_long(limit)).await));
            }
            // One piece is the usual case and is not copied.
            if whole.is_empty() && declared == Some(data.len() as u64) {
                return Ok(data);
            }
            whole.extend_from_slice(&data);
        }
    }

    /// An answer to a request whose body is not wanted. The body is read away, so that a client that sends all of it
    /// first gets to the answer; one that waits to be told to send it is not told.
    async fn refused(&self, parts: &Parts, mut body: Incoming, answer: Answer) -> Answer {
        if body.is_end_stream() {
            return answer;
        }
        if parts.headers.contains_key(EXPECT) {
            return closing(answer);
        }
        let mut read = 0;
        let all = async {
            while let Some(Ok(frame)) = body.frame().await {
                read += frame.data_ref().map_or(0, Bytes::len) as u64;
                if read > READ_AWAY {
                    return false;
                }
            }
            true
        };
        match tokio::time::timeout(self.engine.config.patience, all).await {
            Ok(true) => answer,
            _ => closing(answer),
        }
    }

    fn readiness(&self) -> Answer {
        if self.engine.counts().1 {
            plain(StatusCode::OK, HTML, "Healthy")
        } else {
            plain(StatusCode::SERVICE_UNAVAILABLE, HTML, "No worker is ready")
        }
    }

    fn swagger(&self, parts: &Parts) -> Answer {
        let query = parts.uri.query().unwrap_or_default();
        match swagger::document(query, &self.name, &self.engine.traits().schemas) {
            Ok(document) => {
                let mut answer = plain(StatusCode::OK, JSON, document.to_string());
                answer.headers_mut().insert(RUN_FAILED, FALSE);
                answer
            }
            Err(text) => failure(StatusCode::NOT_FOUND, &text),
        }
    }

    /// The value of `Access-Control-Allow-Origin` for a caller, when there is one.
    fn allowed_origin(&self, parts: &Parts) -> Option<HeaderValue> {
        let cors = self.engine.config.cors.as_deref()?;
        let origin = parts.headers.get(ORIGIN)?;
        if cors == "*" {
            return Some(HeaderValue::from_static("*"));
        }
        (origin.as_bytes() == cors.as_bytes()).then(|| origin.clone())
    }

    fn allow_origin(&self, origin: Option<HeaderValue>, answer: &mut Answer) {
        if self.engine.config.cors.is_none() {
            return;
        }
        let headers = answer.headers_mut();
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
    }

    fn is_preflight(&self, parts: &Parts) -> bool {
        parts.method == Method::OPTIONS
            && parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
            && self.allowed_origin(parts).is_some()
    }

    fn preflight(&self, parts: &Parts) -> Answer {
        let mut answer = plain(StatusCode::OK, HTML, "");
        let headers = answer.headers_mut();
        headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST, OPTIONS"),
        );
        if let Some(asked) = parts.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        headers.insert(RUN_FAILED, FALSE);
        answer
    }
}

fn fresh_id() -> HeaderValue {
    thread_local! {
        /// Random bytes for the next ids: the system is asked once for many.
        static RANDOM: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
    }
    let bytes = RANDOM.with_borrow_mut(|left| {
        if left.is_empty() {
            let mut many = [0; 16 * IDS];
            // Ids tell requests apart in logs; without random bytes they look alike and nothing else is lost.
            let _ = getrandom::fill(&mut many);
            left.extend(many.as_chunks().0);
        }
        left.pop().unwrap_or_default()
    });
    uuid(bytes)
}

fn from_script(head: &AnswerHead, body: Bytes) -> Answer {
    let Ok(status) = StatusCode::from_u16(head.status) else {
        return failure(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!(
                "The scoring script answered with the status {}, which there is not.",
                head.status
            ),
        );
    };
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    script_headers(&head.headers, headers);
    headers.insert(RUN_FAILED, if head.failed { TRUE } else { FALSE });
    if let Some(took) = head
        .ms
        .as_deref()
        .and_then(|took| HeaderValue::from_str(took).ok())
    {
        headers.insert(RUN_MS, took);
    }
    answer
}

fn turned_away(why: crate::pool::Refusal) -> Answer {
    let (status, text) = refusal(why);
    let mut answer = failure(status, text);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

fn too_long(limit: usize) -> Answer {
    let text = format!("The body is longer than the {limit} bytes that are taken.");
    failure(StatusCode::PAYLOAD_TOO_LARGE, &text)
}

fn failure(status: StatusCode, text: &str) -> Answer {
    let mut answer = plain(status, JSON, message(text));
    answer.headers_mut().insert(RUN_FAILED, FALSE);
    answer
}

fn plain(status: StatusCode, content_type: HeaderValue, text: impl Into<Bytes>) -> Answer {
    let body: Bytes = text.into();
    let length = body.len();
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    answer
}

fn closing(mut answer: Answer) -> Answer {
    answer
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn stamped(mut answer: Answer) -> Answer {
    answer
        .headers_mut()
        .insert(SERVER_VERSION, HeaderValue::from_static(SERVER));
    answer
}
