//! Run directories on this machine: starting, asking, signalling, collecting and removing, by system calls
//! rather than by a shell, for speed.

mod identity;
mod observe;
mod outputs;
mod remove;
mod runs;
mod signal;
mod start;
mod watch;

pub use remove::remove;
pub use runs::{Runs, RunsConfig};
