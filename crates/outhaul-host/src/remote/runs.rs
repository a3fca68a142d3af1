//! All run directories of one machine that is reached by a shell.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use outhaul_driver::{
    ChangeFeed, Collected, DriverError, ErrorKind, LogRead, NativeId, Observation, OutputSink, Phase,
    TargetLog, change_feed,
};
use outhaul_snapshot::BlobStore;
use outhaul_types::{Exit, RunKey, Secret};

use super::answer::Answer;
use super::batch::LogReader;
use super::collect::collect;
use super::evidence::observations;
use super::session::Session;
use super::stage::{Stager, Start};
use super::watch::Watch;
use crate::run_dir::Launcher;

/// How long what was said at the start of a run is an answer to the question how it is.
const JUST_NOW: Duration = Duration::from_millis(500);

/// What the runs of a machine need on this side.
#[derive(Clone, Debug)]
pub struct RemoteRunsConfig {
    /// Where code comes from.
    pub blobs: BlobStore,
    /// A folder on this machine for files on their way.
    pub incoming: PathBuf,
}

/// The run directories of a machine. A run's native id is its run key.
pub struct RemoteRuns {
    session: Arc<Session>,
    stager: Stager,
    logs: LogReader,
    watch: Arc<Watch>,
    incoming: PathBuf,
    /// Ended runs that are known to have left no files.
    nothing_left: Mutex<HashSet<String>>,
    /// How runs were when they were started, and when that was.
    just_seen: Mutex<HashMap<String, (Instant, Observation)>>,
    feed: Mutex<Option<ChangeFeed>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RemoteRuns {
    /// The runs of a session. Nothing is asked yet.
    #[must_use]
    pub fn new(session: Arc<Session>, config: RemoteRunsConfig) -> Self {
        let (changes, feed) = change_feed();
        Self {
            stager: Stager::new(Arc::clone(&session), config.blobs),
            logs: LogReader::new(Arc::clone(&session)),
            watch: Watch::start(&session, changes),
            incoming: config.incoming,
            nothing_left: Mutex::default(),
            just_seen: Mutex::default(),
            feed: Mutex::new(Some(feed)),
            session,
        }
    }

    /// What the machine is asked by.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Stages and starts a run; see [`outhaul_driver::Driver::submit`]. The secrets go into its process's environment and
    /// into no file.
    ///
    /// # Errors
    /// When the code cannot be brought there, or the machine cannot be asked or could not start it.
    pub async fn submit(
        &self,
        key: &RunKey,
        tree: &str,
        launch: &str,
        secrets: &[(String, Secret)],
    ) -> Result<NativeId, DriverError> {
        self.watch.active();
        let start = Start {
            launch,
            launcher: None,
            secrets,
        };
        let answer = self.stager.submit(key, tree, &start).await?;
        let now = Instant::now();
        let seen = self.heard(answer);
        lock(&self.just_seen).extend(seen.into_iter().map(|seen| (seen.id.0.clone(), (now, seen))));
        Ok(NativeId(key.as_str().to_owned()))
    }

    /// Stages a run that the caller starts then.
    ///
    /// # Errors
    /// As [`RemoteRuns::submit`].
    pub async fn stage(
        &self,
        key: &RunKey,
        tree: &str,
        launch: &str,
        launcher: Launcher,
    ) -> Result<(), DriverError> {
        self.watch.active();
        let start = Start {
            launch,
            launcher: Some(launcher),
            secrets: &[],
        };
        self.stager.submit(key, tree, &start).await.map(drop)
    }

    /// Who starts the run with this key, if it was staged for somebody else than the machine's own supervisor.
    ///
    /// # Errors
    /// When the machine cannot be asked.
    pub async fn launcher(&self, key: &RunKey) -> Result<Option<Launcher>, DriverError> {
        let answer = self
            .session
            .ask("look for the run", "find", &[key.as_str()], b"")
            .await?;
        Ok(answer.value("launcher").and_then(Launcher::parse))
    }

    /// The run with this key, if it was ever claimed there.
    ///
    /// # Errors
    /// When the machine cannot be asked.
    pub async fn find(&self, key: &RunKey) -> Result<Option<NativeId>, DriverError> {
        let answer = self
            .session
            .ask("look for the run", "find", &[key.as_str()], b"")
            .await?;
        Ok((answer.word() == "found").then(|| NativeId(key.as_str().to_owned())))
    }

    /// Keeps a launch that may be under way from starting the process.
    ///
    /// # Errors
    /// When the machine cannot be asked.
    pub async fn prevent(&self, key: &RunKey) -> Result<(), DriverError> {
        let operation = "keep the run from starting";
        self.session
            .ask(operation, "prevent", &[key.as_str()], b"")
            .await
            .map(drop)
    }

    /// What the directories say, by one question.
    ///
    /// # Errors
    /// When the machine cannot be asked.
    pub async fn observe(&self, ids: &[NativeId]) -> Result<Vec<Observation>, DriverError> {
        self.watch.active();
        if let Some(seen) = self.known_already(ids) {
            return Ok(seen);
        }
        let lines: String = ids
            .iter()
            .map(|id| {
                let [out, err, metrics] = self.logs.offsets(id);
                format!("{id} {out} {err} {metrics}\n")
            })
            .collect();
        let answer = self
            .session
            .ask("ask how the run is", "observe", &[], lines.as_bytes())
            .await?;
        Ok(self.heard(answer))
    }

    /// What the machine said about these runs when it started them, if that was a moment ago. Counts once.
    fn known_already(&self, ids: &[NativeId]) -> Option<Vec<Observation>> {
        let mut just_seen = lock(&self.just_seen);
        just_seen.retain(|_, (at, _)| at.elapsed() < JUST_NOW);
        if !ids.iter().all(|id| just_seen.contains_key(&id.0)) {
            return None;
        }
        ids.iter()
            .map(|id| just_seen.remove(&id.0).map(|(_, seen)| seen))
            .collect()
    }

    /// Takes what the machine says about runs, and what came with it.
    fn heard(&self, answer: Answer) -> Vec<Observation> {
        let seen = observations(&answer);
        self.logs.came(answer.blocks.into_iter().map(|(_, block)| block));
        let mut nothing_left = lock(&self.nothing_left);
        for seen in &seen {
            let ended = matches!(
                seen.observation.phase,
                Phase::Ended {
                    exit: Exit::Code { .. },
                    ..
                }
            );
            if ended && !seen.left {
                nothing_left.insert(seen.observation.id.0.clone());
            }
        }
        seen.into_iter().map(|seen| seen.observation).collect()
    }

    /// A piece of a log.
    ///
    /// # Errors
    /// When the machine cannot be asked.
    pub async fn read_log(
        &self,
        id: &NativeId,
        log: TargetLog,
        offset: u64,
        max: usize,
    ) -> Result<LogRead, DriverError> {
        let bytes = self.logs.read(id, log, offset, max).await?;
        Ok(LogRead { bytes })
    }

    /// Asks a run to end: now, and by force after `grace`.
    ///
    /// # Errors
    /// When the machine cannot be asked.
    pub async fn cancel(&self, id: &NativeId, grace: Duration) -> Result<(), DriverError> {
        // Whole seconds: not every shell can wait for less.
        let grace = grace.as_millis().div_ceil(1000).to_string();
        let arguments = [id.0.as_str(), &grace];
        self.session
            .ask("cancel the run", "cancel", &arguments, b"")
            .await
            .map(drop)
    }

    /// Gives the files that a run left to `sink`.
    ///
    /// # Errors
    /// When the machine cannot be asked, or `sink` cannot take any more for now.
    pub async fn collect_outputs(
        &self,
        id: &NativeId,
        sink: &dyn OutputSink,
    ) -> Result<Collected, DriverError> {
        if lock(&self.nothing_left).contains(&id.0) {
            return Ok(Collected::default());
        }
        collect(&self.session, id, &self.incoming.join(&id.0), sink).await
    }

    /// Removes a run's directory.
    ///
    /// # Errors
    /// When the machine cannot be asked, or cannot remove it.
    pub async fn release(&self, id: &NativeId) -> Result<(), DriverError> {
        self.session
            .ask("clean up after the run", "release", &[&id.0], b"")
            .await?;
        self.logs.forget(id);
        lock(&self.nothing_left).remove(&id.0);
        match std::fs::remove_dir_all(self.incoming.join(&id.0)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(DriverError::permanent(
                ErrorKind::System,
                "clean up after the run",
                error.to_string(),
            )),
            _ => Ok(()),
        }
    }

    /// Removes everything of ours from the machine, running processes too. Says which folder that was and how many
    /// bytes it held.
    ///
    /// # Errors
    /// When the machine cannot be asked, or cannot remove it.
    pub async fn remove(&self) -> Result<(String, u64), DriverError> {
        const OPERATION: &str = "detach the target";
        // Asked again after a lost answer, our files are put there once more, to be removed with the rest.
        self.session.leave(false);
        self.session.hello(OPERATION).await?;
        self.session.leave(true);
        let removed = self.session.ask(OPERATION, "remove", &[], b"").await;
        if removed.is_err() {
            self.session.leave(false);
        }
        let answer = removed?;
        self.session.forget();
        let (size, root) = answer
            .value("removed")
            .and_then(|text| text.split_once(' '))
            .unwrap_or(("0", ""));
        Ok((root.to_owned(), size.parse::<u64>().unwrap_or(0) * 1024))
    }

    /// The feed of ended runs; given out once.
    #[must_use]
    pub fn changes(&self) -> Option<ChangeFeed> {
        lock(&self.feed).take()
    }
}
