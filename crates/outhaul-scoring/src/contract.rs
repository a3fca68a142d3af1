//! The HTTP contract with callers: routes, ids, messages, headers. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

use crate::pool::Refusal;

/// Whether `run()` failed.
pub(crate) const RUN_FAILED: HeaderName = HeaderName::from_static("x-ms-run-function-failed");
/// How long `run()` took, in milliseconds.
pub(crate) const RUN_MS: HeaderName = HeaderName::from_static("x-ms-run-fn-exec-ms");
/// Which server answers.
pub(crate) const SERVER_VERSION: HeaderName = HeaderName::from_static("x-ms-server-version");
/// Names the request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Names the request, as Azure's clients say it.
pub(crate) const MS_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
/// Names the request, as the caller's own program says it.
pub(crate) const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// Longer ids are refused, in bytes.
const LONGEST_ID: usize = 100;
/// A client that sends slower than this has gone for good, in bytes a second.
const SLOWEST_BODY: u64 = 16 << 10;

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// `GET /`: is there somebody?
    Health,
    /// `GET /healthz`: does the front answer?
    Live,
    /// `GET /readyz`: would a request find a worker?
    Ready,
    /// `GET /metrics`.
    Metrics,
    /// `run()`.
    Score,
    /// The service's own description.
    Swagger,
    /// `OPTIONS` of a route: the methods that there are.
    Options(&'static str),
    /// A route without this method.
    WrongMethod(&'static str),
    /// No route.
    Unknown,
}

impl Route {
    /// The route of a request. Scripts with `@rawhttp` see all methods of `/score`.
    pub(crate) fn of(method: &Method, path: &str, raw: bool) -> Self {
        let read = |route| match *method {
            Method::GET | Method::HEAD => route,
            Method::OPTIONS => Self::Options("HEAD, OPTIONS, GET"),
            _ => Self::WrongMethod("HEAD, OPTIONS, GET"),
        };
        match path {
            "/" => read(Self::Health),
            "/healthz" => read(Self::Live),
            "/readyz" => read(Self::Ready),
            "/metrics" => read(Self::Metrics),
            "/swagger.json" => read(Self::Swagger),
            "/score" => match *method {
                Method::GET | Method::POST => Self::Score,
                Method::OPTIONS | Method::HEAD if raw => Self::Score,
                Method::OPTIONS => Self::Options("OPTIONS, GET, POST"),
                _ => Self::WrongMethod("OPTIONS, GET, POST"),
            },
            _ => Self::Unknown,
        }
    }

    /// Whether a caller has to give a key where there are keys. Probes have none.
    pub(crate) fn needs_key(self) -> bool {
        !matches!(self, Self::Health | Self::Live | Self::Ready | Self::Options(_))
    }
}

/// The ids of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ids {
    pub request: HeaderValue,
    pub ms: HeaderValue,
    pub client: Option<HeaderValue>,
}

impl Ids {
    /// Ids as the caller gave them, or `fresh`.
    ///
    /// # Errors
    /// The message when one is too long.
    pub(crate) fn of(headers: &HeaderMap, fresh: impl FnOnce() -> HeaderValue) -> Result<Self, &'static str> {
        let given = |name: HeaderName| headers.get(name).filter(|value| !value.is_empty());
        let too_long = |value: Option<&HeaderValue>| value.is_some_and(|value| value.len() > LONGEST_ID);
        let (request, ms, client) = (given(REQUEST_ID), given(MS_REQUEST_ID), given(CLIENT_REQUEST_ID));
        if too_long(request) {
            return Err("x-request-id must not exceed 100 characters");
        }
        if too_long(ms) || too_long(client) {
            return Err("x-ms-request-id and x-ms-client-request-id must not exceed 100 characters");
        }
        let request = request.cloned().unwrap_or_else(fresh);
        Ok(Self {
            ms: ms.or(client).unwrap_or(&request).clone(),
            client: client.or(ms).cloned(),
            request,
        })
    }

    /// Adds them to an answer.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.request);
        headers.insert(MS_REQUEST_ID, self.ms);
        if let Some(client) = self.client {
            headers.insert(CLIENT_REQUEST_ID, client);
        }
    }
}

/// A random id (UUID version 4) from 16 random bytes.
pub(crate) fn uuid(mut bytes: [u8; 16]) -> HeaderValue {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

/// The body of an error.
pub(crate) fn message(text: &str) -> String {
    format!("{{\"message\": {}}}", serde_json::Value::from(text))
}

/// What a request is told that gets no worker.
pub(crate) fn refusal(why: Refusal) -> (StatusCode, &'static str) {
    match why {
        Refusal::Full => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many requests wait for a worker. Try again later.",
        ),
        Refusal::Starting => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The service is starting: init() has not returned yet. Try again later.",
        ),
        Refusal::NoWorker => (
            StatusCode::SERVICE_UNAVAILABLE,
            "No worker can be started: init() fails. Check the logs for more info.",
        ),
        Refusal::Undeliverable => (
            StatusCode::BAD_GATEWAY,
            "Two workers ended before they could take the request. Check the logs for more info.",
        ),
        Refusal::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "The service is ending."),
    }
}

