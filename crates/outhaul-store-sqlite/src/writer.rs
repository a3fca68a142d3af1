//! The one thread that writes. It takes all writes that wait, does them in one transaction and answers them
//! after its commit: many concurrent writers share one flush to the disk, and a single one waits for nobody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use outhaul_store::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::fault::{Failed, Result};

/// At most so many writes share a commit, so that the first of them does not wait for long.
const LARGEST_GROUP: usize = 1024;

/// A write that waits, is done, and is answered.
trait Job: Send {
    /// Does the write inside the open transaction and keeps its result; tells whether it succeeded.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Why the write failed, if it did.
    fn refusal(&self) -> Option<&StoreError>;
    /// Answers the caller: with the kept result, or with why the whole transaction failed.
    fn answer(self: Box<Self>, lost: Option<&Failed>);
}

struct Write<T, F> {
    work: Option<F>,
    result: Option<std::result::Result<T, StoreError>>,
    reply: oneshot::Sender<std::result::Result<T, StoreError>>,
}

impl<T, F> Job for Write<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        // A panic must not take the writer away from everybody else.
        let result = catch_unwind(AssertUnwindSafe(|| work(connection)));
        let result =
            result.unwrap_or_else(|_| Err(StoreError::Backend("a write panicked".to_owned()).into()));
        self.result.insert(result.map_err(StoreError::from)).is_ok()
    }

    fn refusal(&self) -> Option<&StoreError> {
        self.result.as_ref().and_then(|result| result.as_ref().err())
    }

    fn answer(self: Box<Self>, lost: Option<&Failed>) {
        let result = match (self.result, lost) {
            // A refusal stands whatever became of the others.
            (Some(Err(refused)), _) => Err(refused),
            (_, Some(failed)) => Err(failed.clone().into()),
            (Some(done), None) => done,
            (None, None) => Err(stopped()),
        };
        // Nobody listens when the caller has gone away; the write is done all the same.
        let _ = self.reply.send(result);
    }
}

/// A handle of the writer thread; dropping it does the writes that still wait and ends the thread.
pub(crate) struct Writer {
    jobs: Option<Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub fn start(connection: Connection) -> std::io::Result<Self> {
        let (jobs, waiting) = channel();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || serve(&connection, &waiting))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Does `work` in a transaction and waits until it is durable. `work` may use no transaction of its own.
    pub async fn write<T, F>(&self, work: F) -> std::result::Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Write {
            work: Some(work),
            result: None,
            reply,
        });
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        if sent {
            answer.await.unwrap_or_else(|_| Err(stopped()))
        } else {
            Err(stopped())
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It catches the panics of its jobs.
            let _ = thread.join();
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Backend("the store's writer has stopped".to_owned())
}

fn serve(connection: &Connection, waiting: &Receiver<Box<dyn Job>>) {
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        group.extend(waiting.try_iter().take(LARGEST_GROUP - 1));
        let lost = commit(connection, &mut group).err();
        if let Some(why) = &lost {
            tracing::error!(%why, writes = group.len(), "a transaction failed; nothing of it was changed");
            roll_back(connection);
        }
        for job in group {
            job.answer(lost.as_ref());
        }
    }
}

/// Does a group of writes in one transaction. A refused one is rolled back alone.
fn commit(connection: &Connection, group: &mut [Box<dyn Job>]) -> std::result::Result<(), Failed> {
    execute(connection, "BEGIN IMMEDIATE")?;
    for job in group {
        execute(connection, "SAVEPOINT job")?;
        if !job.run(connection) {
            // After some errors (a full disk) SQLite rolls back the whole transaction by itself: what the others
            // of the group did is lost for the same reason.
            if connection.is_autocommit() {
                return Err(job
                    .refusal()
                    .map_or_else(|| Failed::other("the transaction was lost"), Failed::from));
            }
            execute(connection, "ROLLBACK TO job")?;
        }
        execute(connection, "RELEASE job")?;
    }
    execute(connection, "COMMIT")
}

fn roll_back(connection: &Connection) {
    if connection.is_autocommit() {
        return;
    }
    if let Err(why) = execute(connection, "ROLLBACK") {
        tracing::error!(%why, "the failed transaction could not be rolled back");
    }
}

fn execute(connection: &Connection, sql: &str) -> std::result::Result<(), Failed> {
    let done = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(()));
    done.map(|_| ()).map_err(|error| Failed::from(&error))
}
