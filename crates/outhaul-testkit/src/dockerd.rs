//! A Docker engine for tests, and images without a registry.
//!
//! An engine that answers at `/var/run/docker.sock` is used as it is. Else, as root and with `dockerd` installed, one is
//! started in a folder of its own: shared by all tests of a process, and gone with that process. Images are packed from
//! this machine's own programs and kept in the folder for temporary files.

mod registry;

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

pub use self::registry::Registry;

const USUAL: &str = "/var/run/docker.sock";
const KEEP: &str = include_str!("dockerd/keep.sh");
const ROOTFS: &str = include_str!("dockerd/rootfs.sh");

/// An image that tests can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// `sh`, `setsid`, `env`, the usual tools and `python3`.
    Debian,
    /// Busybox alone, without `setsid` and `env`.
    Busybox,
}

impl Image {
    const fn name(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::Busybox => "busybox",
        }
    }
}

/// An engine that answers.
pub struct Dockerd {
    socket: PathBuf,
    images: Mutex<Vec<(Image, String)>>,
    /// Its standard input keeps the engine running.
    _keeper: Option<Child>,
}

/// The engine of this process, or `None` after one line on standard output that says why there is none.
#[must_use]
pub fn dockerd() -> Option<&'static Dockerd> {
    static ENGINE: OnceLock<Result<Dockerd, String>> = OnceLock::new();
    let found = ENGINE.get_or_init(|| {
        let found = Dockerd::find();
        if let Err(reason) = &found {
            let line = format!("not run: tests on a Docker engine, because {reason}\n");
            let _ = std::io::stdout().lock().write_all(line.as_bytes());
        }
        found
    });
    found.as_ref().ok()
}

impl Dockerd {
    /// The socket that the engine listens on.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Makes sure that the engine has an image, and gives its name.
    ///
    /// # Panics
    /// When it cannot be packed or loaded.
    pub fn image(&self, image: Image) -> String {
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, name)) = images.iter().find(|(known, _)| *known == image) {
            return name.clone();
        }
        let tar = packed(image);
        let bytes = std::fs::read(&tar).expect("the packed image is read");
        // Named by how it is made, so that an engine that is used again never has an older one.
        let tag = tag();
        let name = format!("outhaul-test-{}:{tag}", image.name());
        let there = ask(&self.socket, "GET", &format!("/images/{name}/json"), &[]);
        if there.map_or(0, |(status, _)| status) != 200 {
            let path = format!(
                "/images/create?fromSrc=-&repo=outhaul-test-{}&tag={tag}",
                image.name()
            );
            let (status, answer) = ask(&self.socket, "POST", &path, &bytes).expect("the engine answers");
            assert_eq!(status, 200, "the image is loaded: {answer}");
        }
        images.push((image, name.clone()));
        name
    }

    fn find() -> Result<Self, String> {
        let found = |socket: PathBuf, keeper| Self {
            socket,
            images: Mutex::default(),
            _keeper: keeper,
        };
        if answers(Path::new(USUAL)) {
            return Ok(found(USUAL.into(), None));
        }
        if !nix::unistd::geteuid().is_root() {
            return Err(format!(
                "no engine answers at {USUAL}, and only root can start one"
            ));
        }
        let mut reason = String::new();
        // Overlay where the file system can do it; copies of all files where it cannot.
        for arguments in [&[][..], &["--storage-driver", "vfs"]] {
            match start(arguments) {
                Ok((socket, keeper)) => return Ok(found(socket, Some(keeper))),
                Err(why) => reason = why,
            }
        }
        Err(reason)
    }
}

/// Starts an engine and waits until it answers.
fn start(arguments: &[&str]) -> Result<(PathBuf, Child), String> {
    let folder = tempfile::Builder::new()
        .prefix("ohd-")
        .tempdir()
        .map_err(|error| error.to_string())?;
    // Users other than root shall reach the socket, to be refused there.
    let _ = std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755));
    // From here the keeper removes it.
    let folder = folder.keep();
    let mut keeper = Command::new("sh")
        .args(["-c", KEEP, "keep.sh"])
        .arg(&folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C at the tests must not reach it: it ends when they have ended.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("`sh` cannot be started: {error}"))?;
    let socket = folder.join("docker.sock");
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(60) {
        if answers(&socket) {
            return Ok((socket, keeper));
        }
        if folder.join("ended").exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    drop(keeper.stdin.take());
    let _ = keeper.wait();
    let last = log.lines().last().unwrap_or("it says nothing").to_owned();
    Err(format!("`dockerd` does not start: {last}"))
}

fn answers(socket: &Path) -> bool {
    matches!(ask(socket, "GET", "/_ping", &[]), Ok((200, _)))
}

/// One request to the engine: status and body.
fn ask(socket: &Path, method: &str, path: &str, body: &[u8]) -> std::io::Result<(u16, String)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    // Of version 1.0, so that the answer ends with the connection.
    // Pushing wants to be told who asks, if only by an empty word.
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: engine\r\nX-Registry-Auth: e30=\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, body.to_owned()))
}

/// A name for how images are made: changes with the script.
fn tag() -> String {
    let sum = ROOTFS.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{sum:016x}")
}

/// The tar of an image, packed where it is not there yet.
fn packed(image: Image) -> PathBuf {
    let folder = std::env::temp_dir().join("outhaul-test-images");
    std::fs::create_dir_all(&folder).expect("a folder for images");
    let tar = folder.join(format!("{}-{}.tar", image.name(), tag()));
    if !tar.exists() {
        let output = Command::new("sh")
            .args(["-c", ROOTFS, "rootfs.sh", image.name()])
            .arg(&tar)
            .output()
            .expect("`sh` can be started");
        assert!(
            tar.exists(),
            "the image is packed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    tar
}
