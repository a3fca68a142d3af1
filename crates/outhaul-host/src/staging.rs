//! What a launcher that starts runs by itself needs of the driver of a host: the run directory laid out, and where
//! things lie.

use std::sync::Arc;

use async_trait::async_trait;
use outhaul_driver::{Driver, DriverError, NativeRequest};
use outhaul_environment::BuildHost;
use outhaul_types::RunKey;

use crate::run_dir::Launcher;

/// Where things lie on a host, all paths absolute, and whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLayout {
    /// The folder of the run directories.
    pub runs: String,
    /// The folder of the environments.
    pub environments: String,
    /// The folder with the Python package `outhaul`.
    pub sdk: String,
    /// The fifo on which ends of runs are told, where there is one.
    pub events: Option<String>,
    /// User and group id of whom runs belong to.
    pub user: Option<(u32, u32)>,
    /// Whether the host is known to have a Docker engine.
    pub has_docker: bool,
    /// Whether it is known to have graphics processors.
    pub has_gpus: bool,
    /// Variables for environment builds: proxies, certificates, package indexes.
    pub build_environment: Vec<(String, String)>,
}

/// A driver whose runs are run directories on a host.
#[async_trait]
pub trait StagingDriver: Driver {
    /// Where things lie.
    fn layout(&self) -> HostLayout;

    /// The host as a place where environments are built.
    fn build_host(&self) -> Arc<dyn BuildHost>;

    /// Lays the run directory out for this launcher, with its mark. May be repeated.
    async fn stage(&self, request: &NativeRequest, launcher: Launcher) -> Result<(), DriverError>;

    /// The launcher's mark in the run directory with this key.
    async fn launcher(&self, run_key: &RunKey) -> Result<Option<Launcher>, DriverError>;

    /// Runs a script of POSIX sh on the host, and gives its exit status and what it printed. It must not take long.
    async fn script(&self, operation: &'static str, script: &str) -> Result<(i32, String), DriverError>;
}
