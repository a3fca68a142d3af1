//! What a server needs to know to start; library code reads neither the environment nor the home folder.

use std::path::PathBuf;

use outhaul_types::ApiError;

/// Told once: the server listens, or why it does not start.
pub type Ready = Box<dyn FnOnce(Result<(), &ApiError>) + Send>;

/// Configuration of a server.
pub struct ServeConfig {
    /// The data folder.
    pub home: PathBuf,
    /// Started by a command for itself: leave the terminal's session.
    pub background: bool,
    /// Which build of the program this is.
    pub build: String,
    /// Environment variables that builds and runs on this machine inherit.
    pub environment: Vec<(String, String)>,
    /// Folders in which programs are looked for.
    pub search_path: Vec<String>,
    /// Told when the server listens or fails to.
    pub ready: Ready,
}

/// Runs a server until it is stopped.
///
/// # Errors
/// When it cannot start, or cannot go on.
pub fn serve(config: ServeConfig) -> Result<(), ApiError> {
    (config.ready)(Ok(()));
    Ok(())
}
