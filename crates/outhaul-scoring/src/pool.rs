//! Which worker does what: a state machine without I/O. Events go in, effects come out.
//!
//! Workers belong to a *generation*. A reload starts the next one beside the current one and takes over when all of it
//! is ready, so no request is ever without a worker because of it. The first start is a reload of nothing.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::Duration;

/// Names a worker, never twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WorkerId(pub u64);

/// Names a request, never twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JobId(pub u64);

/// Why a request gets no worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// As many wait as may wait.
    Full,
    /// No worker has initialised yet.
    Starting,
    /// Workers cannot be brought up any more.
    NoWorker,
    /// Two workers died before they had taken the request over.
    Undeliverable,
    /// The service ends.
    Stopping,
}

/// What has to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    Start {
        worker: WorkerId,
        after: Duration,
    },
    Send {
        worker: WorkerId,
        job: JobId,
    },
    /// The worker gets nothing any more and ends.
    End {
        worker: WorkerId,
    },
    Refuse {
        job: JobId,
        why: Refusal,
    },
    /// The generation that was started last serves, or it could not initialise.
    Settled {
        serves: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Starting,
    /// Ready, until its whole generation is.
    Standby,
    Idle,
    Busy(JobId),
    /// Busy, and ends afterwards.
    Retiring(JobId),
    Ending,
}

#[derive(Debug)]
struct Worker {
    generation: u64,
    state: State,
}

/// The pool.
#[derive(Debug)]
pub(crate) struct Pool {
    wanted: usize,
    limit: usize,
    workers: BTreeMap<WorkerId, Worker>,
    queue: VecDeque<JobId>,
    /// Jobs that came back from a worker that died before it had them.
    returned: HashSet<JobId>,
    /// The generation that serves; 0 when none ever did.
    current: u64,
    /// The generation that is brought up beside it.
    coming: Option<u64>,
    last_generation: u64,
    last_worker: u64,
    /// Replacements in a row that could not initialise.
    failures: u32,
    stopping: bool,
}

/// Numbers for metrics and readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub starting: usize,
    pub idle: usize,
    pub busy: usize,
    pub waiting: usize,
}

impl Pool {
    pub(crate) fn new(wanted: usize, limit: usize) -> Self {
        Self {
            wanted: wanted.max(1),
            limit,
            workers: BTreeMap::new(),
            queue: VecDeque::new(),
            returned: HashSet::new(),
            current: 0,
            coming: None,
            last_generation: 0,
            last_worker: 0,
            failures: 0,
            stopping: false,
        }
    }

    /// Brings up a new generation. Nothing when one is being brought up already, or the service ends.
    pub(crate) fn reload(&mut self) -> Option<Vec<Effect>> {
        if self.coming.is_some() || self.stopping {
            return None;
        }
        self.last_generation += 1;
        let generation = self.last_generation;
        self.coming = Some(generation);
        Some(
            (0..self.wanted)
                .map(|_| self.start(generation, Duration::ZERO))
                .collect(),
        )
    }

    /// A request came.
    pub(crate) fn submit(&mut self, job: JobId) -> Vec<Effect> {
        if let Some(why) = self.refusal() {
            return vec![Effect::Refuse { job, why }];
        }
        self.queue.push_back(job);
        self.hand_out()
    }

