//! `outhaul serve`: the server's process. Sets up its log, and tells whoever started it when it is ready.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use outhaul_client::{LOG_FILE, SOCKET_FILE, build_id, check_home, make_home};
use outhaul_server::{Ready, ServeConfig};
use outhaul_types::ApiError;
use tracing_subscriber::EnvFilter;

use crate::args::Serve;
use crate::context::program;
use crate::env_vars;
use crate::error::{CliError, Outcome, code_of};
use crate::home;
use crate::output::Printer;

/// A log that is longer is put aside when the server starts, in bytes.
const LONG_LOG: u64 = 16 << 20;

pub(super) fn run(args: &Serve, printer: &Printer) -> Outcome {
    let home = match &args.home {
        Some(home) => std::path::absolute(home).map_err(|error| {
            CliError::user(format!("`{}` cannot be the data folder: {error}", home.display()))
        })?,
        None => home::data_folder()?,
    };
    let background = args.background;
    start_log(&home).map_err(|error| {
        if background {
            tell(Err(&error));
        }
        CliError::from(error)
    })?;
    let config = ServeConfig {
        background,
        build: build_id(&program()?),
        program: program()?,
        environment: env_vars::all(),
        search_path: env_vars::search_path()
            .into_iter()
            .filter_map(|folder| folder.into_os_string().into_string().ok())
            .collect(),
        master_key: env_vars::get(env_vars::OUTHAUL_MASTER_KEY)
            .and_then(|text| text.into_string().ok())
            .map(outhaul_types::Secret::new),
        failpoint: env_vars::get(env_vars::OUTHAUL_FAILPOINT).and_then(|point| point.into_string().ok()),
        ready: ready(&home, background, *printer),
        home,
    };
    match outhaul_server::serve(config) {
        Ok(()) => Ok(0),
        Err(error) => {
            tracing::error!(code = ?error.code, hint = error.hint.as_deref(), "the server ends: {}", error.message);
            let error = CliError::from(error);
            // In the background nobody reads standard error, and whoever started it was told.
            if background { Ok(error.code) } else { Err(error) }
        }
    }
}

fn ready(home: &Path, background: bool, printer: Printer) -> Ready {
    let socket = home.join(SOCKET_FILE);
    Box::new(move |result| {
        if background {
            tell(result);
        } else if result.is_ok() {
            printer.note(&format!("listening on `{}`", socket.display()));
        }
    })
}

/// The one line for the command that waits: it may have gone, which is no concern of the server.
fn tell(result: Result<(), &ApiError>) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout
        .write_all(line(result).as_bytes())
        .and_then(|()| stdout.flush());
}

fn line(result: Result<(), &ApiError>) -> String {
    match result {
        Ok(()) => "ready\n".to_owned(),
        Err(error) => {
            let code = code_of(error.code.class());
            let error = serde_json::to_string(error).unwrap_or_else(|_| "{}".to_owned());
            format!("error {code} {error}\n")
        }
    }
}

fn start_log(home: &Path) -> Result<(), ApiError> {
    let cannot = |what: &str, path: &Path, error: std::io::Error| {
        ApiError::internal(format!("cannot {what} `{}`: {error}", path.display()))
            .with_hint("set OUTHAUL_HOME to a folder that you may write")
    };
    check_home(home)?;
    make_home(home).map_err(|error| cannot("make the data folder", home, error))?;
    let path = home.join(LOG_FILE);
    let file = open_log(&path).map_err(|error| cannot("write the server's log", &path, error))?;
    let filter = env_vars::get(env_vars::OUTHAUL_LOG)
        .and_then(|filter| EnvFilter::try_new(filter.to_string_lossy()).ok())
        .unwrap_or_else(|| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .init();
    Ok(())
}

fn open_log(path: &Path) -> std::io::Result<File> {
    if path.metadata().is_ok_and(|meta| meta.len() > LONG_LOG) {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".1");
        std::fs::rename(path, PathBuf::from(aside))?;
    }
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_the_exit_code_and_the_error() {
        assert_eq!(line(Ok(())), "ready\n");
        let error = ApiError::conflict("a\nb").with_hint("c");
        assert_eq!(
            line(Err(&error)),
            "error 2 {\"code\":\"conflict\",\"message\":\"a\\nb\",\"hint\":\"c\"}\n"
        );
    }

    #[test]
    fn the_log_is_the_owners_alone_and_is_put_aside_when_it_is_long() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOG_FILE);
        open_log(&path).unwrap().write_all(b"old").unwrap();
        open_log(&path).unwrap().write_all(b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"oldnew");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        open_log(&path).unwrap().set_len(LONG_LOG + 1).unwrap();
        assert_eq!(open_log(&path).unwrap().metadata().unwrap().len(), 0);
        assert!(folder.path().join("server.log.1").exists());
    }
}
