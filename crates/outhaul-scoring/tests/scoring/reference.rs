//! The former service's own server, unmodified, as a process on a free port of this machine.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where `cargo xtask test` installs it.
const PLACE: &str = "/var/tmp/outhaul-test-scoring";

/// The interpreter that has it, or nothing where it is not installed.
pub fn python() -> Option<PathBuf> {
    let python = Path::new(PLACE).join("bin/python3");
    let there = Command::new(&python)
        .args(["-c", "import azureml_inference_server_http, inference_schema"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    there.then_some(python)
}

/// A running server; it ends with this.
pub struct Reference {
    child: Child,
    pub address: SocketAddr,
}

impl Reference {
    pub fn start(python: &Path, folder: &Path) -> Self {
        let mut child = Command::new(python)
            // By the WSGI server that its own command uses, because that command listens on all addresses.
            .args([
                "-m",
                "gunicorn",
                "--bind",
                "127.0.0.1:0",
                "azureml_inference_server_http.server.entry:app",
            ])
            .current_dir(folder)
            .env("HOME", folder)
            .env("AZUREML_ENTRY_SCRIPT", "score.py")
            .env("AML_APP_ROOT", folder)
            .env_remove("PYTHONPATH")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let address = lines
            .by_ref()
            .find_map(|line| {
                let (_, rest) = line.split_once("Listening at: http://")?;
                rest.split(' ').next()?.parse().ok()
            })
            .expect("the reference listens");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
    }
}
