//! The launcher `container` as a layer on a driver whose runs are run directories: runs whose environment names a
//! container are started by the host's Docker engine, all others as before.
//!
//! The host's driver stages the run directory and reads from it; the engine starts, ends and is asked. What both say is
//! put together by a pure function ([`evidence`]).

mod build_host;
mod environments;
mod error;
mod evidence;
mod layer;
mod native;

pub use layer::Containers;
