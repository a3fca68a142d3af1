//! The error that every API answer carries when something went wrong.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::failure::FailureClass;

/// What kind of error it is; each has one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request is wrong (400).
    BadRequest,
    /// The named thing is not there (404).
    NotFound,
    /// It is there already, or in a state that forbids the request (409).
    Conflict,
    /// An environment could not be locked or built (422).
    Environment,
    /// A target failed or could not be reached (502).
    Target,
    /// The server itself failed (500).
    Internal,
    /// The server is stopping (503).
    Stopping,
}

impl ErrorCode {
    /// The HTTP status of this kind of error.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Environment => 422,
            Self::Internal => 500,
            Self::Target => 502,
            Self::Stopping => 503,
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(self) -> FailureClass {
        match self {
            Self::BadRequest | Self::NotFound | Self::Conflict => FailureClass::User,
            Self::Environment => FailureClass::Environment,
            Self::Target => FailureClass::Target,
            Self::Internal | Self::Stopping => FailureClass::System,
        }
    }
}

/// An error as the API gives it: what happened, to which named thing, what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The kind of error.
    pub code: ErrorCode,
    /// What happened, to which named thing.
    pub message: String,
    /// What to do next, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ApiError {
    /// An error without a hint.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
        }
    }

    /// A request that is wrong.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }

    /// A named thing that is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// A thing that is there already or in the wrong state.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Conflict, message)
    }

    /// A failure of the server itself.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message)
    }

    /// The same error with what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
