//! The engine's errors as the driver contract has them.

use outhaul_docker::{DockerError, ErrorKind as Docker};
use outhaul_driver::{DriverError, ErrorKind, Status};

/// An engine's error as a driver's.
pub(crate) fn driver_error(error: DockerError) -> DriverError {
    let kind = match error.kind {
        Docker::Unreachable => ErrorKind::Unreachable,
        Docker::Denied => ErrorKind::Refused,
        Docker::NotFound | Docker::Conflict | Docker::Engine => ErrorKind::Target,
        Docker::BadRequest => ErrorKind::Invalid,
        Docker::DiskFull => ErrorKind::DiskFull,
    };
    let status = if error.is_temporary() {
        Status::Temporary
    } else {
        Status::Permanent
    };
    DriverError {
        status,
        hint: error.hint,
        ..DriverError::permanent(kind, error.operation, error.message)
    }
}

/// An error while an image is fetched or built: what the person asked for cannot be had, and the engine has tried.
pub(crate) fn image_error(error: DockerError) -> DriverError {
    let kind = match error.kind {
        Docker::NotFound | Docker::BadRequest | Docker::Engine | Docker::Conflict => ErrorKind::Environment,
        _ => return driver_error(error),
    };
    DriverError {
        kind,
        status: Status::Permanent,
        ..driver_error(error)
    }
}

#[cfg(test)]
mod tests {
    use outhaul_types::FailureClass;

    use super::*;

    #[test]
    fn whose_fault_an_error_is() {
        let of = |kind| DockerError::new(kind, "try", "it").with_hint("do this");
        let engine = driver_error(of(Docker::Unreachable));
        assert!(engine.is_temporary() && engine.kind == ErrorKind::Unreachable);
        assert_eq!(engine.hint.as_deref(), Some("do this"));
        assert_eq!(driver_error(of(Docker::BadRequest)).class(), FailureClass::User);
        assert_eq!(
            image_error(of(Docker::NotFound)).class(),
            FailureClass::Environment
        );
        assert!(image_error(of(Docker::DiskFull)).is_temporary());
        assert!(!image_error(of(Docker::Engine)).is_temporary());
    }
}
