//! Sending a folder of the server's machine to the target, as a stream of tar.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use outhaul_environment::{HostError, HostErrorKind};
use outhaul_host::remote::{Input, Session, Stream, behind_mark};
use outhaul_host::run_dir::quote;
use tokio::io::{AsyncReadExt as _, BufReader};

use crate::build_host::host_error;

const OPERATION: &str = "place";
/// The last file of the stream: where it arrived, all before it did.
const LAST: &str = ".outhaul-whole";

/// Sends `from` to `to`, where nothing is yet. It appears there whole or not at all.
pub(crate) async fn place(session: &Session, from: &Path, to: &str) -> Result<(), HostError> {
    let here = |error: &std::io::Error| HostError::io("pack", &from.to_string_lossy(), error);
    session
        .hello(OPERATION)
        .await
        .map_err(|error| host_error(OPERATION, to, error))?;
    let last = Last::make(from).map_err(|error| here(&error))?;
    let mut packing = tokio::process::Command::new("tar")
        .args(["--format=gnu", "-cf", "-", "-C"])
        .arg(from)
        .args([".", "-C"])
        .arg(&last.folder)
        .arg(LAST)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| HostError::io("start", "tar", &error))?;
    let Some(packed) = packing.stdout.take() else {
        return Err(here(&std::io::ErrorKind::BrokenPipe.into()));
    };
    let script = script(to);
    let line = session
        .installation()
        .line("script", &[&script.len().to_string()]);
    let mut input = script
        .as_bytes()
        .chain(BufReader::with_capacity(256 << 10, packed));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = session
        .shell()
        .run(
            &line,
            Input::Reader(&mut input),
            &mut |stream, bytes| match stream {
                Stream::Stdout => out.extend_from_slice(bytes),
                Stream::Stderr => err.extend_from_slice(&bytes[..bytes.len().min(64 << 10)]),
            },
        )
        .await
        .map_err(|error| host_error(OPERATION, to, error.during(OPERATION)))?;
    drop(input);
    let said = String::from_utf8_lossy(behind_mark(&out).unwrap_or_default()).into_owned();
    if status == 0 && said.trim_end().ends_with("placed") {
        return Ok(());
    }
    let words = [said.as_str(), &String::from_utf8_lossy(&err)].concat();
    let message = words.trim();
    let kind = if message.contains("No space left") || message.contains("quota") {
        HostErrorKind::Full
    } else {
        HostErrorKind::Other
    };
    Err(HostError {
        operation: OPERATION,
        subject: to.to_owned(),
        kind,
        message: if message.is_empty() {
            "the folder did not arrive whole; try again".to_owned()
        } else {
            message.lines().take(5).collect::<Vec<_>>().join("\n")
        },
    })
}

/// Unpacks beside the place, and moves the folder there when its last file has come.
fn script(to: &str) -> String {
    let (to, part) = (quote(to), quote(&format!("{to}.part")));
    format!(
        "{{ umask 022; rm -rf {part}; mkdir -p {part} && tar -xof - -C {part} && [ -f {part}/{LAST} ] && rm {part}/{LAST} \
         && [ ! -e {to} ] && mv {part} {to} && echo placed || {{ rm -rf {part}; exit 1; }}; }} 2>&1\n"
    )
}

/// A folder with the last file in it, removed when it is dropped.
struct Last {
    folder: PathBuf,
}

impl Last {
    fn make(beside: &Path) -> std::io::Result<Self> {
        let mut folder = beside.as_os_str().to_owned();
        folder.push(".last");
        let folder = PathBuf::from(folder);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(LAST), "")?;
        Ok(Self { folder })
    }
}

impl Drop for Last {
    fn drop(&mut self) {
        // An empty file that stays is only untidy.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
