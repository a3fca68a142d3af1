//! An engine with a home of its own and run directories on this machine. Nothing outlives it.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use outhaul_docker::{ContainerRequest, ContainerState, Engine, ImageRef, Options, UnixSocket};
use outhaul_host::run_dir::{CONTAINER_SUPERVISOR, Launch, names, parse_exit, script};
use outhaul_testkit::dockerd::{Dockerd, Image, dockerd};
use outhaul_types::{RunId, RunKey};

pub struct Bench {
    pub engine: Engine,
    pub dockerd: &'static Dockerd,
    folder: tempfile::TempDir,
    /// Who the runs belong to.
    pub user: (u32, u32),
}

impl Bench {
    /// `None` when there is no engine.
    pub fn new() -> Option<Self> {
        let dockerd = dockerd()?;
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(
            folder.path().join(names::CONTAINER_SUPERVISOR),
            CONTAINER_SUPERVISOR,
        )
        .unwrap();
        let me = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        Some(Self {
            engine: engine(dockerd),
            dockerd,
            folder,
            // Any user but root, who need not be known to anybody.
            user: if me.0 == 0 { (4711, 4712) } else { me },
        })
    }

    pub fn dir(&self, key: &RunKey) -> PathBuf {
        self.folder.path().join(key.as_str())
    }

    /// Lays out a run directory with this shell command, and gives the request for its container.
    pub fn stage(&self, image: Image, shell: &str, arguments: &[&str]) -> ContainerRequest {
        let run_key = RunId::generate().unwrap().key(1);
        let dir = self.dir(&run_key);
        let launch = Launch {
            variables: [("OUTHAUL_RUN_KEY".to_owned(), run_key.as_str().to_owned())].into(),
            argv: vec!["sh".into(), "-c".into(), shell.into()],
            ..Launch::default()
        };
        for folder in ["code/outputs", "code/logs", "uploads"] {
            std::fs::create_dir_all(dir.join(folder)).unwrap();
        }
        std::fs::write(dir.join("launch.sh"), script(&launch)).unwrap();
        std::fs::write(dir.join("staged"), "").unwrap();
        if nix::unistd::geteuid().is_root() {
            for path in ["", "code", "code/outputs", "code/logs", "uploads"] {
                chown(dir.join(path), Some(self.user.0), Some(self.user.1)).unwrap();
            }
        }
        ContainerRequest {
            run_key,
            image: ImageRef::Name(self.dockerd.image(image)),
            run_dir: dir,
            supervisor: self.folder.path().join(names::CONTAINER_SUPERVISOR),
            mounts: vec![],
            user: Some(self.user),
            shm_size: None,
            gpus: false,
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
            environment: vec![],
        }
    }

    pub async fn state(&self, key: &RunKey) -> ContainerState {
        let mut states = self.engine.observe(std::slice::from_ref(key)).await.unwrap();
        states.remove(key).unwrap()
    }

    /// Waits until the container has ended: exit code, and whether memory ran out.
    pub async fn ended(&self, key: &RunKey) -> (i64, bool) {
        let look = async || match self.state(key).await {
            ContainerState::Exited {
                code,
                oom_killed,
                finished_at,
            } => {
                assert!(finished_at.is_some());
                Some((code, oom_killed))
            }
            _ => None,
        };
        self.until("the container has ended", key, look).await
    }

    /// Starts, and waits for the end.
    pub async fn run(&self, image: Image, shell: &str, arguments: &[&str]) -> (RunKey, (i64, bool)) {
        let request = self.stage(image, shell, arguments);
        self.engine.start(&request).await.unwrap();
        let ended = self.ended(&request.run_key).await;
        (request.run_key, ended)
    }

    /// Waits until a file of the run holds this.
    pub async fn until_holds(&self, key: &RunKey, file: &str, part: &str) {
        let look = async || self.read(key, file).contains(part).then_some(());
        self.until(&format!("`{file}` holds `{part}`"), key, look).await;
    }

    async fn until<T>(&self, what: &str, key: &RunKey, look: impl AsyncFn() -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(60), wait).await {
            Ok(found) => found,
            Err(_) => panic!(
                "waited too long: {what}; it is {:?}; it wrote {:?} {:?}; the supervisor said {:?} {:?}",
                self.state(key).await,
                self.read(key, "stdout"),
                self.read(key, "stderr"),
                self.engine.supervisor_said(key).await,
                self.read(key, "supervisor.log"),
            ),
        }
    }

    /// A file of the run directory as text; empty when it is not there.
    pub fn read(&self, key: &RunKey, file: &str) -> String {
        let bytes = std::fs::read(self.dir(key).join(file)).unwrap_or_default();
        String::from_utf8(bytes).unwrap()
    }

    /// The exit code in the exit record.
    pub fn record(&self, key: &RunKey) -> Option<i32> {
        parse_exit(&self.read(key, "exit")).map(|exit| exit.code)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The engine for a home of its own.
pub fn engine(dockerd: &Dockerd) -> Engine {
    let home = RunId::generate().unwrap().to_string();
    Engine::connect(UnixSocket(dockerd.socket().to_owned()), Options::new(home)).unwrap()
}

impl Drop for Bench {
    fn drop(&mut self) {
        let engine = self.engine.clone();
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(engine.remove_leftovers()).map(|_| ())
        })
        .join();
        if !std::thread::panicking() {
            removed.unwrap().unwrap();
        }
    }
}
