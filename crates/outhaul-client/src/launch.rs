//! The server on demand: one per data folder, however many commands want it at once.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::kill;
use nix::unistd::Pid;
use outhaul_types::{ApiError, ErrorCode};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::unix::pipe::Receiver;

use crate::build::{build_id, replaces};
use crate::client::Client;
use crate::error::ClientError;
use crate::socket::socket_path;

/// Name of the lock file that whoever starts the server holds.
pub const LOCK_FILE: &str = "start.lock";
/// Name of the server's own log.
pub const LOG_FILE: &str = "server.log";
/// Name of the file that a server holds locked as long as it lives.
const SERVER_LOCK_FILE: &str = "server.lock";
/// Name of the file that tells the version of a data folder, and that it is one.
const VERSION_FILE: &str = "version";
/// How long a server may take to end after it was asked to.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Makes the data folder, with access for its owner only. One that is there stays as it is.
///
/// # Errors
/// When it cannot be made.
pub fn make_home(home: &Path) -> io::Result<()> {
    if let Some(parent) = home.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(home) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && home.is_dir() => Ok(()),
        other => other,
    }
}

/// Refuses a folder that holds somebody else's files, before anything is put into it.
///
/// # Errors
/// A bad request that names the folder and one of the files.
pub fn check_home(home: &Path) -> Result<(), ApiError> {
    // A lock without a version is a data folder that is being made.
    let is_ours = || {
        [VERSION_FILE, LOCK_FILE, SERVER_LOCK_FILE]
            .iter()
            .any(|file| home.join(file).exists())
    };
    if is_ours() {
        return Ok(());
    }
    let Some(foreign) = std::fs::read_dir(home).into_iter().flatten().flatten().next() else {
        return Ok(());
    };
    // What lies there may have been made by another command since.
    if is_ours() {
        return Ok(());
    }
    let message = format!(
        "`{}` is not a data folder of outhaul and is not empty (it holds `{}`)",
        home.display(),
        foreign.file_name().display()
    );
    Err(ApiError::bad_request(message)
        .with_hint("set OUTHAUL_HOME to an empty folder or one that does not exist yet; nothing was changed"))
}

/// Connects to the server of a data folder, and starts `program` as the server where none answers. A server that the
/// program has replaced (see [`replaces`]) is stopped first; runs go on meanwhile.
///
/// # Errors
/// When the server does not start (what it says, or where its log is), or does not answer.
pub async fn ensure_server(home: &Path, program: &Path) -> Result<Client, ClientError> {
    Ok(ensure(home, program).await?.reviving(program))
}

async fn ensure(home: &Path, program: &Path) -> Result<Client, ClientError> {
    let build = build_id(program);
    if let Some(client) = answering(home, &build).await? {
        return Ok(client);
    }
    check_home(home)?;
    make_home(home).map_err(|error| {
        ClientError::io(format!("cannot make the data folder `{}`", home.display()), error)
    })?;
    let lock = lock(home).await?;
    // While this waited for the lock another command may have started the server.
    if let Some(client) = answering(home, &build).await? {
        return Ok(client);
    }
    if let Ok(old) = Client::connect(home).await {
        stop_server(&old).await?;
    }
    predecessor_gone(home).await;
    start(home, program).await?;
    drop(lock);
    Client::connect(home).await
}

