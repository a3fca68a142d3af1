//! The pool at work: takes requests in, carries the pool's effects out. Everything here is quick and never waits.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use http::header::HeaderValue;
use http::request::Parts;
use tokio::sync::{mpsc, oneshot, watch};

use crate::channel::Channel;
use crate::config::Config;
use crate::message::{AnswerHead, Traits};
use crate::metrics::Metrics;
use crate::pool::{Counts, Effect, JobId, Pool, Refusal, WorkerId};
use crate::process::Process;
use crate::worker;

/// The code of the worker's side, which the program carries: what is started, and what it loads when it needs it.
const WORKER: [(&str, &str); 2] = [
    ("worker.py", include_str!("../worker/worker.py")),
    ("extras.py", include_str!("../worker/extras.py")),
];

/// A request as workers get it.
#[derive(Debug)]
pub(crate) struct Request {
    pub id: HeaderValue,
    /// Its method, address and headers.
    pub parts: Parts,
    pub remote: IpAddr,
    pub body: Bytes,
}

impl Request {
    /// Its id in a log.
    pub(crate) fn id(&self) -> &str {
        self.id.to_str().unwrap_or("-")
    }
}

/// A request and where its answer goes.
#[derive(Debug)]
pub(crate) struct Job {
    pub request: Arc<Request>,
    reply: oneshot::Sender<Reply>,
}

impl Job {
    /// Answers it; nobody may wait any more.
    pub(crate) fn answer(self, reply: Reply) {
        let _ = self.reply.send(reply);
    }
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer(AnswerHead, Bytes),
    /// `run()` took too long; its worker was killed.
    TimedOut,
    /// The worker ended while it had the request.
    Died(String),
    Refused(Refusal),
}

/// Why a script cannot be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    pub message: String,
    /// Traceback, or the last words of the process; may be empty.
    pub trace: String,
}

impl Broken {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            trace: String::new(),
        }
    }
}

/// The pool and what it moves.
#[derive(Debug)]
pub(crate) struct Engine {
    pub config: Config,
    pub metrics: Metrics,
    state: Mutex<State>,
    traits: watch::Sender<Arc<Traits>>,
    /// Workers that have not ended.
    live: watch::Sender<usize>,
    last_job: AtomicU64,
    folder: tempfile::TempDir,
}

#[derive(Debug)]
struct State {
    pool: Pool,
    /// Requests that wait.
    jobs: HashMap<JobId, Job>,
    workers: HashMap<WorkerId, mpsc::UnboundedSender<(JobId, Job)>>,
    /// Who waits for the generation that comes.
    waiter: Option<oneshot::Sender<Result<(), Broken>>>,
    /// What kept the last worker from initialising.
    broken: Option<Broken>,
    coming: Option<Arc<Traits>>,
}

impl Engine {
    /// # Errors
    /// When there is no place for the worker's code.
    pub(crate) fn new(config: Config) -> std::io::Result<Arc<Self>> {
        let folder = tempfile::Builder::new().prefix("outhaul-scoring-").tempdir()?;
        write_worker(folder.path())?;
        let pool = Pool::new(config.workers, config.queue);
        Ok(Arc::new(Self {
            config,
            metrics: Metrics::default(),
            state: Mutex::new(State {
                pool,
                jobs: HashMap::new(),
                workers: HashMap::new(),
                waiter: None,
                broken: None,
                coming: None,
            }),
            traits: watch::Sender::new(Arc::default()),
            live: watch::Sender::new(0),
            last_job: AtomicU64::new(0),
            folder,
        }))
    }

    /// What the script that serves is.
    pub(crate) fn traits(&self) -> Arc<Traits> {
        Arc::clone(&self.traits.borrow())
    }

    pub(crate) fn counts(&self) -> (Counts, bool) {
        let state = self.lock();
        (state.pool.counts(), state.pool.is_ready())
    }

