//! A "remote" machine without a network: a home folder and `sh -c` on this machine. For the protocol's tests where no
//! SSH server is wanted.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use async_trait::async_trait;
use outhaul_driver::ByteStream;
use outhaul_host::remote::{Input, Output, Shell, ShellError, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Runs command lines in a home folder of its own.
pub struct LocalShell {
    home: PathBuf,
    variables: Vec<(String, String)>,
}

impl LocalShell {
    /// A machine whose home folder this is.
    #[must_use]
    pub fn new(home: PathBuf) -> Self {
        Self {
            home,
            variables: Vec::new(),
        }
    }

    /// Sets a variable of the machine, as its login files would.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
fn broken(error: std::io::Error) -> ShellError {
    ShellError::lost(error.to_string())
}

#[async_trait]
impl Shell for LocalShell {
    async fn connect(&self, address: SocketAddr) -> Result<Box<dyn ByteStream>, ShellError> {
        let stream = tokio::net::TcpStream::connect(address).await;
        Ok(Box::new(stream.map_err(broken)?))
    }

    async fn run(&self, line: &str, input: Input<'_>, output: Output<'_>) -> Result<i32, ShellError> {
        // No shims of version managers: each of them takes a good part of a second to answer.
        let path = "/usr/local/bin:/usr/bin:/bin";
        let mut child = tokio::process::Command::new("sh")
            .args(["-c", line])
            .env_clear()
            .envs([
                ("HOME", self.home.as_os_str()),
                ("PATH", std::ffi::OsStr::new(path)),
            ])
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(broken)?;
        let (Some(mut stdin), Some(mut stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(ShellError::lost("no pipes"));
        };
        let writing = async move {
            match input {
                Input::Bytes(bytes) => drop(stdin.write_all(bytes).await),
                Input::Reader(mut reader) => drop(tokio::io::copy(&mut reader, &mut stdin).await),
                Input::Open(bytes) => {
                    let _ = stdin.write_all(bytes).await;
                    return Some(stdin);
                }
            }
            None
        };
        let reading = async {
            let (mut out, mut err) = (vec![0; 64 << 10], vec![0; 64 << 10]);
            let (mut out_open, mut err_open) = (true, true);
            while out_open || err_open {
                tokio::select! {
                    read = stdout.read(&mut out), if out_open => match read.map_err(broken)? {
                        0 => out_open = false,
                        count => output(Stream::Stdout, &out[..count]),
                    },
                    read = stderr.read(&mut err), if err_open => match read.map_err(broken)? {
                        0 => err_open = false,
                        count => output(Stream::Stderr, &err[..count]),
                    },
                }
            }
            Ok::<_, ShellError>(())
        };
        let (held, read) = tokio::join!(writing, reading);
        read?;
        let status = child.wait().await.map_err(broken)?;
        drop(held);
        use std::os::unix::process::ExitStatusExt as _;
        Ok(status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
    }
}
