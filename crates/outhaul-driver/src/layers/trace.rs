//! Traces each call: its time and its error.

use std::time::Instant;

use super::{Call, Layer, Operation};
use crate::DriverError;

/// Writes one trace event for each call, and a debug event for each error.
pub struct Trace;

impl Layer for Trace {
    async fn around<T: Send>(&self, operation: Operation, call: Call<'_, T>) -> Result<T, DriverError> {
        let begin = Instant::now();
        let result = call().await;
        let took_us = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        match &result {
            Ok(_) => tracing::trace!(operation = operation.as_str(), took_us, "driver.call"),
            Err(error) => tracing::debug!(operation = operation.as_str(), took_us, %error, "driver.error"),
        }
        result
    }
}
