//! Runs on this machine: the host "this machine" with the launcher "process".

mod check;
mod driver;
mod environment;
mod plan;

pub use driver::{LocalConfig, LocalDriver};