/// A server that answers and need not give way.
async fn answering(home: &Path, build: &str) -> Result<Option<Client>, ClientError> {
    let client = match Client::connect(home).await {
        Ok(client) => client,
        Err(ClientError::NotRunning { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    match client.server().await {
        Ok(status) => Ok((!replaces(build, &status.build)).then_some(client)),
        Err(ClientError::Api(error)) if error.code == ErrorCode::Stopping => Ok(None),
        Err(error) if error.is_lost_connection() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn lock(home: &Path) -> Result<File, ClientError> {
    let path = home.join(LOCK_FILE);
    let failed = |error| ClientError::io(format!("cannot lock `{}`", path.display()), error);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    if file.try_lock().is_ok() {
        return Ok(file);
    }
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
    locked
        .map_err(|error| failed(io::Error::other(error)))?
        .map_err(failed)
}

/// Waits for a server that has closed its socket and is about to end. One that does not is for the new server to report.
async fn predecessor_gone(home: &Path) {
    if let Ok(file) = File::open(home.join(SERVER_LOCK_FILE)) {
        let gone = until("a server that is ending still holds the data folder", || {
            file.try_lock().is_ok()
        });
        let _ = gone.await;
    }
}

/// Tells the system's allocator (glibc; others pass it over) to give memory back after a large answer, so that an
/// idle server is small. See docs/benchmarks.md.
const THRIFT: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_TRIM_THRESHOLD_", "131072"),
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
];

async fn start(home: &Path, program: &Path) -> Result<(), ClientError> {
    let failed = |error| ClientError::io(format!("cannot start the server `{}`", program.display()), error);
    let mut child = Command::new(program)
        .arg("serve")
        .arg("--home")
        .arg(home)
        .arg("--background")
        .envs(THRIFT)
        // The server must not keep the folder busy that the command happens to be in.
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let stdout = child.stdout.take();
    // Should the server end before this process does, it is not left as a zombie, which would look alive.
    std::thread::spawn(move || child.wait());
    let pipe = stdout
        .map(OwnedFd::from)
        .map(Receiver::from_owned_fd)
        .transpose()
        .map_err(failed)?;
    let mut line = String::new();
    if let Some(pipe) = pipe {
        BufReader::new(pipe).read_line(&mut line).await.map_err(failed)?;
    }
    match readiness(&line) {
        Some(answer) => answer.map_err(ClientError::Api),
        None => {
            let log = home.join(LOG_FILE);
            let error = ApiError::internal("the server ended before it was ready");
            Err(ClientError::Api(
                error.with_hint(format!("its log `{}` may say why", log.display())),
            ))
        }
    }
}

/// Reads the line that a server writes when it is ready or has failed: `ready`, or `error <exit code> <JSON>`.
fn readiness(line: &str) -> Option<Result<(), ApiError>> {
    let line = line.strip_suffix('\n')?;
    if line == "ready" {
        return Some(Ok(()));
    }
    let (_code, error) = line.strip_prefix("error ")?.split_once(' ')?;
    serde_json::from_str(error).ok().map(Err)
}

/// Asks the server to end and waits until its process has ended.
///
/// # Errors
/// When it refuses, or is still there after half a minute.
pub async fn stop_server(client: &Client) -> Result<(), ClientError> {
    let pid = match client.server().await {
        Ok(status) => status.pid,
        Err(error) if error.is_lost_connection() => return Ok(()),
        // It is stopping already, and does not say who it is: its socket closes when it has ended.
        Err(ClientError::Api(error)) if error.code == ErrorCode::Stopping => {
            return socket_closed(client.home()).await;
        }
        Err(error) => return Err(error),
    };
    match client.stop_server().await {
        Ok(()) => {}
        Err(error) if error.is_lost_connection() => {}
        Err(ClientError::Api(error)) if error.code == ErrorCode::Stopping => {}
        Err(error) => return Err(error),
    }
    let pid = Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX));
    until(
        "the server process is still there after it was asked to stop",
        || !is_there(pid),
    )
    .await
}

/// Whether a process is there and has not ended. One that nobody has waited for yet still has its number.
fn is_there(pid: Pid) -> bool {
    let ended = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything; the state follows the last of them.
        let (_, rest) = stat.rsplit_once(") ")?;
        Some(rest.starts_with(['Z', 'X']))
    };
    kill(pid, None).is_ok() && ended() != Some(true)
}

async fn socket_closed(home: &Path) -> Result<(), ClientError> {
    until("the server is still stopping", || {
        socket_path(home).and_then(UnixStream::connect).is_err()
    })
    .await
}

/// Looks again and again, with growing pauses: the end of a process that is not a child can be had in no other
/// portable way.
async fn until(what: &str, done: impl Fn() -> bool) -> Result<(), ClientError> {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(1);
    while !done() {
        if begin.elapsed() > STOP_LIMIT {
            return Err(ClientError::io(what, ErrorKind::TimedOut.into()));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_line_of_a_server_is_read() {
        assert_eq!(readiness("ready\n"), Some(Ok(())));
        let error = ApiError::conflict("a newer version").with_hint("update");
        let line = format!("error 2 {}\n", serde_json::to_string(&error).unwrap());
        assert_eq!(readiness(&line), Some(Err(error)));
        for line in [
            "",
            "ready",
            "error\n",
            "error 2\n",
            "error 2 {}\n",
            "thread panicked\n",
        ] {
            assert_eq!(readiness(line), None, "{line:?}");
        }
    }

    #[test]
    fn a_process_that_has_ended_is_not_there_though_nobody_waited_for_it() {
        let mut child = Command::new("sh")
            .args(["-c", "exec cat"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        assert!(is_there(pid));
        drop(child.stdin.take());
        while is_there(pid) {
            std::thread::yield_now();
        }
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn a_folder_with_other_files_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        assert_eq!(check_home(home), Ok(()));
        assert_eq!(check_home(&home.join("none")), Ok(()));
        std::fs::write(home.join("thesis.tex"), "").unwrap();
        assert!(check_home(home).unwrap_err().message.contains("`thesis.tex`"));
        std::fs::write(home.join(VERSION_FILE), "1").unwrap();
        assert_eq!(check_home(home), Ok(()));
    }

    #[test]
    fn the_data_folder_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("a/b");
        make_home(&home).unwrap();
        make_home(&home).unwrap();
        assert_eq!(home.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::write(home.join("file"), "").unwrap();
        assert!(make_home(&home.join("file")).is_err());
        assert!(make_home(&home.join("file/under")).is_err());
    }
}
