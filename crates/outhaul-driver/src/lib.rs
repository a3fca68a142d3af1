//! The driver contract: what every kind of compute target must do, in one trait with a pure half and an
//! effect half; the capabilities that say which of it a kind can do; its error; and the layers that are
//! wrapped around any driver.

mod capabilities;
mod change;
mod driver;
mod error;
pub mod layers;
mod native;

pub use capabilities::Capabilities;
pub use change::{ChangeFeed, ChangeSender, change_feed};
pub use driver::{ByteStream, Driver, EnvironmentRequest, LogSink, OutputSink, PreparedEnvironment, Problem};
pub use error::{DriverError, ErrorKind, Status};
pub use native::{
    Collected, JobOwner, LogRead, NativeId, NativeJob, NativeRequest, Observation, Phase, TargetLog,
};
