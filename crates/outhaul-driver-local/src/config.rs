//! What the driver is told about this machine.

use std::path::PathBuf;

use outhaul_snapshot::BlobStore;

/// What the driver is told about this machine.
#[derive(Clone, Debug)]
pub struct LocalConfig {
    /// The folder that the driver has for itself.
    pub root: PathBuf,
    /// Where the code of runs comes from.
    pub blobs: BlobStore,
    /// The folder with the Python package `outhaul`, put on every run's `PYTHONPATH`.
    pub sdk: PathBuf,
    /// Variables that runs and builds inherit, `PATH` among them.
    pub environment: Vec<(String, String)>,
    /// Folders in which programs are looked for.
    pub search_path: Vec<String>,
    /// Where packages of conda channels are kept; runs of other targets may share it.
    pub packages: PathBuf,
    /// The socket of the Docker engine, whether it is there or not.
    pub docker: PathBuf,
    /// How many runs at once.
    pub slots: u32,
    /// Whether it is a target that can be detached, so that its folder goes with it. This machine's own is not.
    pub detachable: bool,
}
