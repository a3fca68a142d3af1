//! Every environment variable that the command reads, once.

use std::ffi::OsString;
use std::path::PathBuf;

/// The data folder; the platform's own when it is not set.
pub(crate) const OUTHAUL_HOME: &str = "OUTHAUL_HOME";
/// What the server writes to its log, as a filter such as `debug` or `outhaul_server=trace`; `info` when not set.
pub(crate) const OUTHAUL_LOG: &str = "OUTHAUL_LOG";
/// Where a server kills itself, `NAME` or `NAME=N`, for the crash harness; no effect in release builds.
pub(crate) const OUTHAUL_FAILPOINT: &str = "OUTHAUL_FAILPOINT";
/// The key that credentials are sealed with; one in the data folder when it is not set.
pub(crate) const OUTHAUL_MASTER_KEY: &str = "OUTHAUL_MASTER_KEY";
/// A key that callers of `outhaul score` have to give.
pub(crate) const OUTHAUL_SCORING_KEY: &str = "OUTHAUL_SCORING_KEY";
/// Folder for data of programs, by the XDG convention (Linux).
pub(crate) const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
/// The home folder of the person.
pub(crate) const HOME: &str = "HOME";
/// Folders in which programs are looked for.
pub(crate) const PATH: &str = "PATH";
/// The Python version that pyenv is told to use.
pub(crate) const PYENV_VERSION: &str = "PYENV_VERSION";
/// The folder from which pyenv looks for `.python-version`.
pub(crate) const PYENV_DIR: &str = "PYENV_DIR";
/// The socket of the SSH agent.
pub(crate) const SSH_AUTH_SOCK: &str = "SSH_AUTH_SOCK";
/// The name of the person on this machine.
pub(crate) const USER: &str = "USER";
// `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` are read by anstream; `--env NAME` reads the variable of that name.

/// The value of a variable that is set and not empty.
pub(crate) fn get(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The folders of `PATH`, made absolute.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let path = get(PATH).unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let here = std::env::current_dir().unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| here.join(folder))
        .collect()
}

/// All variables that are valid text: what builds and runs on this machine inherit.
pub(crate) fn all() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