/// How long a client may take for a body of which it has sent so much.
pub(crate) fn time_for_body(patience: Duration, received: u64) -> Duration {
    patience + Duration::from_secs(received / SLOWEST_BODY)
}

/// Headers of a script's own answer that are taken over. What belongs to the connection is ours.
pub(crate) fn script_headers(given: &[(String, String)], headers: &mut HeaderMap) {
    const OURS: [&str; 7] = [
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "server",
        "transfer-encoding",
        "upgrade",
    ];
    for (name, value) in given {
        let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name.as_str()),
            HeaderValue::try_from(value.as_str()),
        ) else {
            continue;
        };
        if OURS.contains(&name.as_str()) {
            continue;
        }
        if name == CONTENT_TYPE {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes() {
        let post = Method::POST;
        let cases = [
            (Method::GET, "/", false, Route::Health),
            (Method::HEAD, "/", false, Route::Health),
            (post.clone(), "/", false, Route::WrongMethod("HEAD, OPTIONS, GET")),
            (Method::OPTIONS, "/", false, Route::Options("HEAD, OPTIONS, GET")),
            (post.clone(), "/score", false, Route::Score),
            (Method::GET, "/score", false, Route::Score),
            (
                Method::OPTIONS,
                "/score",
                false,
                Route::Options("OPTIONS, GET, POST"),
            ),
            (Method::OPTIONS, "/score", true, Route::Score),
            (
                Method::HEAD,
                "/score",
                false,
                Route::WrongMethod("OPTIONS, GET, POST"),
            ),
            (Method::HEAD, "/score", true, Route::Score),
            (
                Method::PUT,
                "/score",
                true,
                Route::WrongMethod("OPTIONS, GET, POST"),
            ),
            (Method::GET, "/score/", false, Route::Unknown),
            (Method::GET, "/swagger.json", false, Route::Swagger),
            (post, "/metrics", false, Route::WrongMethod("HEAD, OPTIONS, GET")),
            (Method::GET, "/readyz", false, Route::Ready),
        ];
        for (method, path, raw, route) in cases {
            assert_eq!(Route::of(&method, path, raw), route, "{method} {path} {raw}");
        }
        assert!(Route::Score.needs_key() && Route::Metrics.needs_key() && Route::Swagger.needs_key());
        assert!(Route::Unknown.needs_key() && !Route::Ready.needs_key() && !Route::Health.needs_key());
    }

    #[test]
    fn ids() {
        // Given: request, ms, client. Answered: request, ms, client.
        let cases = [
            (["", "", ""], ["new", "new", ""]),
            (["r", "", ""], ["r", "r", ""]),
            (["", "m", ""], ["new", "m", "m"]),
            (["", "", "c"], ["new", "c", "c"]),
            (["r", "m", "c"], ["r", "m", "c"]),
        ];
        let headers = |values: [&str; 3]| {
            let mut headers = HeaderMap::new();
            for (name, value) in [REQUEST_ID, MS_REQUEST_ID, CLIENT_REQUEST_ID]
                .into_iter()
                .zip(values)
            {
                if !value.is_empty() {
                    headers.insert(name, HeaderValue::from_str(value).unwrap());
                }
            }
            headers
        };
        for (given, answered) in cases {
            let ids = Ids::of(&headers(given), || HeaderValue::from_static("new")).unwrap();
            let mut written = HeaderMap::new();
            ids.write(&mut written);
            assert_eq!(written, headers(answered), "{given:?}");
        }
        let (long, longer) = ("r".repeat(100), "r".repeat(101));
        let read = |values| Ids::of(&headers(values), || HeaderValue::from_static("new"));
        assert!(read([&long, &long, &long]).is_ok());
        assert!(
            read([&longer, "", ""])
                .unwrap_err()
                .starts_with("x-request-id must")
        );
        assert!(
            read(["", &longer, ""])
                .unwrap_err()
                .starts_with("x-ms-request-id and")
        );
        assert!(
            read(["", "", &longer])
                .unwrap_err()
                .starts_with("x-ms-request-id and")
        );
    }

    #[test]
    fn a_uuid_says_that_it_is_random() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
    }

    #[test]
    fn headers_of_the_connection_are_ours() {
        let given = [
            ("Content-Type", "text/csv"),
            ("Content-Length", "7"),
            ("Connection", "close"),
            ("Transfer-Encoding", "chunked"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("X-Bad", "a\r\nX-More: b"),
            ("bad name", "x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut headers = HeaderMap::new();
        script_headers(&given, &mut headers);
        assert_eq!(headers.len(), 3, "{headers:?}");
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
    }

    #[test]
    fn a_long_body_gets_more_time() {
        let patience = Duration::from_secs(30);
        assert_eq!(time_for_body(patience, 1000), patience);
        assert_eq!(time_for_body(patience, 100 << 20), Duration::from_secs(30 + 6400));
    }

    #[test]
    fn messages_are_json() {
        assert_eq!(message("a \"b\""), r#"{"message": "a \"b\""}"#);
    }
}
