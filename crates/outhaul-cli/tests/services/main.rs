//! Web services by the real program: deploy, answer, update, reload, crash, restart of the server, delete.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod callers;
mod chaos;
mod life;
mod support;
mod trouble;
