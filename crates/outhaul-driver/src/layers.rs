//! Layers: what is wrapped around any driver, the same for tests and for users.
//!
//! A layer sees each call of the effect half as an [`Operation`] and a way to make the call (once, never or
//! several times); the pure half and the wake-ups pass through untouched.

mod chaos;
mod retry;
mod timeout;
mod trace;
mod wrapped;

pub use chaos::{Chaos, Fault};
pub use retry::Retry;
pub use timeout::Timeout;
pub use trace::Trace;
pub use wrapped::{Call, Layer, Operation, Wrapped};

use std::sync::Arc;

use crate::Driver;

/// The layers that every target gets: each attempt is limited in time and traced, temporary errors are retried.
#[must_use]
pub fn standard(driver: Arc<dyn Driver>) -> Arc<dyn Driver> {
    let traced = Wrapped::new(driver, Trace);
    let limited = Wrapped::new(traced, Timeout::default());
    Wrapped::new(limited, Retry::default())
}
