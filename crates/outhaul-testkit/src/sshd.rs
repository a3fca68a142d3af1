//! A real OpenSSH server for a test: its own port, keys, settings and, where the test runs as root, its own user.

mod processes;
mod user;

use std::fs;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use processes::{descendants, kill};
use user::TestUser;

const PROGRAM: &str = "/usr/sbin/sshd";
const PATIENCE: Duration = Duration::from_secs(20);

/// What a server is to be like.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    lines: Vec<String>,
    shell: Option<String>,
    host_key_kinds: Vec<String>,
    inside: Option<(String, Ipv4Addr)>,
}

impl Setup {
    /// The usual: one Ed25519 host key, key and password logins, `/bin/sh`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line to the server's configuration; it takes precedence over the usual ones. `FOLDER` in it stands for
    /// [`Sshd::folder`].
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// The user's login shell; `/bin/sh` otherwise. Only where the test runs as root.
    #[must_use]
    pub fn shell(mut self, shell: &str) -> Self {
        self.shell = Some(shell.to_owned());
        self
    }

    /// Adds a host key of this kind (`ed25519`, `ecdsa`, `rsa`); one Ed25519 key if none is added.
    #[must_use]
    pub fn host_key(mut self, kind: &str) -> Self {
        self.host_key_kinds.push(kind.to_owned());
        self
    }

    /// Puts the server into a network namespace, at one of the addresses there and the usual port.
    #[must_use]
    pub(crate) fn inside(mut self, namespace: &str, address: Ipv4Addr) -> Self {
        self.inside = Some((namespace.to_owned(), address));
        self
    }

    /// Starts the server. Where there is none, prints one line and gives `None`.
    ///
    /// # Panics
    ///
    /// If there is one and it does not start.
    #[must_use]
    pub fn start(self) -> Option<Sshd> {
        if !Path::new(PROGRAM).exists() {
            #[expect(
                clippy::print_stderr,
                reason = "the one who runs the tests is to see that this one said nothing"
            )]
            {
                eprintln!("not run: no sshd");
            }
            return None;
        }
        Some(Sshd::start(self).expect("the SSH server starts"))
    }
}

/// A running server. When it is dropped, it, its sessions and its user are gone.
pub struct Sshd {
    folder: TempDir,
    user: TestUser,
    setup: Setup,
    port: u16,
    child: Option<Child>,
    sessions: Vec<i32>,
    client_key: String,
    host_keys: Vec<String>,
}

impl Sshd {
    fn start(setup: Setup) -> io::Result<Self> {
        // The user must be able to enter it.
        let folder = tempfile::Builder::new().prefix("outhaul-sshd-").tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let home = folder.path().join("home");
        fs::create_dir(&home)?;
        let user = TestUser::new(&home, setup.shell.as_deref().unwrap_or("/bin/sh"))?;
        if nix::unistd::geteuid().is_root() {
            fs::create_dir_all("/run/sshd")?;
        }
        let mut host_keys = Vec::new();
        let kinds = if setup.host_key_kinds.is_empty() {
            vec!["ed25519".to_owned()]
        } else {
            setup.host_key_kinds.clone()
        };
        for (number, kind) in kinds.iter().enumerate() {
            host_keys.push(keygen(folder.path(), &format!("host{number}"), kind, "")?.1);
        }
        let (client_key, public) = keygen(folder.path(), "client", "ed25519", "")?;
        let mut server = Self {
            folder,
            user,
            setup,
            port: 0,
            child: None,
            sessions: Vec::new(),
            client_key,
            host_keys,
        };
        server.authorize(&public)?;
        for _ in 0..20 {
            server.port = match server.setup.inside {
                // Nobody else listens there.
                Some(_) => 22,
                None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port(),
            };
            if server.launch()? {
                return Ok(server);
            }
        }
        let log = fs::read_to_string(server.log_path()).unwrap_or_default();
        Err(io::Error::other(format!("it never listened; its log: {log}")))
    }

    fn config(&self) -> String {
        let folder = self.folder.path().display().to_string();
        let mut text = String::new();
        for line in &self.setup.lines {
            text.push_str(&line.replace("FOLDER", &folder));
            text.push('\n');
        }
        for number in 0..self.host_keys.len() {
            text.push_str(&format!("HostKey {folder}/host{number}\n"));
        }
        text.push_str(&format!(
            "ListenAddress {}\nPort {}\nPidFile none\nUsePAM no\nStrictModes no\nUseDNS no\nPrintMotd no\n\
             KbdInteractiveAuthentication no\nAuthorizedKeysFile {folder}/authorized_keys\nAllowUsers {}\n\
             MaxStartups 200\nLogLevel VERBOSE\n",
            self.address().ip(),
            self.port,
            self.user.name
        ));
        if knows_penalties(self.folder.path()) {
            text.push_str("PerSourcePenalties no\n");
        }
        text
    }

