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

/// What a worker says first. What follows are answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FirstHead {
    /// The script is loaded and `init()` has returned.
    Ready(Traits),
    /// The script cannot be served; the body is a traceback, or empty.
    Broken(String),
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
    fn heads_are_told_apart() {
        let first = |text: &str| serde_json::from_str::<FirstHead>(text);
        let answer = |text: &str| serde_json::from_str::<AnswerHead>(text);
        let ready = r#"{"ready":{"raw":true,"headers":true,"schemas":{}}}"#;
        assert!(
            matches!(first(ready), Ok(FirstHead::Ready(traits)) if traits.raw && traits.schemas == Schemas::default())
        );
        assert!(matches!(first(r#"{"broken":"x"}"#), Ok(FirstHead::Broken(broken)) if broken == "x"));
        let usual = r#"{"status":200,"headers":[["A","b"]],"ms":"0.1","failed":false}"#;
        assert!(matches!(answer(usual), Ok(found) if found.status == 200 && found.headers.len() == 1));
        assert!(first(usual).is_err() && answer(ready).is_err());
        assert!(first(r#"{"other":1}"#).is_err() && answer(r#"{"other":1}"#).is_err());
    }
}
