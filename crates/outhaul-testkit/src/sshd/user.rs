//! The user that logs in: made for the test where it runs as root, else the one who runs it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::{Uid, User, chown};

use super::processes::{kill, of_user};

/// The user.
pub(super) struct TestUser {
    pub(super) name: String,
    pub(super) password: Option<String>,
    pub(super) home: PathBuf,
    made: Option<Uid>,
}

impl TestUser {
    pub(super) fn new(home: &Path, shell: &str) -> io::Result<Self> {
        if !nix::unistd::geteuid().is_root() {
            let user = User::from_uid(nix::unistd::geteuid())?
                .ok_or_else(|| io::Error::other("the user who runs the test has no name"))?;
            return Ok(Self {
                name: user.name,
                password: None,
                home: user.dir,
                made: None,
            });
        }
        let suffix = tempfile::Builder::new().prefix("").rand_bytes(8).tempfile()?;
        let suffix = suffix
            .path()
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_lowercase();
        let name = format!("oh-{suffix}");
        let password = format!("pw-{suffix}-{}", std::process::id());
        let _lock = lock()?;
        patiently(
            Command::new("useradd")
                .args(["--no-create-home", "--shell", shell, "--home-dir"])
                .arg(home)
                .arg(&name),
        )?;
        let user = User::from_name(&name)?.ok_or_else(|| io::Error::other("the new user is not there"))?;
        let made = Self {
            name,
            password: Some(password),
            home: home.to_owned(),
            made: Some(user.uid),
        };
        chown(home, Some(user.uid), Some(user.gid))?;
        made.set_password()?;
        Ok(made)
    }

    fn set_password(&self) -> io::Result<()> {
        let mut child = Command::new("chpasswd").stdin(Stdio::piped()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            writeln!(
                input,
                "{}:{}",
                self.name,
                self.password.as_deref().unwrap_or_default()
            )?;
        }
        if child.wait()?.success() {
            Ok(())
        } else {
            Err(io::Error::other("chpasswd set no password"))
        }
    }
}

impl Drop for TestUser {
    fn drop(&mut self) {
        let Some(user) = self.made else { return };
        let since = Instant::now();
        loop {
            let left = of_user(user.as_raw());
            if left.is_empty() || since.elapsed() > Duration::from_secs(5) {
                break;
            }
            left.into_iter().for_each(kill);
            std::thread::sleep(Duration::from_millis(5));
        }
        let _lock = lock();
        let _ = patiently(Command::new("userdel").arg("--force").arg(&self.name));
    }
}

/// One at a time: the files of users have a lock that is not waited for.
fn lock() -> io::Result<File> {
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(std::env::temp_dir().join("outhaul-testkit-users.lock"))?;
    file.lock()?;
    Ok(file)
}

/// Runs it again while somebody else holds the lock.
fn patiently(command: &mut Command) -> io::Result<()> {
    let since = Instant::now();
    loop {
        let output = command.stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !said.contains("lock") || since.elapsed() > Duration::from_secs(20) {
            return Err(io::Error::other(said));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
