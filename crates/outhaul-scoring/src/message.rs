//! The JSON heads of frames, as types.

use serde::{Deserialize, Serialize};

/// Head of a request for a worker.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RequestHead<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    /// The content type, empty when there was none.
    #[serde(rename = "type")]
    pub content_type: &'a str,
    /// All headers; left out when the script does not see them.
    pub headers: Vec<(&'a str, String)>,
    pub remote: String,
}

/// What a worker says.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum WorkerHead {
    /// The script is loaded and `init()` has returned.
    Ready { ready: Traits },
    /// The script cannot be served; the body is a traceback, or empty.
    Broken { broken: String },
    /// The answer to a request.
    Answer(AnswerHead),
}

/// What a script is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(crate) struct Traits {
    /// Whether `run()` takes the HTTP request itself.
    pub raw: bool,
    /// Whether `run()` sees headers.
    pub headers: bool,
    /// Schemas of input and output, when the script declares them.
    #[serde(default)]
    pub schemas: Schemas,
}

/// Schemas of `inference-schema`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(crate) struct Schemas {
    #[serde(default)]
    pub input: Option<serde_json::Value>,
    #[serde(default)]
    pub output: Option<serde_json::Value>,
}

/// Head of an answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct AnswerHead {
    pub status: u16,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Whether the script failed.
    #[serde(default)]
    pub failed: bool,
    /// How long `run()` took in milliseconds, as text; absent when it did not return.
    #[serde(default)]
    pub ms: Option<String>,
    /// Traceback for the log; never part of the answer.
    #[serde(default)]
    pub trace: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_heads_are_told_apart() {
        let read = |text: &str| serde_json::from_str::<WorkerHead>(text);
        assert!(matches!(
            read(r#"{"ready":{"raw":true,"headers":true,"schemas":{}}}"#),
            Ok(WorkerHead::Ready { ready }) if ready.raw && ready.schemas == Schemas::default()
        ));
        assert!(matches!(read(r#"{"broken":"x"}"#), Ok(WorkerHead::Broken { broken }) if broken == "x"));
        assert!(matches!(
            read(r#"{"status":200,"headers":[["A","b"]],"ms":"0.1","failed":false}"#),
            Ok(WorkerHead::Answer(answer)) if answer.status == 200 && answer.headers.len() == 1
        ));
        assert!(read(r#"{"other":1}"#).is_err());
    }
}
