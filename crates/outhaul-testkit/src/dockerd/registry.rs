//! A registry for images: Debian's `docker-registry`, on a port that it chooses itself.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::{Dockerd, Image, ask};

/// A registry that runs as long as this value lives.
pub struct Registry {
    address: String,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Registry {
    /// A new registry without any image, or `None` after one line on standard output that says why there is none.
    ///
    /// # Panics
    /// When it is installed and does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder for the registry");
        let config = folder.path().join("config.yml");
        let text = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:0\n",
            folder.path().join("images").display()
        );
        std::fs::write(&config, text).expect("the registry's configuration");
        // It ends when the thread of the test ends, however that happens.
        let started = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "docker-registry", "serve"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut lines = None;
        let address = started.ok().and_then(|mut process| {
            let mut log = BufReader::new(process.stderr.take()?).lines();
            let address = log.by_ref().map_while(Result::ok).find_map(|line| {
                let rest = line.split_once("listening on ")?.1;
                Some(rest.split(['"', ' ']).next()?.to_owned())
            });
            lines = Some(log);
            match address {
                Some(address) => Some((address, process)),
                None => {
                    let _ = process.wait();
                    None
                }
            }
        });
        let Some((address, process)) = address else {
            let line = "not run: tests on a registry, because `docker-registry` is not installed\n";
            let _ = std::io::stdout().lock().write_all(line.as_bytes());
            return None;
        };
        // What it says is taken from it, so that it never waits.
        std::thread::spawn(move || lines.into_iter().flatten().for_each(drop));
        Some(Self {
            address,
            process,
            _folder: folder,
        })
    }

    /// Puts an image into the registry, and takes that name from the engine again. Gives the name for pulling it.
    ///
    /// # Panics
    /// When the engine or the registry refuses.
    #[must_use]
    pub fn publish(&self, engine: &Dockerd, image: Image) -> String {
        let local = engine.image(image);
        let repository = format!("{}/{}", self.address, image.name());
        let calls = [
            ("POST", format!("/images/{local}/tag?repo={repository}&tag=1")),
            ("POST", format!("/images/{repository}/push?tag=1")),
            ("DELETE", format!("/images/{repository}:1")),
        ];
        for (method, path) in calls {
            let (status, answer) = ask(engine.socket(), method, &path, &[]).expect("the engine answers");
            assert!(
                status < 300 && !answer.contains("\"error\""),
                "{method} {path}: {answer}"
            );
        }
        format!("{repository}:1")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
