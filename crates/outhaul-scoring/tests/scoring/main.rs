//! The runtime from outside: real scripts, real workers, real connections.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod contract;
mod faults;
mod load;
mod reference;
mod support;
