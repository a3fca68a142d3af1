//! What a command ends with when it fails: an exit code, what happened, what to do next.

use std::fmt::Display;

use outhaul_client::ClientError;
use outhaul_types::{ApiError, ErrorCode, FailureClass, exit_code};

/// Exit code of a command whose reader has gone: what a shell shows for an end by SIGPIPE.
pub(crate) const BROKEN_PIPE: u8 = 141;

/// A command's failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CliError {
    /// Exit code of the command.
    pub code: u8,
    /// What kind of error the server says it is, where it is the server's.
    pub kind: Option<ErrorCode>,
    /// What happened, to which named thing. Nothing is shown when it is empty.
    pub message: String,
    /// What to do next.
    pub hints: Vec<String>,
}

/// What a command gives: its exit code.
pub(crate) type Outcome = Result<u8, CliError>;

impl CliError {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            kind: None,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// The command line, or a file that it names, is wrong.
    pub(crate) fn user(message: impl Into<String>) -> Self {
        Self::new(exit_code::USER, message)
    }

    /// Outhaul or this machine failed.
    pub(crate) fn system(message: impl Into<String>) -> Self {
        Self::new(exit_code::SYSTEM, message)
    }

    /// The one who read the output has gone; there is nobody to tell.
    pub(crate) fn broken_pipe() -> Self {
        Self::new(BROKEN_PIPE, "")
    }

    /// The kind of error: the server's word, else what the exit code says.
    pub(crate) const fn error_code(&self) -> ErrorCode {
        match (self.kind, self.code) {
            (Some(kind), _) => kind,
            (None, exit_code::ENVIRONMENT) => ErrorCode::Environment,
            (None, exit_code::TARGET) => ErrorCode::Target,
            (None, exit_code::SYSTEM) => ErrorCode::Internal,
            (None, _) => ErrorCode::BadRequest,
        }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    #[must_use]
    pub(crate) fn hint_if(self, hint: Option<impl Into<String>>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }
}

/// An error of a library about something the person gave, in that library's words.
pub(crate) fn user(error: impl Display) -> CliError {
    CliError::user(error.to_string())
}

/// The exit code for a failure of a class.
pub(crate) const fn code_of(class: FailureClass) -> u8 {
    match class {
        FailureClass::User => exit_code::USER,
        FailureClass::Environment => exit_code::ENVIRONMENT,
        FailureClass::Target => exit_code::TARGET,
        FailureClass::System => exit_code::SYSTEM,
    }
}

impl From<ApiError> for CliError {
    fn from(error: ApiError) -> Self {
        Self {
            kind: Some(error.code),
            ..Self::new(code_of(error.code.class()), error.message)
        }
        .hint_if(error.hint)
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Api(error) => error.into(),
            ClientError::NotRunning { .. } => {
                Self::system(error.to_string()).hint("any other command starts it")
            }
            ClientError::Protocol(_) => Self::system(error.to_string()).hint(
                "client and server may be of different versions: `outhaul server stop`, then try again",
            ),
            ClientError::Io { .. } => {
                Self::system(error.to_string()).hint("`outhaul doctor` looks for the cause")
            }
        }
    }
}

impl From<outhaul_snapshot::SnapshotError> for CliError {
    fn from(error: outhaul_snapshot::SnapshotError) -> Self {
        use outhaul_snapshot::SnapshotError as E;
        let code = match &error {
            E::Source { .. } | E::Problems(_) | E::DestinationTaken { .. } | E::Unkeepable { .. } => {
                exit_code::USER
            }
            _ => exit_code::SYSTEM,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_types::ErrorCode;

    #[test]
    fn every_kind_of_error_has_its_exit_code() {
        let cases = [
            (ErrorCode::BadRequest, 2),
            (ErrorCode::NotFound, 2),
            (ErrorCode::Conflict, 2),
            (ErrorCode::Environment, 120),
            (ErrorCode::Target, 121),
            (ErrorCode::Internal, 122),
            (ErrorCode::Stopping, 122),
        ];
        for (code, expected) in cases {
            let error = CliError::from(ClientError::Api(ApiError::new(code, "x").with_hint("y")));
            assert_eq!(
                (error.code, error.hints),
                (expected, vec!["y".to_owned()]),
                "{code:?}"
            );
            assert_eq!(CliError::from(ApiError::new(code, "x")).error_code(), code);
        }
        for (code, kind) in [
            (2, ErrorCode::BadRequest),
            (120, ErrorCode::Environment),
            (121, ErrorCode::Target),
            (122, ErrorCode::Internal),
            (BROKEN_PIPE, ErrorCode::BadRequest),
        ] {
            assert_eq!(CliError::new(code, "x").error_code(), kind, "{code}");
        }
        let lost = ClientError::NotRunning { home: "/h".into() };
        assert_eq!(CliError::from(lost).code, 122);
    }
}
