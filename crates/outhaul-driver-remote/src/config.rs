//! What the driver is told about its machine.

use std::path::PathBuf;
use std::sync::Arc;

use outhaul_host::remote::{Installation, Shell};
use outhaul_snapshot::BlobStore;
use outhaul_types::HostFacts;
use outhaul_types::target::PackageSource;

/// What the machine of the server has, for solving and downloading packages on behalf of a target.
#[derive(Clone, Debug, Default)]
pub struct ServerSide {
    /// Folder for packages, which targets share.
    pub packages: PathBuf,
    /// Folders in which programs are looked for.
    pub search_path: Vec<String>,
    /// Variables for the tools there: proxies, certificates, package indexes.
    pub environment: Vec<(String, String)>,
}

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
    /// What the machine of the server does for it.
    pub server: ServerSide,
    /// How many runs at once.
    pub slots: u32,
}
