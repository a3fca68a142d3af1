//! `outhaul score`: an entry script as a web service in the foreground, without the server.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use outhaul_scoring::{Config, ScoringError, Tls};
use outhaul_types::Secret;
use outhaul_types::service::READY;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::doctor::find_program;
use crate::args::Score;
use crate::env_vars;
use crate::error::{CliError, Outcome};
use crate::output::Printer;

/// How long requests under way may take when the service is asked to end.
const GRACE: Duration = Duration::from_secs(30);

/// How long what is cut off may take to be cleaned up.
const CLEAN_UP: Duration = Duration::from_secs(1);

pub(super) fn run(args: &Score, printer: &Printer) -> Outcome {
    let config = config(args)?;
    start_log(printer);
    let runtime = runtime(config.workers)
        .map_err(|error| CliError::system(format!("cannot wait for events: {error}")))?;
    let outcome = runtime.block_on(serve(config, args.announce.as_deref(), printer));
    // Workers that are left are killed by the end of their tasks.
    runtime.shutdown_timeout(CLEAN_UP);
    outcome
}

/// A thread feeds a worker: with more of them, requests would wander between threads and wait for each change. One alone is
/// this one, which then has nothing to share.
fn runtime(workers: usize) -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut builder = match workers.clamp(1, cores) {
        1 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    builder.enable_all().build()
}

async fn serve(config: Config, announce: Option<&Path>, printer: &Printer) -> Outcome {
    let [mut hang_up, mut interrupt, mut terminate] = [
        listen_for(SignalKind::hangup())?,
        listen_for(SignalKind::interrupt())?,
        listen_for(SignalKind::terminate())?,
    ];
    let mut ask = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let started = tokio::select! {
        started = outhaul_scoring::start(config) => started,
        () = ask() => return Ok(130),
    };
    let service = started.map_err(told)?;
    let url = format!("{scheme}://{}", service.address());
    if let Some(file) = announce {
        tell_run(file, &url)?;
    }
    if printer.json {
        printer.lines(&json!({"url": url, "score": format!("{url}/score")}).to_string())?;
    } else {
        printer.lines(&url)?;
    }
    loop {
        tokio::select! {
            _ = hang_up.recv() => match service.reload().await {
                Ok(()) => tracing::info!("script and model are loaded anew"),
                Err(error) => tracing::error!("not reloaded, what served before goes on: {}", told(error).message),
            },
            () = ask() => break,
        }
    }
    printer.note("ending when the requests under way are answered; Ctrl-C again ends at once");
    let again = async {
        if announce.is_some() {
            // Whoever ends a run asks its whole process group, and each process of it: that is one request.
            std::future::pending::<()>().await;
        }
        ask().await;
    };
    tokio::select! {
        answered = service.stop(GRACE) => if answered {
            Ok(0)
        } else {
            Err(CliError::system(format!("requests were still under way after {} s and were cut off", GRACE.as_secs())))
        },
        () = again => Ok(130),
    }
}

/// Says in the metrics file of the run that this process is that it answers, and where.
fn tell_run(file: &Path, url: &str) -> Result<(), CliError> {
    use std::io::Write as _;
    let line = format!("{}\n", json!({"kind": "property", "name": READY, "value": url}));
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .map_err(|error| CliError::system(format!("`{}` cannot be written: {error}", file.display())))
}

fn listen_for(kind: SignalKind) -> Result<Signal, CliError> {
    signal(kind).map_err(|error| CliError::system(format!("signals cannot be listened for: {error}")))
}