    /// Why a request that came now would be refused.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.lock().pool.refusal()
    }

    /// Has a request answered. Giving up the wait takes it out of the queue.
    pub(crate) async fn score(self: &Arc<Self>, request: Request) -> Reply {
        let job = JobId(self.last_job.fetch_add(1, Ordering::Relaxed) + 1);
        let (reply, answer) = oneshot::channel();
        let _guard = Withdraw {
            engine: Arc::downgrade(self),
            job,
        };
        {
            let mut state = self.lock();
            let request = Arc::new(request);
            state.jobs.insert(job, Job { request, reply });
            let effects = state.pool.submit(job);
            self.carry_out(&mut state, effects);
        }
        answer
            .await
            .unwrap_or_else(|_| Reply::Died("The request got lost.".into()))
    }

    /// Brings up a new generation of workers and waits until it serves.
    ///
    /// # Errors
    /// What kept it from initialising; what served before goes on.
    pub(crate) async fn reload(self: &Arc<Self>) -> Result<(), Broken> {
        let (sender, settled) = oneshot::channel();
        {
            let mut state = self.lock();
            let Some(effects) = state.pool.reload() else {
                return Err(Broken::new("a reload is under way already, or the service ends"));
            };
            state.waiter = Some(sender);
            state.broken = None;
            self.carry_out(&mut state, effects);
        }
        settled
            .await
            .unwrap_or_else(|_| Err(Broken::new("the service ends")))
    }

    /// Ends all workers when they have answered, and waits for that.
    pub(crate) async fn stop(self: &Arc<Self>) {
        {
            let mut state = self.lock();
            state.waiter = None;
            let effects = state.pool.stop();
            self.carry_out(&mut state, effects);
        }
        let mut live = self.live.subscribe();
        let _ = live.wait_for(|live| *live == 0).await;
    }

    pub(crate) fn start_process(&self, id: WorkerId) -> Result<(Process, Channel), Broken> {
        let folder = self.folder.path();
        let program = folder.join(WORKER[0].0);
        let config = &self.config;
        // A cleaner of temporary files may have been here.
        let there = WORKER.iter().all(|(name, _)| folder.join(name).exists())
            || std::fs::create_dir_all(folder)
                .and_then(|()| write_worker(folder))
                .is_ok();
        if !there {
            return Err(Broken::new(format!("`{}` cannot be written", program.display())));
        }
        Process::start(config, &program, id.0).map_err(|error| {
            Broken::new(format!(
                "a worker cannot be started by `{}` in `{}`: {error}",
                config.python.display(),
                config.directory.display()
            ))
        })
    }

    pub(crate) fn ready(self: &Arc<Self>, worker: WorkerId, traits: &Traits) {
        tracing::debug!(worker = worker.0, "ready");
        let mut state = self.lock();
        state.coming = Some(Arc::new(traits.clone()));
        let effects = state.pool.ready(worker);
        self.carry_out(&mut state, effects);
    }

    pub(crate) fn finished(self: &Arc<Self>, worker: WorkerId) {
        let mut state = self.lock();
        let effects = state.pool.finished(worker);
        self.carry_out(&mut state, effects);
    }

    /// A worker that served ended unasked.
    pub(crate) fn died(&self, worker: WorkerId, how: &str) {
        self.metrics.lost.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(worker = worker.0, "the worker {how}: it is replaced");
    }

    /// A worker has ended. What it was sent and had not looked at is still in `jobs`.
    pub(crate) fn lost(
        self: &Arc<Self>,
        worker: WorkerId,
        mut jobs: mpsc::UnboundedReceiver<(JobId, Job)>,
        undelivered: Option<(JobId, Job)>,
        broken: Option<Broken>,
    ) {
        let mut state = self.lock();
        state.workers.remove(&worker);
        // Sending takes the same lock, so nothing can come after this.
        let undelivered = jobs.try_recv().ok().or(undelivered);
        if let Some(broken) = broken {
            // Who waits for this generation tells it.
            if state.waiter.is_none() {
                tracing::error!(worker = worker.0, "{}\n{}", broken.message, broken.trace);
            }
            state.broken = Some(broken);
        }
        let back = undelivered.map(|(id, job)| {
            state.jobs.insert(id, job);
            id
        });
        let effects = state.pool.lost(worker, back);
        self.carry_out(&mut state, effects);
        drop(state);
        self.live.send_modify(|live| *live -= 1);
    }

    fn carry_out(self: &Arc<Self>, state: &mut State, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start { worker, after } => {
                    let (sender, jobs) = mpsc::unbounded_channel();
                    state.workers.insert(worker, sender);
                    self.live.send_modify(|live| *live += 1);
                    tokio::spawn(worker::live(Arc::clone(self), worker, jobs, after));
                }
                Effect::Send { worker, job } => {
                    let Some(found) = state.jobs.remove(&job) else {
                        continue;
                    };
                    if let Some(sender) = state.workers.get(&worker) {
                        // The other end is kept until the pool has heard of the worker's end.
                        let _ = sender.send((job, found));
                    }
                }
                Effect::End { worker } => {
                    state.workers.remove(&worker);
                }
                Effect::Refuse { job, why } => {
                    if let Some(found) = state.jobs.remove(&job) {
                        found.answer(Reply::Refused(why));
                    }
                }
                Effect::Settled { serves } => {
                    let result = if serves {
                        if let Some(traits) = state.coming.take() {
                            self.traits.send_replace(traits);
                        }
                        Ok(())
                    } else {
                        Err(state
                            .broken
                            .take()
                            .unwrap_or_else(|| Broken::new("a worker ended")))
                    };
                    if let Some(waiter) = state.waiter.take() {
                        let _ = waiter.send(result);
                    }
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_worker(folder: &Path) -> std::io::Result<()> {
    WORKER
        .iter()
        .try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
}

/// Takes a request out of the queue when nobody waits for it any more.
struct Withdraw {
    engine: Weak<Engine>,
    job: JobId,
}

impl Drop for Withdraw {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.upgrade() {
            let mut state = engine.lock();
            if state.jobs.remove(&self.job).is_some() {
                state.pool.withdraw(self.job);
            }
        }
    }
}
