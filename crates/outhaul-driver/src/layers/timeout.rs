//! Limits each call in time.

use std::time::Duration;

use super::{Call, Layer, Operation};
use crate::{DriverError, ErrorKind};

/// Gives up a call after a while, with a temporary error. Work without a natural limit (building an environment,
/// collecting outputs, staging a large tree) has none here.
pub struct Timeout {
    /// The limit of a short call.
    pub short: Duration,
}

impl Default for Timeout {
    fn default() -> Self {
        Self {
            short: Duration::from_secs(60),
        }
    }
}

impl Layer for Timeout {
    async fn around<T: Send>(&self, operation: Operation, call: Call<'_, T>) -> Result<T, DriverError> {
        use Operation::{CollectOutputs, Detach, PrepareEnvironment, Release, Submit};
        if matches!(
            operation,
            PrepareEnvironment | CollectOutputs | Submit | Release | Detach
        ) {
            return call().await;
        }
        tokio::time::timeout(self.short, call())
            .await
            .unwrap_or_else(|_| {
                let message = format!("no answer within {} s", self.short.as_secs());
                Err(DriverError::temporary(
                    ErrorKind::Unreachable,
                    operation.phrase(),
                    message,
                ))
            })
    }
}
