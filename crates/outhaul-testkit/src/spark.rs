//! A real Spark for tests: the one of the Python package `pyspark`, which `cargo xtask test` installs, and a cluster of its
//! own with one master and two workers, on ports that the system picks.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where `cargo xtask test` installs it: a folder that the users of test machines can read.
pub const PLACE: &str = "/var/tmp/outhaul-test-spark";

const PATIENCE: Duration = Duration::from_secs(120);

/// The folder of Spark. Where there is none, prints one line and gives `None`.
#[must_use]
pub fn home() -> Option<PathBuf> {
    let found = glob_one(&Path::new(PLACE).join("lib"))
        .map(|python| python.join("site-packages/pyspark"))
        .filter(|home| home.join("bin/spark-submit").exists());
    let java = Command::new("java").arg("-version").output().is_ok();
    let reason = match (&found, java) {
        (None, _) => "the package pyspark is not installed for tests",
        (_, false) => "there is no Java",
        _ => return found,
    };
    let line = format!("not run: tests on Spark, because {reason}\n");
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
    None
}

/// The Python that has it as a package.
#[must_use]
pub fn python() -> PathBuf {
    Path::new(PLACE).join("bin/python3")
}

fn glob_one(folder: &Path) -> Option<PathBuf> {
    let mut entries = std::fs::read_dir(folder).ok()?.flatten();
    entries.find_map(|entry| {
        let name = entry.file_name();
        name.to_string_lossy()
            .starts_with("python3")
            .then(|| entry.path())
    })
}

/// A cluster. It ends with its owner.
pub struct Cluster {
    folder: tempfile::TempDir,
    home: PathBuf,
    user: Option<(u32, u32)>,
    daemons: Vec<Child>,
    master: String,
}

impl Cluster {
    /// Starts a cluster, whose processes belong to a user when one is given. Where none can be had, prints one line and
    /// gives `None`.
    ///
    /// # Panics
    /// When there is a Spark and it does not start.
    #[must_use]
    pub fn start(user: Option<(u32, u32)>) -> Option<Self> {
        let home = home()?;
        let folder = tempfile::Builder::new()
            .prefix("oh-spark-")
            .tempdir()
            .expect("a folder for the cluster");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))
            .expect("it can be read");
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).expect("it can be given away");
        }
        let mut cluster = Self {
            folder,
            home,
            user,
            daemons: Vec::new(),
            master: String::new(),
        };
        cluster.master = cluster.daemon("master", "Master", &["--port", "0"], "Starting Spark master at ");
        for name in ["worker-1", "worker-2"] {
            let work = cluster.folder.path().join(name).display().to_string();
            let master = cluster.master.clone();
            let options = ["--cores", "1", "--memory", "1g", "--work-dir", &work, &master];
            let _ = cluster.daemon(name, "Worker", &options, "Successfully registered with master ");
        }
        Some(cluster)
    }

    /// Its address, for `--master`.
    #[must_use]
    pub fn master(&self) -> &str {
        &self.master
    }

    /// Its Spark's folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// What a daemon has written: `master`, `worker-1` or `worker-2`.
    #[must_use]
    pub fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap_or_default()
    }

    /// Ends the master by force.
    pub fn end_master(&mut self) {
        self.end_worker(0);
    }

    /// Ends a worker by force: 1 or 2.
    pub fn end_worker(&mut self, number: usize) {
        let _ = self.daemons[number].kill();
        let _ = self.daemons[number].wait();
    }

    /// Starts a daemon and gives the word behind what it says when it is ready.
    fn daemon(&mut self, name: &str, class: &str, options: &[&str], ready: &str) -> String {
        let path = self.folder.path().join(format!("{name}.log"));
        let log = File::create(&path).expect("a file for its log");
        // Ends with the test, however that ends.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if let Some((uid, gid)) = self.user {
            command.args([
                format!("--reuid={uid}"),
                format!("--regid={gid}"),
                "--clear-groups".to_owned(),
            ]);
        }
        command
            .arg(self.home.join("bin/spark-class"))
            .arg(format!(
                "org.apache.spark.deploy.{}.{class}",
                class.to_lowercase()
            ))
            .args(["--host", "127.0.0.1", "--webui-port", "0"])
            .args(options)
            .env("SPARK_HOME", &self.home)
            .env("SPARK_LOCAL_IP", "127.0.0.1")
            .env("SPARK_DAEMON_MEMORY", "256m")
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .process_group(0);
        self.daemons.push(command.spawn().expect("it starts"));
        let begin = Instant::now();
        loop {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if let Some((_, rest)) = text.split_once(ready) {
                return rest.split_whitespace().next().unwrap_or_default().to_owned();
            }
            assert!(begin.elapsed() < PATIENCE, "{name} does not start: {text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for daemon in &mut self.daemons {
            // Executors end by themselves when their worker is gone.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}