    /// Launches the listener at the port; `false` if another one has taken it meanwhile.
    fn launch(&mut self) -> io::Result<bool> {
        let config = self.folder.path().join("sshd_config");
        fs::write(&config, self.config())?;
        let mut command = match &self.setup.inside {
            Some((namespace, _)) => {
                let mut command = Command::new("ip");
                // It becomes the server: no process stands in between.
                command.args(["netns", "exec", namespace, PROGRAM]);
                command
            }
            None => Command::new(PROGRAM),
        };
        let mut child = command
            .arg("-D")
            .arg("-f")
            .arg(&config)
            .arg("-E")
            .arg(self.log_path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if child.try_wait()?.is_some() {
                return Ok(false);
            }
            if self.answers() {
                self.child = Some(child);
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let _ = child.wait();
        Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer"))
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect_timeout(&self.address(), Duration::from_secs(1)) else {
            return false;
        };
        let mut start = [0; 4];
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        stream.read_exact(&mut start).is_ok() && &start == b"SSH-"
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let inside = self.setup.inside.as_ref();
        let address = inside.map_or(Ipv4Addr::LOCALHOST, |(_, address)| *address);
        (address, self.port).into()
    }

    /// The port at which it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Who can log in.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.user.name
    }

    /// The user's password; `None` where the test does not run as root, as only root's server can check one.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.user.password.as_deref()
    }

    /// The user's home folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.user.home
    }

    /// The text of a private key that is let in.
    #[must_use]
    pub fn client_key(&self) -> &str {
        &self.client_key
    }

    /// The public host keys, as they stand in known-hosts files: algorithm and base64.
    #[must_use]
    pub fn host_keys(&self) -> &[String] {
        &self.host_keys
    }

    /// A folder of this server's, for keys and sockets; everybody may enter it. The host keys are `host0`, `host1`, ….
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("sshd.log")
    }

    /// What the server wrote about itself.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Lets a public key in.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn authorize(&self, public_key: &str) -> io::Result<()> {
        let path = self.folder.path().join("authorized_keys");
        let mut text = fs::read_to_string(&path).unwrap_or_default();
        text.push_str(public_key.trim());
        text.push('\n');
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644))
    }

    /// Stops listening. Sessions go on.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            if let Ok(id) = i32::try_from(child.id()) {
                self.sessions.extend(descendants(id, "sshd"));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Kills the listener and every session. Commands that have left their session go on, as with a real crash.
    pub fn kill_all(&mut self) {
        self.stop();
        for id in self.sessions.drain(..) {
            kill(id);
        }
    }

    /// Listens again at the same port, with the same keys.
    ///
    /// # Errors
    ///
    /// If the port was taken meanwhile or the server does not start.
    pub fn restart(&mut self) -> io::Result<()> {
        self.stop();
        if self.launch()? {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::AddrInUse, "the port was taken"))
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// Whether this server has `PerSourcePenalties`, which would lock a test out that fails to log in on purpose.
fn knows_penalties(folder: &Path) -> bool {
    static KNOWS: OnceLock<bool> = OnceLock::new();
    *KNOWS.get_or_init(|| {
        let config = folder.join("penalties");
        let text = format!("HostKey {}/host0\nPerSourcePenalties no\n", folder.display());
        fs::write(&config, text).is_ok()
            && Command::new(PROGRAM)
                .arg("-t")
                .arg("-f")
                .arg(&config)
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
    })
}

/// Makes a key pair `name` and `name.pub` in a folder; gives the private and the public text.
///
/// # Errors
///
/// If `ssh-keygen` does not make it.
pub fn keygen(folder: &Path, name: &str, kind: &str, passphrase: &str) -> io::Result<(String, String)> {
    let path = folder.join(name);
    let status = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f"])
        .arg(&path)
        .stdin(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(io::Error::other("ssh-keygen made no key"));
    }
    Ok((
        fs::read_to_string(&path)?,
        fs::read_to_string(path.with_extension("pub"))?,
    ))
}
