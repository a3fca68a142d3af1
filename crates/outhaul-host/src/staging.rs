//! What a launcher that starts runs by itself needs of the driver of a host: the run directory laid out, and where
//! things lie.

use std::sync::Arc;

use async_trait::async_trait;
use outhaul_driver::{Driver, DriverError, NativeRequest};
use outhaul_environment::BuildHost;
use outhaul_types::RunKey;

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

    /// Lays the run directory out, with the mark that its run is started in a container. May be repeated.
    async fn stage(&self, request: &NativeRequest) -> Result<(), DriverError>;

    /// Whether the run directory with this key has that mark.
    async fn is_contained(&self, run_key: &RunKey) -> Result<bool, DriverError>;
}
