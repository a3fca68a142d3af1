//! Paths and queries of requests. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// Writes every byte that is not a letter, a digit, one of `-_.~` or one of `keep` as `%XX`.
pub(crate) fn percent_encode(bytes: &[u8], keep: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(byte) || keep.contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.push('%');
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    text
}

/// One component of a path. `.` and `..` are written so that nothing on the way takes them for folders.
pub(crate) fn segment(text: &str) -> String {
    match text {
        "." | ".." => text.replace('.', "%2E"),
        _ => percent_encode(text.as_bytes(), b""),
    }
}

/// A path of several components.
pub(crate) fn segments(path: &str) -> String {
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// A path with the query that a flat struct of texts, numbers and flags stands for.
pub(crate) fn with_query(path: &str, query: &impl Serialize) -> String {
    let mut uri = path.to_owned();
    let Ok(Value::Object(fields)) = serde_json::to_value(query) else {
        return uri;
    };
    // In the order of their names, whatever the order of JSON's objects is in this build.
    let fields: BTreeMap<String, Value> = fields.into_iter().collect();
    let mut sign = '?';
    for (name, value) in fields {
        let value = match value {
            Value::Null => continue,
            Value::String(text) => text,
            other => other.to_string(),
        };
        uri.push(sign);
        uri.push_str(&percent_encode(name.as_bytes(), b""));
        uri.push('=');
        uri.push_str(&percent_encode(value.as_bytes(), b""));
        sign = '&';
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_types::LogStream;
    use outhaul_types::api::{LogQuery, RunFilter};

    #[test]
    fn components_cannot_leave_their_place() {
        let cases = [
            ("abc", "abc"),
            ("a b/c?d=1&e#f", "a%20b%2Fc%3Fd%3D1%26e%23f"),
            ("..", "%2E%2E"),
            ("ä\n%", "%C3%A4%0A%25"),
        ];
        for (text, expected) in cases {
            assert_eq!(segment(text), expected);
        }
        assert_eq!(segments("outputs/a b/../c"), "outputs/a%20b/%2E%2E/c");
    }

    #[test]
    fn queries_have_only_what_was_given() {
        let filter = RunFilter {
            tag: Some("a=b c".into()),
            limit: Some(5),
            ..RunFilter::default()
        };
        assert_eq!(with_query("/runs", &filter), "/runs?limit=5&tag=a%3Db%20c");
        assert_eq!(with_query("/runs", &RunFilter::default()), "/runs");
        let query = LogQuery {
            stream: Some(LogStream::Stderr),
            offset: Some(7),
            follow: Some(true),
            ..LogQuery::default()
        };
        assert_eq!(with_query("/l", &query), "/l?follow=true&offset=7&stream=stderr");
    }
}