fn config(args: &Score) -> Result<Config, CliError> {
    let absolute = |path: &Path| {
        std::path::absolute(path)
            .map_err(|error| CliError::user(format!("`{}` cannot be used: {error}", path.display())))
    };
    let script = absolute(&args.script)?;
    let python = match &args.python {
        Some(python) => absolute(python)?,
        None => find_program(&env_vars::search_path(), "python3").ok_or_else(|| {
            CliError::user("no `python3` on the PATH").hint("name an interpreter with `--python`")
        })?,
    };
    let mut config = Config::new(script, python);
    config.model = args.model.as_deref().map(absolute).transpose()?;
    config.directory = std::env::current_dir()
        .map_err(|error| CliError::user(format!("the current folder cannot be used: {error}")))?;
    config.environment = env_vars::all();
    // Keys are for callers: no script sees them.
    config
        .environment
        .retain(|(name, _)| name != env_vars::OUTHAUL_SCORING_KEY && name != env_vars::OUTHAUL_MASTER_KEY);
    if args.announce.is_some() {
        // The run is ended through this process, which lets its workers finish first.
        config.environment.retain(|(name, _)| name != "OUTHAUL_RUN_KEY");
    }
    config.handover.clone_from(&args.handover);
    config.address = SocketAddr::new(args.host, args.port);
    config.workers = args.workers.into();
    config.queue = args.queue as usize;
    config.timeout = args.timeout;
    config.max_body = args.max_body;
    config.cors.clone_from(&args.cors);
    if let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) {
        let key = absolute(key)?;
        check_private("key file", &key)?;
        config.tls = Some(Tls {
            certificate: absolute(certificate)?,
            key,
        });
    }
    config.keys = keys(args.key_file.as_deref())?;
    if args.require_key && config.keys.is_empty() {
        return Err(
            CliError::user("callers have to give a key, and there is none").hint("give some by `--key-file`")
        );
    }
    Ok(config)
}

fn keys(file: Option<&Path>) -> Result<Vec<Secret>, CliError> {
    let mut keys: Vec<Secret> = env_vars::get(env_vars::OUTHAUL_SCORING_KEY)
        .and_then(|keys| keys.into_string().ok())
        .map(Secret::new)
        .iter()
        .flat_map(lines)
        .collect();
    if let Some(file) = file {
        keys.extend(keys_in(file)?);
    }
    Ok(keys)
}

/// Refuses a file with a secret that others can read.
fn check_private(what: &str, file: &Path) -> Result<(), CliError> {
    let name = file.display();
    let mode = std::fs::metadata(file)
        .map_err(|error| CliError::user(format!("the {what} `{name}` cannot be read: {error}")))?
        .permissions()
        .mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(CliError::user(format!("others can read the {what} `{name}`"))
        .hint(format!("`chmod 600 {name}`, and use new keys")))
}

fn keys_in(file: &Path) -> Result<Vec<Secret>, CliError> {
    check_private("key file", file)?;
    let name = file.display();
    let cannot =
        |error: std::io::Error| CliError::user(format!("the key file `{name}` cannot be read: {error}"));
    let text = Secret::new(std::fs::read_to_string(file).map_err(cannot)?);
    let keys: Vec<Secret> = lines(&text).collect();
    if keys.is_empty() {
        return Err(
            CliError::user(format!("there is no key in the key file `{name}`"))
                .hint("write one key a line: `head -c 32 /dev/urandom | base64 > FILE`"),
        );
    }
    Ok(keys)
}

/// The keys of a text, one a line.
fn lines(text: &Secret) -> impl Iterator<Item = Secret> + '_ {
    let lines = text.expose().lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(|line| Secret::new(line.to_owned()))
}

fn told(error: ScoringError) -> CliError {
    let message = error.to_string();
    match error {
        ScoringError::Script { trace, .. } if !trace.is_empty() => {
            CliError::user(format!("{message}\n{}", trace.trim_end()))
        }
        ScoringError::Listen { .. } => {
            CliError::user(message).hint("another program may use the port: choose another with `--port`")
        }
        ScoringError::System(_) => CliError::system(message),
        _ => CliError::user(message),
    }
}

fn start_log(printer: &Printer) {
    let default = if printer.quiet { "warn" } else { "info" };
    let filter = env_vars::get(env_vars::OUTHAUL_LOG)
        .and_then(|filter| EnvFilter::try_new(filter.to_string_lossy()).ok())
        .unwrap_or_else(|| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(printer.err.0)
        .with_writer(std::io::stderr);
    if printer.json {
        log.json().flatten_event(true).init();
    } else {
        log.init();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_lines_of_a_file_that_nobody_else_reads() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let write = |text: &str, mode: u32| {
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write("one\n\n  two \n", 0o600);
        let keys = keys_in(&file).unwrap();
        assert_eq!(
            keys.iter().map(Secret::expose).collect::<Vec<_>>(),
            ["one", "two"]
        );
        write("\n", 0o600);
        assert!(keys_in(&file).unwrap_err().message.contains("no key"));
        write("one", 0o644);
        assert!(keys_in(&file).unwrap_err().message.contains("others can read"));
        assert!(
            keys_in(&folder.path().join("none"))
                .unwrap_err()
                .message
                .contains("cannot be read")
        );
    }
}
