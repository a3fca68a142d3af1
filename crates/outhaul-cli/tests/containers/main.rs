//! Runs in containers of a real Docker engine, through the real program: on this machine and on one that is reached
//! over SSH. Where no engine can be had, one line says so and the tests pass.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod local;
mod remote;
mod support;
