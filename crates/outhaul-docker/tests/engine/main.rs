//! The launcher on a real engine. Where none can be had, one line says so and the tests pass.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod cancel;
mod connection;
mod homes;
mod images;
mod life;
mod limits;
