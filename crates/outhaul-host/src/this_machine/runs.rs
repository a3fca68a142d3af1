//! All run directories of this machine, under one folder.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use outhaul_driver::{
    ChangeFeed, ChangeSender, Collected, DriverError, LogRead, NativeId, Observation, OutputSink, TargetLog,
    change_feed,
};
use outhaul_types::{RunKey, Secret};

use super::remove::remove;
use super::watch::Watcher;
use super::{observe, outputs, signal, start};
use crate::run_dir::{Launcher, SUPERVISOR, log_file, names};

/// Where run directories lie and what their processes inherit.
#[derive(Clone, Debug)]
pub struct RunsConfig {
    /// The folder that holds the run directories.
    pub root: PathBuf,
    /// The variables that every process gets.
    pub environment: Vec<(String, String)>,
}

/// The run directories of this machine. A run's native id is its run key.
pub struct Runs {
    config: RunsConfig,
    supervisor: PathBuf,
    watcher: Watcher,
    changes: ChangeSender,
    feed: Mutex<Option<ChangeFeed>>,
}

impl Runs {
    /// Opens the folder, making it where it is not there.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn open(config: RunsConfig) -> Result<Self, DriverError> {
        const OPERATION: &str = "open the folder of runs";
        std::fs::create_dir_all(&config.root)
            .map_err(|error| DriverError::io(OPERATION, config.root.display(), error))?;
        // Named by content: a supervisor that runs keeps reading the file it was started from.
        let name = format!(
            "supervise-{}.sh",
            &blake3::hash(SUPERVISOR.as_bytes()).to_hex()[..16]
        );
        let supervisor = config.root.join(name);
        if std::fs::read(&supervisor).ok().as_deref() != Some(SUPERVISOR.as_bytes()) {
            let fresh = supervisor.with_extension("new");
            std::fs::write(&fresh, SUPERVISOR)
                .and_then(|()| std::fs::rename(&fresh, &supervisor))
                .map_err(|error| DriverError::io(OPERATION, supervisor.display(), error))?;
        }
        let (changes, feed) = change_feed();
        Ok(Self {
            watcher: Watcher::start(changes.clone()),
            config,
            supervisor,
            changes,
            feed: Mutex::new(Some(feed)),
        })
    }

    fn dir(&self, id: &str) -> PathBuf {
        self.config.root.join(id)
    }

    /// Stages and starts a run; see [`outhaul_driver::Driver::submit`].
    ///
    /// # Errors
    /// When the code cannot be staged or the supervisor not be started.
    pub async fn submit(
        &self,
        run_key: &RunKey,
        launch_script: &str,
        materialise: &(dyn Fn(&Path) -> Result<(), DriverError> + Sync),
    ) -> Result<NativeId, DriverError> {
        self.submit_with(run_key, launch_script, &[], materialise).await
    }

    /// As [`submit`](Self::submit), with variables that go into the process's environment and into no file.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub async fn submit_with(
        &self,
        run_key: &RunKey,
        launch_script: &str,
        own: &[(String, Secret)],
        materialise: &(dyn Fn(&Path) -> Result<(), DriverError> + Sync),
    ) -> Result<NativeId, DriverError> {
        let id = NativeId(run_key.as_str().to_owned());
        let dir = self.dir(&id.0);
        if !dir.join(names::CLAIM).is_dir() {
            let files = [(names::LAUNCH, launch_script)];
            tokio::task::block_in_place(|| start::stage(&dir, &files, materialise))?;
            self.watcher.watch(&id, &dir);
            start::start(
                &id,
                dir,
                &self.supervisor,
                &self.config.environment,
                own,
                self.changes.clone(),
            )
            .await?;
        }
        Ok(id)
    }

    /// Stages a run that the caller starts then.
    ///
    /// # Errors
    /// When the code cannot be staged.
    pub fn stage(
        &self,
        run_key: &RunKey,
        launch_script: &str,
        launcher: Launcher,
        materialise: &(dyn Fn(&Path) -> Result<(), DriverError> + Sync),
    ) -> Result<(), DriverError> {
        let dir = self.dir(run_key.as_str());
        let files = [
            (names::LAUNCH, launch_script),
            launcher.supervisor(),
            (names::LAUNCHER, launcher.word()),
        ];
        tokio::task::block_in_place(|| start::stage(&dir, &files, materialise))?;
        self.watcher.watch(&NativeId(run_key.as_str().to_owned()), &dir);
        Ok(())
    }

    /// Who starts the run with this key, if it was staged for somebody else than this machine's own supervisor.
    #[must_use]
    pub fn launcher(&self, run_key: &RunKey) -> Option<Launcher> {
        let mark = self.dir(run_key.as_str()).join(names::LAUNCHER);
        Launcher::parse(&std::fs::read_to_string(mark).ok()?)
    }

    /// The run with this key, if it was ever claimed here.
    #[must_use]
    pub fn find(&self, run_key: &RunKey) -> Option<NativeId> {
        let dir = self.dir(run_key.as_str());
        dir.join(names::CLAIM).is_dir().then(|| {
            let id = NativeId(run_key.as_str().to_owned());
            self.watcher.watch(&id, &dir);
            id
        })
    }

    /// Keeps a supervisor that may be about to claim the directory from starting the process.
    ///
    /// # Errors
    /// When the request cannot be written.
    pub fn prevent(&self, run_key: &RunKey) -> Result<(), DriverError> {
        let dir = self.dir(run_key.as_str());
        if !dir.is_dir() {
            return Ok(());
        }
        let mark = dir.join(names::CANCEL);
        std::fs::write(&mark, b"")
            .map_err(|error| DriverError::io("keep the run from starting", mark.display(), error))
    }

    /// What the directories say.
    #[must_use]
    pub fn observe(&self, ids: &[NativeId]) -> Vec<Observation> {
        let look = |id: &NativeId| {
            let dir = self.dir(&id.0);
            // Before the look, and also what an earlier server has started.
            self.watcher.watch(id, &dir);
            observe::observe(id, &dir)
        };
        ids.iter().filter_map(look).collect()
    }

    /// A piece of a log.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read_log(
        &self,
        id: &NativeId,
        log: TargetLog,
        offset: u64,
        max: usize,
    ) -> Result<LogRead, DriverError> {
        let path = self.dir(&id.0).join(log_file(log));
        let read = || {
            let mut file = match std::fs::File::open(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
                other => other?,
            };
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(max as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read()
            .map(|bytes| LogRead { bytes })
            .map_err(|error| DriverError::io("read the run's log", path.display(), error))
    }

    /// Asks a run to end.
    ///
    /// # Errors
    /// When the request cannot be written.
    pub fn cancel(&self, id: &NativeId, grace: Duration) -> Result<(), DriverError> {
        let dir = self.dir(&id.0);
        if !dir.join(names::CLAIM).is_dir() {
            return Ok(());
        }
        signal::cancel(&dir, &id.0, grace)
            .map_err(|error| DriverError::io("cancel the run", dir.display(), error))
    }

    /// Gives the files that a run left to `sink`.
    ///
    /// # Errors
    /// When `sink` cannot take any more for now.
    pub async fn collect_outputs(
        &self,
        id: &NativeId,
        sink: &dyn OutputSink,
    ) -> Result<Collected, DriverError> {
        outputs::collect(self.dir(&id.0), sink).await
    }

    /// Removes a run directory.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub async fn release(&self, id: &NativeId) -> Result<(), DriverError> {
        let dir = self.dir(&id.0);
        let shown = dir.display().to_string();
        let removed = tokio::task::spawn_blocking(move || {
            // First: a supervisor that comes late must not find a command when the request to end is gone.
            let _ = std::fs::remove_file(dir.join(names::LAUNCH));
            remove(&dir)
        });
        match removed.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(DriverError::io("clean up after the run", shown, error)),
            Err(error) => Err(DriverError::permanent(
                outhaul_driver::ErrorKind::System,
                "clean up after the run",
                error.to_string(),
            )),
        }
    }

    /// The feed of changes; given out once.
    #[must_use]
    pub fn changes(&self) -> Option<ChangeFeed> {
        self.feed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
    }
}
