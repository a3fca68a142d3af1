//! Reading logs of many runs: whoever asks while a question is under way is answered by the next one, together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use outhaul_driver::{DriverError, ErrorKind, NativeId, TargetLog};
use tokio::sync::oneshot;

use super::answer::Block;
use super::session::Session;
use crate::run_dir::log_file;

const OPERATION: &str = "read the run's log";
/// How many bytes are asked for in one question at most, unless one piece alone is larger.
const MOST: usize = 8 << 20;

/// A piece of a log that somebody wants.
struct Wanted {
    key: String,
    log: TargetLog,
    offset: u64,
    max: usize,
    reply: oneshot::Sender<Result<Vec<u8>, Failed>>,
}

/// A failure that many callers share.
#[derive(Clone)]
struct Failed {
    kind: ErrorKind,
    temporary: bool,
    message: String,
    hint: Option<String>,
}

/// What came with an observation and has not been asked for yet, by run and log.
type Ahead = HashMap<(String, TargetLog), (u64, Vec<u8>)>;

/// Reads logs.
pub(super) struct LogReader {
    session: Arc<Session>,
    waiting: Mutex<Vec<Wanted>>,
    ahead: Mutex<Ahead>,
    /// Up to where each run's logs have been read.
    read: Mutex<HashMap<String, [u64; 3]>>,
    turn: tokio::sync::Mutex<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const fn place(log: TargetLog) -> usize {
    match log {
        TargetLog::Stdout => 0,
        TargetLog::Stderr => 1,
        TargetLog::Metrics => 2,
    }
}

impl LogReader {
    pub(super) fn new(session: Arc<Session>) -> Self {
        Self {
            session,
            waiting: Mutex::default(),
            ahead: Mutex::default(),
            read: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Up to where a run's logs have been read, in the order of [`TargetLog::ALL`].
    pub(super) fn offsets(&self, id: &NativeId) -> [u64; 3] {
        lock(&self.read).get(&id.0).copied().unwrap_or_default()
    }

    /// Keeps what came with an observation.
    pub(super) fn came(&self, blocks: impl IntoIterator<Item = Block>) {
        let mut ahead = lock(&self.ahead);
        for block in blocks {
            if let Some(log) = TargetLog::ALL
                .into_iter()
                .find(|log| log_file(*log) == block.file)
            {
                ahead.insert((block.key, log), (block.offset, block.bytes));
            }
        }
    }

    /// Forgets a run.
    pub(super) fn forget(&self, id: &NativeId) {
        lock(&self.ahead).retain(|(key, _), _| *key != id.0);
        lock(&self.read).remove(&id.0);
    }

    /// Up to `max` bytes from `offset` on.
    pub(super) async fn read(
        &self,
        id: &NativeId,
        log: TargetLog,
        offset: u64,
        max: usize,
    ) -> Result<Vec<u8>, DriverError> {
        let known = lock(&self.ahead).remove(&(id.0.clone(), log));
        let bytes = match known {
            Some((from, bytes)) if from == offset && !bytes.is_empty() && bytes.len() <= max => bytes,
            _ => self.ask(id, log, offset, max).await?,
        };
        lock(&self.read).entry(id.0.clone()).or_default()[place(log)] = offset + bytes.len() as u64;
        Ok(bytes)
    }

    async fn ask(
        &self,
        id: &NativeId,
        log: TargetLog,
        offset: u64,
        max: usize,
    ) -> Result<Vec<u8>, DriverError> {
        let (reply, mut answer) = oneshot::channel();
        lock(&self.waiting).push(Wanted {
            key: id.0.clone(),
            log,
            offset,
            max,
            reply,
        });
        loop {
            // Whoever gets the turn asks for all that wait by then.
            let turn = tokio::select! {
                biased;
                answered = &mut answer => return unwrap(answered),
                turn = self.turn.lock() => turn,
            };
            if let Ok(answered) = answer.try_recv() {
                return unwrap(Ok(answered));
            }
            self.ask_for_all().await;
            drop(turn);
        }
    }

    async fn ask_for_all(&self) {
        let wanted = {
            let mut waiting = lock(&self.waiting);
            let mut bytes = 0;
            let take = waiting
                .iter()
                .take_while(|wanted| {
                    bytes += wanted.max;
                    bytes <= MOST
                })
                .count();
            waiting.drain(..take.max(1)).collect::<Vec<_>>()
        };
        let lines: String = wanted
            .iter()
            .map(|wanted| {
                format!(
                    "{} {} {} {}\n",
                    wanted.key,
                    log_file(wanted.log),
                    wanted.offset,
                    wanted.max
                )
            })
            .collect();
        let answer = self.session.ask(OPERATION, "read", &[], lines.as_bytes()).await;
        match answer {
            Ok(answer) => {
                let mut blocks = answer.blocks.into_iter().map(|(_, block)| block.bytes);
                for wanted in wanted {
                    // Nobody waits any more when this fails.
                    let _ = wanted.reply.send(Ok(blocks.next().unwrap_or_default()));
                }
            }
            Err(error) => {
                let failed = Failed {
                    kind: error.kind,
                    temporary: error.is_temporary(),
                    message: error.message,
                    hint: error.hint,
                };
                for wanted in wanted {
                    let _ = wanted.reply.send(Err(failed.clone()));
                }
            }
        }
    }
}

fn unwrap(
    answer: Result<Result<Vec<u8>, Failed>, oneshot::error::RecvError>,
) -> Result<Vec<u8>, DriverError> {
    match answer {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(failed)) => {
            let error = if failed.temporary {
                DriverError::temporary(failed.kind, OPERATION, failed.message)
            } else {
                DriverError::permanent(failed.kind, OPERATION, failed.message)
            };
            Err(match failed.hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            })
        }
        // The one who asked for us was dropped in the middle.
        Err(_) => Err(DriverError::temporary(
            ErrorKind::Unreachable,
            OPERATION,
            "the question was given up",
        )),
    }
}
