//! Environments: spec file, lock, content id, build plan, and the built thing that runs use.
//!
//! The pure half reads spec files ([`parse`]), names what they ask for ([`spec_id`], [`environment_id`]) and turns
//! the wish into [`Step`]s. The effect half ([`EnvironmentManager`]) runs those steps on a [`BuildHost`], once per
//! content id, and keeps what it built. Only documentation, modules and re-exports live in this file.

mod channels;
mod conda;
mod error;
mod host;
mod interpreter;
mod lock;
mod manager;
mod parse;
mod plan;
#[cfg(feature = "conda")]
mod rattler_channels;
mod redact;
mod requirement;
mod resolver;
mod spec;
mod version;

pub use channels::{CondaBackend, CondaMachine, CondaPython, CondaTrouble, CondaTroubleKind, CondaWish};
pub use conda::resolve_conda;
pub use error::{EnvironmentError, ErrorClass, Place, SpecError};
pub use host::{
    BuildHost, FileFacts, Finished, Guard, HostError, HostErrorKind, LogSink, NoLog, OutputLines, ThisMachine,
};
pub use interpreter::{PROBE, Probed, parse_probe};
pub use lock::{LOCK_VERSION, Package, environment_id, is_hashed, packages};
pub use manager::{
    BuiltEnvironment, Elsewhere, EnvironmentManager, Helper, ListedEnvironment, ManagerOptions,
    PrepareOptions, ToolChoice, ToolFacts, UvFacts,
};
pub use parse::{MAX_SPEC_BYTES, SpecFormat, parse};
pub use plan::{Plan, Step, StepFile, Tool, plan};
#[cfg(feature = "conda")]
pub use rattler_channels::CondaChannels;
pub use redact::redact_urls;
pub use resolver::{
    Failure, FailureKind, classify_failure, explain_failure, parse_pip_report, parse_uv_compile,
};
pub use spec::spec_id;
pub use version::{Specifier, Version};
