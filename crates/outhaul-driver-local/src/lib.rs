//! Runs on this machine: the host "this machine" with the launcher "process".

mod check;
mod config;
mod driver;

pub use config::LocalConfig;
pub use driver::LocalDriver;
