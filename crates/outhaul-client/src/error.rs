//! What can go wrong between a command and the server.

use std::io;
use std::path::PathBuf;

use outhaul_types::ApiError;

/// Why a request has no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No server listens in the data folder.
    #[error("no server is running for the data folder `{}`", home.display())]
    NotRunning {
        /// The data folder.
        home: PathBuf,
    },
    /// The server answered with an error, or said why it does not start.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The connection or a file failed.
    #[error("{action}: {source}")]
    Io {
        /// What was being done, to what.
        action: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The server's answer makes no sense to this client.
    #[error("the server's answer cannot be understood: {0}")]
    Protocol(String),
}

impl ClientError {
    pub(crate) fn io(action: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            action: action.into(),
            source,
        }
    }

    /// Whether the connection failed, so that nothing is known about what became of the request.
    #[must_use]
    pub fn is_lost_connection(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::NotRunning { .. })
    }
}