    /// Why a request that came now would be refused.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        if self.stopping {
            Some(Refusal::Stopping)
        } else if self.current == 0 {
            Some(Refusal::Starting)
        } else if self.is_down() {
            Some(Refusal::NoWorker)
        } else if self.queue.len() >= self.limit && !self.has_idle() {
            Some(Refusal::Full)
        } else {
            None
        }
    }

    /// Nobody waits for the answer any more. A worker that has the request goes on with it.
    pub(crate) fn withdraw(&mut self, job: JobId) {
        self.queue.retain(|waiting| *waiting != job);
        self.returned.remove(&job);
    }

    /// A worker has initialised.
    pub(crate) fn ready(&mut self, worker: WorkerId) -> Vec<Effect> {
        let Some(found) = self.workers.get_mut(&worker) else {
            return Vec::new();
        };
        if found.state != State::Starting {
            return Vec::new();
        }
        if Some(found.generation) != self.coming {
            found.state = State::Idle;
            self.failures = 0;
            return self.hand_out();
        }
        found.state = State::Standby;
        let ready =
            |worker: &&Worker| Some(worker.generation) == self.coming && worker.state == State::Standby;
        if self.workers.values().filter(ready).count() < self.wanted {
            return Vec::new();
        }
        self.take_over()
    }

    /// A worker has answered.
    pub(crate) fn finished(&mut self, worker: WorkerId) -> Vec<Effect> {
        let Some(found) = self.workers.get_mut(&worker) else {
            return Vec::new();
        };
        match found.state {
            State::Busy(job) => {
                found.state = State::Idle;
                self.returned.remove(&job);
                self.hand_out()
            }
            State::Retiring(job) => {
                found.state = State::Ending;
                self.returned.remove(&job);
                vec![Effect::End { worker }]
            }
            _ => Vec::new(),
        }
    }

    /// A worker is gone. `undelivered` is a request that it was given and cannot have begun.
    pub(crate) fn lost(&mut self, worker: WorkerId, undelivered: Option<JobId>) -> Vec<Effect> {
        let Some(gone) = self.workers.remove(&worker) else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        if let State::Busy(job) | State::Retiring(job) = gone.state {
            if undelivered != Some(job) {
                self.returned.remove(&job);
            } else if self.returned.insert(job) && !self.stopping {
                self.queue.push_front(job);
            } else {
                self.returned.remove(&job);
                let why = if self.stopping {
                    Refusal::Stopping
                } else {
                    Refusal::Undeliverable
                };
                effects.push(Effect::Refuse { job, why });
            }
        }
        if self.stopping {
            return effects;
        }
        let began = gone.state != State::Starting;
        if Some(gone.generation) == self.coming {
            if began {
                effects.push(self.start(gone.generation, Duration::ZERO));
            } else {
                effects.extend(self.give_up());
            }
        } else if gone.generation == self.current && !matches!(gone.state, State::Retiring(_) | State::Ending)
        {
            let after = if began {
                Duration::ZERO
            } else {
                self.failures += 1;
                pause(self.failures)
            };
            effects.push(self.start(gone.generation, after));
        }
        if self.is_down() {
            let why = Refusal::NoWorker;
            effects.extend(self.queue.drain(..).map(|job| Effect::Refuse { job, why }));
            self.returned.clear();
        }
        effects.extend(self.hand_out());
        effects
    }

    /// The service ends: who waits is refused, workers end when they have answered.
    pub(crate) fn stop(&mut self) -> Vec<Effect> {
        self.stopping = true;
        self.coming = None;
        let why = Refusal::Stopping;
        let mut effects: Vec<Effect> = self
            .queue
            .drain(..)
            .map(|job| Effect::Refuse { job, why })
            .collect();
        effects.extend(self.retire(|_| true));
        effects
    }

    /// Whether a request would find a worker, now or soon.
    pub(crate) fn is_ready(&self) -> bool {
        !self.stopping
            && self.current > 0
            && self.workers.values().any(|worker| {
                worker.generation == self.current && matches!(worker.state, State::Idle | State::Busy(_))
            })
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts {
            waiting: self.queue.len(),
            ..Counts::default()
        };
        for worker in self.workers.values() {
            match worker.state {
                State::Starting => counts.starting += 1,
                State::Idle | State::Standby => counts.idle += 1,
                State::Busy(_) | State::Retiring(_) => counts.busy += 1,
                State::Ending => {}
            }
        }
        counts
    }

    fn start(&mut self, generation: u64, after: Duration) -> Effect {
        self.last_worker += 1;
        let worker = WorkerId(self.last_worker);
        let state = State::Starting;
        self.workers.insert(worker, Worker { generation, state });
        Effect::Start { worker, after }
    }

    fn has_idle(&self) -> bool {
        self.workers.values().any(|worker| worker.state == State::Idle)
    }

    /// Whether workers fail to initialise and none is left.
    fn is_down(&self) -> bool {
        self.current > 0
            && self.failures > 0
            && !self.workers.values().any(|worker| {
                matches!(
                    worker.state,
                    State::Idle | State::Busy(_) | State::Retiring(_) | State::Standby
                )
            })
    }

    fn hand_out(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.queue.is_empty() {
            return effects;
        }
        for (worker, found) in &mut self.workers {
            if found.state != State::Idle {
                continue;
            }
            let Some(job) = self.queue.pop_front() else {
                break;
            };
            found.state = State::Busy(job);
            effects.push(Effect::Send { worker: *worker, job });
        }
        effects
    }

    fn take_over(&mut self) -> Vec<Effect> {
        let Some(generation) = self.coming.take() else {
            return Vec::new();
        };
        self.current = generation;
        self.failures = 0;
        for worker in self.workers.values_mut() {
            if worker.state == State::Standby {
                worker.state = State::Idle;
            }
        }
        let mut effects = self.hand_out();
        effects.extend(self.retire(|worker| worker.generation < generation));
        effects.push(Effect::Settled { serves: true });
        effects
    }

    /// What was brought up cannot initialise: it goes, and what served before goes on.
    fn give_up(&mut self) -> Vec<Effect> {
        let Some(generation) = self.coming.take() else {
            return Vec::new();
        };
        let mut effects = self.retire(|worker| worker.generation == generation);
        effects.push(Effect::Settled { serves: false });
        effects
    }

    fn retire(&mut self, which: impl Fn(&Worker) -> bool) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (worker, found) in &mut self.workers {
            if !which(found) {
                continue;
            }
            match found.state {
                State::Busy(job) => found.state = State::Retiring(job),
                State::Starting | State::Standby | State::Idle => {
                    found.state = State::Ending;
                    effects.push(Effect::End { worker: *worker });
                }
                State::Retiring(_) | State::Ending => {}
            }
        }
        effects
    }
}

/// How long to wait before a worker is started after so many that could not initialise.
fn pause(failures: u32) -> Duration {
    Duration::from_millis(250)
        .saturating_mul(2u32.saturating_pow(failures.min(16)))
        .min(Duration::from_secs(30))
}

#[cfg(test)]
mod tests;
