//! The scoring runtime: serves an entry script with `init()` and `run()` over HTTP.
//!
//! HTTP is spoken here; the script runs in Python workers, processes of their own that take one request at a time over
//! a socket. [`start`] gives a running [`Service`] once every worker has initialised. The contract with scripts and
//! callers is in `docs/scoring.md`.

mod channel;
mod config;
mod contract;
mod engine;
mod frame;
mod front;
mod handover;
mod keys;
mod message;
mod metrics;
mod pool;
mod process;
mod service;
mod swagger;
mod tls;
mod worker;

pub use config::Config;
pub use service::{ScoringError, Service, start};
pub use tls::Tls;
