//! An SSH server of our own, on a port of its own, with keys of its own, for the user that we are.

use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::bench::limit::{self, Group};
use crate::temp::Temp;
use crate::{repo, shell};

const PROGRAM: &str = "/usr/sbin/sshd";
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server. It ends with this value.
pub struct Sshd {
    // Ended before its folder is removed.
    _listener: Group,
    /// Its port.
    pub port: u16,
    /// Who can log in.
    pub username: String,
    /// Fingerprint of its host key.
    pub fingerprint: String,
    folder: Temp,
}

impl Sshd {
    /// Starts one.
    pub fn start() -> Result<Self> {
        for program in ["ssh", "ssh-keygen", "rsync", "tar"] {
            ensure!(
                shell::found(program),
                "there is no `{program}`; `cargo xtask test` installs it"
            );
        }
        ensure!(
            Path::new(PROGRAM).exists(),
            "there is no `{PROGRAM}`; `cargo xtask test` installs it"
        );
        let folder = Temp::new("sshd")?;
        let at = |name: &str| folder.path().join(name);
        for name in ["host", "client"] {
            let mut keygen = repo::clean("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(at(name));
            shell::output(&mut keygen)?;
        }
        fs::copy(at("client.pub"), at("authorized_keys"))?;
        let shown = shell::output(repo::clean("ssh-keygen").arg("-lf").arg(at("host.pub")))?;
        let fingerprint = shown
            .split_whitespace()
            .nth(1)
            .context("`ssh-keygen` shows no fingerprint")?
            .to_owned();
        let username = shell::output(repo::clean("id").arg("-un"))?.trim().to_owned();
        if username == "root" {
            // Where its unprivileged half is locked in.
            fs::create_dir_all("/run/sshd")?;
        }
        for _ in 0..10 {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            fs::write(at("sshd_config"), config(folder.path(), port, &username))?;
            let public = fs::read_to_string(at("host.pub"))?;
            fs::write(at("known_hosts"), format!("[127.0.0.1]:{port} {public}"))?;
            let mut command = repo::clean(PROGRAM);
            command.args(["-D", "-e", "-f"]).arg(at("sshd_config"));
            let mut listener = Group::start(&mut command, &at("log"))?;
            // Somebody else may have taken the port meanwhile.
            if answers(&mut listener, port)? {
                return Ok(Self {
                    _listener: listener,
                    port,
                    username,
                    fingerprint,
                    folder,
                });
            }
        }
        bail!("`sshd` does not start: {}", limit::last_line(&at("log")))
    }

    /// The key to log in with.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("client")
    }

    /// `ssh` with all that it needs but the host: a new connection each time, or with a path of a socket a shared one.
    pub fn ssh(&self, shared: Option<&Path>) -> Vec<String> {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let mut words: Vec<String> = [
            "ssh",
            "-F",
            "/dev/null",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
        ]
        .map(str::to_owned)
        .to_vec();
        words.extend(["-o".into(), format!("UserKnownHostsFile={}", at("known_hosts"))]);
        words.extend(["-i".into(), at("client"), "-p".into(), self.port.to_string()]);
        if let Some(socket) = shared {
            words.extend(["-S".into(), socket.display().to_string()]);
        }
        words
    }

    /// The host as `ssh` names it.
    pub fn host(&self) -> String {
        format!("{}@127.0.0.1", self.username)
    }

    /// Opens a connection for others to share. It is closed with the value.
    pub fn share(&self) -> Result<(Group, PathBuf)> {
        let socket = self.folder.path().join("shared");
        let words = self.ssh(Some(&socket));
        let mut command = repo::clean(&words[0]);
        command.args(&words[1..]).args(["-M", "-N"]).arg(self.host());
        let log = self.folder.path().join("shared.log");
        let mut group = Group::start(&mut command, &log)?;
        let start = Instant::now();
        while !socket.exists() {
            if group.has_ended()? || start.elapsed() > PATIENCE {
                bail!("`ssh` opens no connection: {}", limit::last_line(&log));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok((group, socket))
    }

    /// A command on the other side.
    pub fn there(&self, shared: Option<&Path>, line: &str) -> Command {
        let words = self.ssh(shared);
        let mut command = repo::clean(&words[0]);
        command.args(&words[1..]).arg(self.host()).arg(line);
        command
    }
}

fn config(folder: &Path, port: u16, username: &str) -> String {
    let folder = folder.display();
    format!(
        "HostKey {folder}/host\nListenAddress 127.0.0.1\nPort {port}\nPidFile none\nUsePAM no\nStrictModes no\n\
         UseDNS no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         AuthorizedKeysFile {folder}/authorized_keys\nPermitRootLogin prohibit-password\nAllowUsers {username}\n"
    )
}

fn answers(listener: &mut Group, port: u16) -> Result<bool> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE && !listener.has_ended()? {
        if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            let mut greeting = [0; 4];
            if stream.read_exact(&mut greeting).is_ok() && &greeting == b"SSH-" {
                return Ok(true);
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(false)
}
