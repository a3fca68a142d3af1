//! The launcher `container`: runs in containers of a Docker engine, by the same run directory protocol as without one.
//! The only crate that sees `bollard`.
//!
//! An [`Engine`] is reached over any byte stream that a [`Connector`] opens, so that the engine may be this machine's or
//! one at the far end of an SSH connection. What is decided without an engine is pure: [`parse_arguments`] and [`plan`].
//!
//! The caller lays out the run directory on the engine's host, with the supervisor of containers in a file of that host, and
//! writes the mark `cancel` there before it asks to end a run. Logs, metrics and the exit record are then read from the
//! run directory; pids in its records belong to the container, so whether the run lives is asked of [`Engine::observe`].

mod arguments;
mod check;
mod connect;
mod container;
mod engine;
mod error;
mod image;
mod leftovers;
mod observe;
mod plan;
mod request;
mod said;
mod step;

pub use arguments::{DeviceMap, Extra, Gpus, Problem, Ulimit, parse_arguments};
pub use connect::{Connector, EngineStream, Opened, UnixSocket};
pub use container::Cancelled;
pub use engine::{Engine, Options, Version};
pub use error::{DockerError, ErrorKind};
pub use image::{LogSink, NoLog};
pub use leftovers::Leftovers;
pub use observe::ContainerState;
pub use plan::plan;
pub use request::{ContainerRequest, ImageRef, Mount, container_name};
pub use step::{StepRequest, StepStream};
