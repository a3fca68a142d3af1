//! What a server needs to know to start; library code reads neither the environment nor the home folder.

use std::path::PathBuf;

use outhaul_types::{ApiError, Secret};

/// Told once: the server listens, or why it does not start.
pub type Ready = Box<dyn FnOnce(Result<(), &ApiError>) + Send>;

/// Configuration of a server.
pub struct ServeConfig {
    /// The data folder.
    pub home: PathBuf,
    /// Started by a command for itself: leave the terminal's session.
    pub background: bool,
    /// The program itself: services are started with it.
    pub program: PathBuf,
    /// Which build of the program this is.
    pub build: String,
    /// Environment variables that builds and runs on this machine inherit.
    pub environment: Vec<(String, String)>,
    /// Folders in which programs are looked for.
    pub search_path: Vec<String>,
    /// The key that secrets are sealed with; one that is kept in the data folder when absent.
    pub master_key: Option<Secret>,
    /// Where the server shall kill itself, for the crash harness: `NAME` or `NAME=N` for the Nth time. Only in debug
    /// builds.
    pub failpoint: Option<String>,
    /// Told when the server listens or fails to.
    pub ready: Ready,
}
