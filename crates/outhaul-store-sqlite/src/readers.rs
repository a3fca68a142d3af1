//! A few threads with a read-only connection each. Every read is one transaction and sees all writes that
//! were answered before it was asked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use outhaul_store::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::fault::Result;

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// A handle of the reader threads; dropping it ends them.
pub(crate) struct Readers {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts one thread for each connection.
    pub fn start(connections: Vec<Connection>) -> std::io::Result<Self> {
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let mut readers = Self {
            jobs: Some(jobs),
            threads: Vec::new(),
        };
        for connection in connections {
            let waiting = Arc::clone(&waiting);
            let thread = std::thread::Builder::new().name("store-reader".to_owned());
            readers
                .threads
                .push(thread.spawn(move || serve(&connection, &waiting))?);
        }
        Ok(readers)
    }

    /// Reads in one transaction.
    pub async fn read<T, F>(&self, work: F) -> std::result::Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Nobody listens when the caller has gone away.
            let _ = reply.send(in_transaction(connection, work).map_err(StoreError::from));
        });
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        let stopped = || StoreError::Backend("the store's readers have stopped".to_owned());
        if sent {
            answer.await.unwrap_or_else(|_| Err(stopped()))
        } else {
            Err(stopped())
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // It catches the panics of its jobs.
            let _ = thread.join();
        }
    }
}

/// The transaction makes several statements see the same state; dropping it ends it.
fn in_transaction<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let transaction = connection.unchecked_transaction()?;
    work(&transaction)
}

fn serve(connection: &Connection, waiting: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held while waiting (one thread waits for work, the others for the lock) and let go
        // before the work is done.
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A panic hangs up on its caller and must not take the reader away from the others.
        let _ = catch_unwind(AssertUnwindSafe(|| job(connection)));
    }
}
