//! Errors on their way to a client: names that are not known, what the store says, and what a target says.

use outhaul_driver::DriverError;
use outhaul_store::StoreError;
use outhaul_types::{ApiError, ErrorCode};

/// The error for a name that is not known, with the nearest one that is.
pub(crate) fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    list: &str,
) -> ApiError {
    let error = ApiError::not_found(format!("there is no {what} `{name}`"));
    let hint = match outhaul_types::nearest::did_you_mean(name, known) {
        Some(guess) => guess,
        None => format!("`{list}` shows what there is"),
    };
    error.with_hint(hint)
}

/// A store's error as the API gives it.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
pub(crate) fn translate(error: StoreError) -> ApiError {
    let code = match &error {
        StoreError::NotFound { .. } => ErrorCode::NotFound,
        StoreError::Conflict(_) | StoreError::Stale { .. } | StoreError::Forbidden(_) => ErrorCode::Conflict,
        StoreError::Ambiguous { .. } => ErrorCode::BadRequest,
        StoreError::NewerVersion { .. } | StoreError::DiskFull(_) | StoreError::Backend(_) => {
            ErrorCode::Internal
        }
    };
    let hint = match &error {
        StoreError::Ambiguous { .. } => Some("give more characters of the id"),
        StoreError::DiskFull(_) => Some("make room on the disk; runs that go on are not harmed"),
        _ => None,
    };
    let api = ApiError::new(code, error.to_string());
    match hint {
        Some(hint) => api.with_hint(hint),
        None => api,
    }
}

/// A driver's error as the API gives it, with its advice.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
pub(crate) fn of_target(error: DriverError) -> ApiError {
    let api = ApiError::new(ErrorCode::Target, error.to_string());
    match &error.hint {
        Some(hint) => api.with_hint(hint),
        None => api,
    }
}
