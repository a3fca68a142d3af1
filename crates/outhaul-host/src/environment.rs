//! Environments on hosts: the words of `outhaul-environment` put into those of the driver contract.

use std::path::Path;
use std::sync::Arc;

use outhaul_driver::{DriverError, ErrorKind, LogSink, PreparedEnvironment, Status};
use outhaul_environment::{BuiltEnvironment, CondaBackend, CondaChannels, EnvironmentError, ErrorClass};
use outhaul_types::Interpreter;

/// Passes what a build prints on to the caller's log.
pub struct Log<'a>(pub &'a dyn LogSink);

impl outhaul_environment::LogSink for Log<'_> {
    fn line(&self, bytes: &[u8]) {
        self.0.write(bytes);
    }
}

/// What solves and fetches packages of conda channels on the machine of the server. They are kept under `folder`, which
/// targets share; proxies are taken from `environment`.
///
/// # Errors
/// When a proxy's address is not one.
pub fn conda(
    folder: &Path,
    environment: &[(String, String)],
) -> Result<Option<Arc<dyn CondaBackend>>, DriverError> {
    let channels = CondaChannels::new(&folder.join("conda"), environment).map_err(|trouble| {
        DriverError::permanent(ErrorKind::Invalid, "prepare for conda channels", trouble.message)
    })?;
    Ok(Some(Arc::new(channels)))
}

/// A built environment for the launcher.
#[must_use]
pub fn prepared(built: BuiltEnvironment, interpreter: &Interpreter) -> PreparedEnvironment {
    // The person's own interpreter keeps the person's own PATH.
    let bin = matches!(interpreter, Interpreter::Managed { .. }).then_some(built.bin_dir);
    PreparedEnvironment {
        id: built.id,
        python: built.python,
        bin,
        lock: built.lock,
    }
}

/// A failed build as a driver's error.
#[must_use]
pub fn failed(operation: &'static str, error: &EnvironmentError) -> DriverError {
    if error.is_unreachable() {
        return DriverError::temporary(ErrorKind::Unreachable, operation, error.to_string());
    }
    let kind = match error.class() {
        ErrorClass::Environment => ErrorKind::Environment,
        ErrorClass::Target => ErrorKind::Target,
    };
    // A build is long, and its own tool has tried again already: no layer shall repeat it.
    let status = if error.is_temporary() {
        Status::Persistent
    } else {
        Status::Permanent
    };
    // The text may have lines of advice after the first ones; it is shown whole.
    DriverError {
        status,
        ..DriverError::permanent(kind, operation, error.to_string())
    }
}
