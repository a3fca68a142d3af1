//! Makes calls fail in the ways in which networks fail, by a seeded plan. For tests only.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Call, Layer, Operation};
use crate::{DriverError, ErrorKind};

/// A way in which a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call is not made.
    Lost,
    /// The call is made, and its answer is lost.
    AnswerLost,
    /// The call is made twice.
    Repeated,
}

/// Makes about one in `one_in` calls go wrong, in a way that depends only on the seed and the order of calls.
pub struct Chaos {
    one_in: u64,
    state: AtomicU64,
    /// How many calls were made to go wrong.
    faults: AtomicU64,
}

impl Chaos {
    /// A plan of faults; `one_in` is at least 1 (every call goes wrong).
    #[must_use]
    pub fn new(seed: u64, one_in: u64) -> Self {
        Self {
            one_in: one_in.max(1),
            state: AtomicU64::new(seed),
            faults: AtomicU64::new(0),
        }
    }

    /// A step of splitmix64: small, and good enough to scatter faults.
    fn roll(&self) -> u64 {
        let mut z = self.state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn fault(&self) -> Option<Fault> {
        let roll = self.roll();
        if !roll.is_multiple_of(self.one_in) {
            return None;
        }
        self.faults.fetch_add(1, Ordering::Relaxed);
        Some(match (roll >> 32) % 3 {
            0 => Fault::Lost,
            1 => Fault::AnswerLost,
            _ => Fault::Repeated,
        })
    }
}

impl Layer for Chaos {
    async fn around<T: Send>(&self, operation: Operation, call: Call<'_, T>) -> Result<T, DriverError> {
        let lost = |what: &str| {
            Err(DriverError::temporary(
                ErrorKind::Unreachable,
                operation.phrase(),
                format!("chaos: {what} lost"),
            ))
        };
        match self.fault() {
            None => call().await,
            Some(Fault::Lost) => lost("call"),
            Some(Fault::AnswerLost) => {
                let _ = call().await;
                lost("answer")
            }
            Some(Fault::Repeated) => {
                let _ = call().await;
                call().await
            }
        }
    }
}
