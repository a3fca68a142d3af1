//! This machine as a build host.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{BuildHost, FileFacts, Finished, Guard, HostError, LogSink};
use crate::plan::Step;

/// Most output of a step that is kept for its caller, per stream. The log gets all of it.
const KEPT: usize = 1 << 20;
/// Longest line that is waited for before the log gets its beginning.
const LINE: usize = 64 << 10;
/// How long output is still read after a step and its process group are gone. Only a process that left the group
/// can hold the pipes open then.
const AFTERMATH: Duration = Duration::from_secs(5);

/// Builds on the machine that this process runs on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThisMachine;

/// Kills a step's process group when the waiting is given up, or when the step leaves children behind.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // An error means that nobody is left.
            let _ = killpg(pid, Signal::SIGKILL);
        }
    }
}

/// Passes whole lines on to the log and keeps the end of everything.
async fn drain(
    pipe: Option<impl AsyncRead + Unpin>,
    log: &dyn LogSink,
    kept: &mut Vec<u8>,
) -> std::io::Result<()> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let mut buffer = vec![0; 16 << 10];
    let mut line = Vec::new();
    loop {
        let count = pipe.read(&mut buffer).await?;
        for part in buffer[..count].split_inclusive(|&byte| byte == b'\n') {
            line.extend_from_slice(part);
            if line.ends_with(b"\n") || line.len() >= LINE {
                log.line(&line);
                line.clear();
            }
        }
        kept.extend_from_slice(&buffer[..count]);
        if kept.len() > 2 * KEPT || count == 0 {
            kept.drain(..kept.len().saturating_sub(KEPT));
        }
        if count == 0 {
            if !line.is_empty() {
                log.line(&line);
            }
            return Ok(());
        }
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().ok_or(ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(folder)?;
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?.to_string_lossy();
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let temporary = folder.join(format!(".{name}.{}.{count}", std::process::id()));
    let written = std::fs::File::create(&temporary)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// Runs blocking file work off the async threads.
async fn blocking<T: Send + 'static>(
    operation: &'static str,
    path: &str,
    work: impl FnOnce(&Path) -> std::io::Result<T> + Send + 'static,
) -> Result<T, HostError> {
    let owned = path.to_owned();
    match tokio::task::spawn_blocking(move || work(Path::new(&owned))).await {
        Ok(done) => done.map_err(|error| HostError::io(operation, path, &error)),
        Err(gone) => Err(HostError::io(operation, path, &std::io::Error::other(gone))),
    }
}

fn missing_is_none<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

fn executable(meta: &std::fs::Metadata) -> bool {
    meta.is_file() && meta.permissions().mode() & 0o111 != 0
}

struct FileGuard(#[expect(dead_code, reason = "held for its lock, which ends with it")] std::fs::File);

impl Guard for FileGuard {}

#[async_trait]
impl BuildHost for ThisMachine {
    async fn run(&self, step: &Step, log: &dyn LogSink) -> Result<Finished, HostError> {
        for file in &step.files {
            self.write_atomic(&file.path, file.text.as_bytes()).await?;
        }
        let Some((program, arguments)) = step.argv.split_first() else {
            return Err(HostError::io("start", "", &ErrorKind::InvalidInput.into()));
        };
        let fail = |error: std::io::Error| HostError::io("start", program, &error);
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(step.env.iter().map(|(key, value)| (key, value)));
        if let Some(cwd) = &step.cwd {
            blocking("make the folder", cwd, |path| std::fs::create_dir_all(path)).await?;
            command.current_dir(cwd);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(fail)?;
        let mut group = Group(
            child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .map(Pid::from_raw),
        );
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let status = {
            let reading = async {
                let (out, err) = tokio::join!(drain(out, log, &mut stdout), drain(err, log, &mut stderr));
                out.and(err)
            };
            tokio::pin!(reading);
            let mut read = None;
            let status = loop {
                tokio::select! {
                    status = child.wait() => break status.map_err(fail)?,
                    done = &mut reading, if read.is_none() => read = Some(done),
                }
            };
            // What the step left running would hold its pipes open, and must not work on behind our back.
            drop(Group(group.0.take()));
            if read.is_none() {
                let _ = tokio::time::timeout(AFTERMATH, reading).await;
            }
            status
        };
        Ok(Finished {
            code: status.code(),
            signal: status.signal(),
            stdout,
            stderr,
        })
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, HostError> {
        blocking("read", path, |path| missing_is_none(std::fs::read(path))).await
    }

    async fn write_atomic(&self, path: &str, bytes: &[u8]) -> Result<(), HostError> {
        let bytes = bytes.to_vec();
        blocking("write", path, move |path| write_file(path, &bytes)).await
    }

    async fn exists(&self, path: &str) -> Result<bool, HostError> {
        blocking("look at", path, Path::try_exists).await
    }

    async fn facts(&self, path: &str) -> Result<Option<FileFacts>, HostError> {
        blocking("look at", path, |path| {
            let Some(meta) = missing_is_none(std::fs::metadata(path))? else {
                return Ok(None);
            };
            Ok(Some(FileFacts {
                real: std::fs::canonicalize(path)?.to_string_lossy().into_owned(),
                size: meta.len(),
                modified_ns: i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()),
                inode: meta.ino(),
                executable: executable(&meta),
            }))
        })
        .await
    }

    async fn list(&self, path: &str) -> Result<Vec<String>, HostError> {
        blocking("list", path, |path| {
            let Some(entries) = missing_is_none(std::fs::read_dir(path))? else {
                return Ok(Vec::new());
            };
            let mut names = entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<std::io::Result<Vec<_>>>()?;
            names.sort();
            Ok(names)
        })
        .await
    }

    async fn remove_tree(&self, path: &str) -> Result<(), HostError> {
        blocking("remove", path, |path| {
            let Some(meta) = missing_is_none(std::fs::symlink_metadata(path))? else {
                return Ok(());
            };
            let removed = if meta.is_dir() {
                std::fs::remove_dir_all(path)
            } else {
                std::fs::remove_file(path)
            };
            missing_is_none(removed).map(|_| ())
        })
        .await
    }

    async fn place_tree(&self, from: &Path, to: &str) -> Result<(), HostError> {
        let from = from.to_owned();
        blocking("place", to, move |to| super::place::place(&from, to)).await
    }

    async fn find_executables(&self, names: &[String], folders: &[String]) -> Result<Vec<String>, HostError> {
        let (names, folders) = (names.to_vec(), folders.to_vec());
        blocking("search", "PATH", move |_| {
            let mut found = Vec::new();
            for folder in folders.iter().filter(|folder| folder.starts_with('/')) {
                for name in &names {
                    let path = format!("{}/{name}", folder.trim_end_matches('/'));
                    if std::fs::metadata(&path).is_ok_and(|meta| executable(&meta)) && !found.contains(&path)
                    {
                        found.push(path);
                    }
                }
            }
            Ok(found)
        })
        .await
    }

    async fn lock(&self, path: &str) -> Result<Box<dyn Guard>, HostError> {
        let fail = |error: std::io::Error| HostError::io("lock", path, &error);
        let file = blocking("lock", path, |path| {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)
        })
        .await?;
        match file.try_lock() {
            Ok(()) => return Ok(Box::new(FileGuard(file))),
            Err(std::fs::TryLockError::WouldBlock) => {}
            Err(std::fs::TryLockError::Error(error)) => return Err(fail(error)),
        }
        // A thread of its own: waiting may take as long as a build, and the end of the runtime must not wait for it.
        // If nobody waits any more when the lock is there, the file is dropped and the lock with it.
        let (answer, waiting) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let locked = file.lock().map(|()| file);
            let _ = answer.send(locked);
        });
        match waiting.await {
            Ok(locked) => Ok(Box::new(FileGuard(locked.map_err(fail)?))),
            Err(gone) => Err(fail(std::io::Error::other(gone))),
        }
    }
}
