//! Capabilities: what a kind of target can do, as data. They pick the tests, the CLI's options and the
//! studio's buttons alike.

use serde::{Deserialize, Serialize};

/// What a driver can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Tells changes by itself ([`crate::Driver::changes`]); otherwise it must be asked at every tick.
    pub tells_changes: bool,
    /// Keeps standard output and standard error apart.
    pub separate_streams: bool,
    /// Logs can be read while the run goes on.
    pub live_logs: bool,
    /// Builds environments on the target.
    pub environments: bool,
    /// Keeps the files of `./outputs` and `./logs`.
    pub outputs: bool,
    /// Can end a run.
    pub cancel: bool,
    /// Knows jobs that others submitted, and follows them ([`crate::Driver::job`], [`crate::Driver::adopt`]).
    pub adopts: bool,
    /// Keeps web services: their processes get secrets, meet in a folder, and are reached ([`crate::Driver::connect`]).
    pub services: bool,
    /// Starts at most so many runs at once by itself; `None` where the target has a queue of its own.
    pub default_slots: Option<u32>,
}
