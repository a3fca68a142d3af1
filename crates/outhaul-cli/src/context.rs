//! What most commands need: the printer, the data folder, the current folder, and a server when they ask for one.

use std::future::Future;
use std::path::PathBuf;

use outhaul_client::{Client, ensure_server};
use outhaul_types::id::check_name;

use crate::args::Global;
use crate::config::Config;
use crate::error::{self, CliError};
use crate::home;
use crate::output::Printer;

/// Where a command stands.
#[derive(Debug)]
pub(crate) struct Context {
    /// Options of every command.
    pub global: Global,
    /// Says what there is to say.
    pub printer: Printer,
    /// The data folder, absolute; it may not exist.
    pub home: PathBuf,
    /// The current folder.
    pub here: PathBuf,
    /// Defaults from the nearest `outhaul.toml`.
    pub config: Config,
}

impl Context {
    /// Finds the data folder and reads the defaults. Makes and starts nothing.
    ///
    /// # Errors
    /// When there is no data folder to be found, or the defaults or the workspace's name are wrong.
    pub(crate) fn new(global: Global, printer: Printer) -> Result<Self, CliError> {
        let home = home::data_folder()?;
        let here = std::env::current_dir()
            .map_err(|error| CliError::user(format!("the current folder cannot be used: {error}")))?;
        let config = Config::find(&here)?;
        if let Some(workspace) = &global.workspace {
            check_name("workspace", workspace).map_err(error::user)?;
        }
        Ok(Self {
            global,
            printer,
            home,
            here,
            config,
        })
    }

    /// The workspace that was named, by an option or by `outhaul.toml`.
    pub(crate) fn workspace(&self) -> Option<&str> {
        self.global
            .workspace
            .as_deref()
            .or(self.config.workspace.as_deref())
    }

    /// A client of the server, which is started when there is none.
    ///
    /// # Errors
    /// When the server cannot be started or does not answer.
    pub(crate) async fn client(&self) -> Result<Client, CliError> {
        Ok(ensure_server(&self.home, &program()?).await?)
    }
}

/// The file of this program, to start it as the server.
///
/// # Errors
/// When the operating system does not tell.
pub(crate) fn program() -> Result<PathBuf, CliError> {
    let program = std::env::current_exe()
        .map_err(|error| CliError::system(format!("the file of this program is not known: {error}")))?;
    // Linux says so when the file was replaced while this command runs; the new one is at the same place.
    match program.to_str().and_then(|text| text.strip_suffix(" (deleted)")) {
        Some(path) if !program.exists() => Ok(path.into()),
        _ => Ok(program),
    }
}

/// Runs a command that needs to wait for something. One thread is enough for a client.
///
/// # Errors
/// The command's own, and when the operating system refuses what waiting needs.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::system(format!("cannot wait for events: {error}")))?;
    let result = runtime.block_on(future);
    // A lock that somebody else holds must not keep the command from ending.
    runtime.shutdown_background();
    result
}
