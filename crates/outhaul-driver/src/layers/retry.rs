//! Tries calls again that failed with a temporary error.

use std::time::Duration;

use super::{Call, Layer, Operation};
use crate::{DriverError, Status};

/// Tries a call a few times with growing pauses; what is temporary then becomes persistent.
pub struct Retry {
    /// How often a call is made at most.
    pub attempts: u32,
    /// The first pause; each further one is twice as long.
    pub pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 3,
            pause: Duration::from_millis(50),
        }
    }
}

impl Layer for Retry {
    async fn around<T: Send>(&self, operation: Operation, call: Call<'_, T>) -> Result<T, DriverError> {
        let mut pause = self.pause;
        for attempt in 1.. {
            match call().await {
                Err(error) if error.is_temporary() && attempt < self.attempts => {
                    tracing::debug!(operation = operation.as_str(), attempt, %error, "driver.retry");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(mut error) => {
                    if error.is_temporary() {
                        error.status = Status::Persistent;
                    }
                    return Err(error);
                }
                Ok(value) => return Ok(value),
            }
        }
        unreachable!("the loop ends by returning")
    }
}
