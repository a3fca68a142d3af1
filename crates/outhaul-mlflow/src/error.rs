//! Errors as MLflow's clients read them: `error_code` and `message`, with the HTTP status that goes with the code.

use outhaul_types::{ApiError, ErrorCode};
use serde_json::{Value, json};

/// Codes of MLflow that are used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The request is wrong.
    InvalidParameterValue,
    /// A named thing is not there.
    ResourceDoesNotExist,
    /// A named thing is there already.
    ResourceAlreadyExists,
    /// It is there, and its state forbids this.
    InvalidState,
    /// There is no such route.
    EndpointNotFound,
    /// It is known, and not there yet.
    NotImplemented,
    /// Who asks has not said who they are.
    Unauthenticated,
    /// Who asks may not.
    PermissionDenied,
    /// Outhaul failed.
    InternalError,
}

impl Code {
    /// The code as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidParameterValue => "INVALID_PARAMETER_VALUE",
            Self::ResourceDoesNotExist => "RESOURCE_DOES_NOT_EXIST",
            Self::ResourceAlreadyExists => "RESOURCE_ALREADY_EXISTS",
            Self::InvalidState => "INVALID_STATE",
            Self::EndpointNotFound => "ENDPOINT_NOT_FOUND",
            Self::NotImplemented => "NOT_IMPLEMENTED",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::InternalError => "INTERNAL_ERROR",
        }
    }

    /// The HTTP status. A client repeats what failed with 500 and more, so nothing that cannot get better has those,
    /// but for 501, which it does not repeat.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidParameterValue | Self::ResourceAlreadyExists | Self::InvalidState => 400,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::ResourceDoesNotExist | Self::EndpointNotFound => 404,
            Self::NotImplemented => 501,
            Self::InternalError => 500,
        }
    }
}

/// An error of the tracking protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MlflowError {
    /// Its code.
    pub code: Code,
    /// What happened, and what to do next.
    pub message: String,
}

impl MlflowError {
    /// An error with this code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The request is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidParameterValue, message)
    }

    /// A named thing is not there.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(Code::ResourceDoesNotExist, message)
    }

    /// The body of the answer.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({"error_code": self.code.as_str(), "message": self.message})
    }
}

impl From<ApiError> for MlflowError {
    fn from(error: ApiError) -> Self {
        let code = match error.code {
            ErrorCode::NotFound => Code::ResourceDoesNotExist,
            ErrorCode::BadRequest => Code::InvalidParameterValue,
            ErrorCode::Conflict => Code::InvalidState,
            _ => Code::InternalError,
        };
        let message = match error.hint {
            Some(hint) => format!("{} ({hint})", error.message),
            None => error.message,
        };
        Self { code, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_errors_keep_their_words() {
        let error =
            ApiError::not_found("there is no run `x`").with_hint("`outhaul runs list` shows the runs");
        let body = MlflowError::from(error).body();
        assert_eq!(
            body,
            json!({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "there is no run `x` (`outhaul runs list` shows the runs)"})
        );
    }
}
