//! Conda packages without conda: solving, fetching, and installing for this or another machine. The only crate that
//! sees the rattler crates. It knows nothing of runs, targets or specs; [`outhaul_types::CondaPackage`] is all it shares.
//!
//! The three steps are apart, since they happen at different times and places:
//!
//! 1. [`Conda::solve`] turns specs and channels into exact packages, for the platform of the *target*.
//! 2. [`Conda::fetch`] brings the archives of such packages into a folder of this machine.
//! 3. [`Conda::install`] writes the fetched packages into a folder that is then moved, as it is, to the path on the
//!    target that it was written for. Nothing of the packages is run, and nothing is needed there.

mod archive;
mod cause;
mod channels;
mod conda;
mod error;
mod fetch;
mod install;
mod platform;
mod prefix;
mod python;
mod request;
mod solve;
mod spec;

pub use conda::{Conda, CondaOptions};
pub use error::{CondaError, CondaErrorKind};
pub use fetch::Progress;
pub use install::Installed;
pub use python::{Python, python_of};
pub use request::CondaRequest;
