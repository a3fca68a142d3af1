//! Log streams of a run and the frames in which they travel.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One of a run's log streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    /// What the script wrote to its standard output.
    Stdout,
    /// What the script wrote to its standard error.
    Stderr,
    /// What building the environment printed.
    Environment,
}

impl LogStream {
    /// All streams; the position is the stream's number in stored order files, so it never changes.
    pub const ALL: [Self; 3] = [Self::Stdout, Self::Stderr, Self::Environment];

    /// The stream's name, which is also its file's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Environment => "environment",
        }
    }
}

impl fmt::Display for LogStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for LogStream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|stream| stream.as_str() == text)
            .ok_or_else(|| {
                format!("`{text}` is not a log stream; there are `stdout`, `stderr` and `environment`")
            })
    }
}

/// One piece of a log as it travels in a server-sent event (`event: log`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogFrame {
    /// The stream that it belongs to.
    pub stream: LogStream,
    /// Where it begins within its own stream, in bytes.
    pub offset: u64,
    /// Where the *next* piece begins in the order that was asked for (one stream, or all in order of arrival):
    /// the value to give as `offset` to go on after a lost connection. Also the event's `id`.
    pub next: u64,
    /// The bytes, as standard base64: a log may hold any bytes.
    pub data: String,
}
