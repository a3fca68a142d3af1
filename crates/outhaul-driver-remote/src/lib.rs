//! Runs on a machine that is reached by a shell: the host "remote" with the launcher "process". Over SSH for users; any
//! [`outhaul_host::remote::Shell`] will do.

mod build_host;
mod check;
mod config;
mod driver;
mod link;
mod place;
mod ship;
mod through;

pub use check::{checks, identify};
pub use config::{RemoteDriverConfig, ServerSide};
pub use driver::RemoteDriver;
pub use link::{Link, shell_error};
