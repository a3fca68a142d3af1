//! What the driver is told about its machine.

use std::path::PathBuf;
use std::sync::Arc;

use outhaul_host::remote::{Installation, Shell};
use outhaul_snapshot::BlobStore;
use outhaul_types::HostFacts;
use outhaul_types::target::PackageSource;

/// What the driver is told about its machine.
pub struct RemoteDriverConfig {
    /// What carries commands to it.
    pub shell: Arc<dyn Shell>,
    /// What is put on it.
    pub installation: Installation,
    /// Where the code of runs comes from.
    pub blobs: BlobStore,
    /// A folder on the server's machine for files on their way.
    pub incoming: PathBuf,
    /// What was found on it when it was attached.
    pub facts: HostFacts,
    /// Variables for environment builds: certificates and package indexes.
    pub build_environment: Vec<(String, String)>,
    /// Where packages are downloaded.
    pub packages: PackageSource,
    /// How many runs at once.
    pub slots: u32,
}
