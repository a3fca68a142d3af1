//! The pool's rules as stories and as a property.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn started(workers: usize, limit: usize) -> Pool {
    let mut pool = Pool::new(workers, limit);
    let effects = pool.reload().unwrap();
    let mut last = Vec::new();
    for effect in effects {
        let Effect::Start { worker, .. } = effect else {
            panic!("{effect:?}")
        };
        last = pool.ready(worker);
    }
    assert_eq!(last, [Effect::Settled { serves: true }]);
    pool
}

const fn worker(id: u64) -> WorkerId {
    WorkerId(id)
}

const fn job(id: u64) -> JobId {
    JobId(id)
}

fn send(to: u64, what: u64) -> Effect {
    Effect::Send {
        worker: worker(to),
        job: job(what),
    }
}

fn refuse(what: u64, why: Refusal) -> Effect {
    Effect::Refuse { job: job(what), why }
}

fn start_now(id: u64) -> Effect {
    Effect::Start {
        worker: worker(id),
        after: Duration::ZERO,
    }
}

#[test]
fn nothing_is_served_before_all_workers_have_initialised() {
    let mut pool = Pool::new(2, 5);
    pool.reload().unwrap();
    assert_eq!(pool.submit(job(1)), [refuse(1, Refusal::Starting)]);
    assert!(pool.ready(worker(1)).is_empty());
    assert!(!pool.is_ready());
    assert_eq!(pool.ready(worker(2)), [Effect::Settled { serves: true }]);
    assert!(pool.is_ready());
}

#[test]
fn a_script_that_cannot_initialise_fails_the_start_at_once() {
    let mut pool = Pool::new(2, 5);
    pool.reload().unwrap();
    assert_eq!(
        pool.lost(worker(2), None),
        [
            Effect::End { worker: worker(1) },
            Effect::Settled { serves: false }
        ]
    );
    assert!(pool.lost(worker(1), None).is_empty());
}

#[test]
fn requests_wait_in_order_and_no_more_than_may() {
    let mut pool = started(1, 2);
    assert_eq!(pool.submit(job(1)), [send(1, 1)]);
    assert!(pool.submit(job(2)).is_empty() && pool.submit(job(3)).is_empty());
    assert_eq!(pool.submit(job(4)), [refuse(4, Refusal::Full)]);
    assert_eq!(pool.finished(worker(1)), [send(1, 2)]);
    pool.withdraw(job(3));
    assert!(pool.finished(worker(1)).is_empty());
    assert_eq!(pool.submit(job(5)), [send(1, 5)]);
}

#[test]
fn without_a_queue_a_request_is_served_when_a_worker_is_idle() {
    let mut pool = started(1, 0);
    assert_eq!(pool.submit(job(1)), [send(1, 1)]);
    assert_eq!(pool.submit(job(2)), [refuse(2, Refusal::Full)]);
}

#[test]
fn a_worker_that_dies_is_replaced_and_the_others_go_on() {
    let mut pool = started(2, 5);
    assert_eq!(pool.submit(job(1)), [send(1, 1)]);
    assert_eq!(pool.submit(job(2)), [send(2, 2)]);
    pool.submit(job(3));
    assert_eq!(pool.lost(worker(1), None), [start_now(3)]);
    assert_eq!(pool.finished(worker(2)), [send(2, 3)]);
    assert!(pool.submit(job(4)).is_empty());
    assert_eq!(pool.ready(worker(3)), [send(3, 4)]);
}

#[test]
fn a_request_that_was_not_delivered_goes_first_and_only_once_more() {
    let mut pool = started(1, 5);
    pool.submit(job(1));
    pool.submit(job(2));
    assert_eq!(pool.lost(worker(1), Some(job(1))), [start_now(2)]);
    assert_eq!(pool.ready(worker(2)), [send(2, 1)]);
    assert_eq!(
        pool.lost(worker(2), Some(job(1))),
        [refuse(1, Refusal::Undeliverable), start_now(3)]
    );
    assert_eq!(pool.ready(worker(3)), [send(3, 2)]);
}

#[test]
fn replacements_that_cannot_initialise_are_tried_with_growing_pauses() {
    let mut pool = started(1, 5);
    pool.lost(worker(1), None);
    assert!(pool.submit(job(1)).is_empty(), "a replacement may come soon");
    let first = pool.lost(worker(2), None);
    let Effect::Start { worker: next, after } = first[0] else {
        panic!("{first:?}")
    };
    assert!(after > Duration::ZERO);
    assert_eq!(first[1..], [refuse(1, Refusal::NoWorker)]);
    assert_eq!(pool.submit(job(2)), [refuse(2, Refusal::NoWorker)]);
    let second = pool.lost(next, None);
    assert!(matches!(second[0], Effect::Start { after: longer, .. } if longer > after));
    let Effect::Start { worker: next, .. } = second[0] else {
        unreachable!()
    };
    pool.ready(next);
    assert!(matches!(pool.submit(job(3))[..], [Effect::Send { .. }]));
    assert_eq!(pause(1000), Duration::from_secs(30));
}

#[test]
fn a_reload_takes_over_when_all_of_it_is_ready() {
    let mut pool = started(2, 5);
    pool.submit(job(1));
    assert_eq!(pool.reload(), Some(vec![start_now(3), start_now(4)]));
    assert_eq!(pool.reload(), None, "one at a time");
    assert!(pool.ready(worker(3)).is_empty());
    assert_eq!(pool.submit(job(2)), [send(2, 2)], "the old ones serve");
    pool.submit(job(3));
    assert_eq!(pool.finished(worker(2)), [send(2, 3)]);
    assert_eq!(pool.ready(worker(4)), [Effect::Settled { serves: true }]);
    assert_eq!(pool.submit(job(4)), [send(3, 4)]);
    assert_eq!(pool.finished(worker(1)), [Effect::End { worker: worker(1) }]);
    assert!(pool.lost(worker(1), None).is_empty());
    assert!(
        pool.lost(worker(2), None).is_empty(),
        "a retired worker is not replaced"
    );
}

#[test]
fn a_reload_that_fails_leaves_what_served() {
    let mut pool = started(1, 5);
    pool.reload().unwrap();
    assert_eq!(pool.lost(worker(2), None), [Effect::Settled { serves: false }]);
    assert_eq!(pool.submit(job(1)), [send(1, 1)]);
    assert_eq!(pool.reload(), Some(vec![start_now(3)]));
}

#[test]
fn at_the_end_who_waits_is_told_and_who_is_served_is_answered() {
    let mut pool = started(2, 5);
    pool.submit(job(1));
    pool.submit(job(2));
    pool.submit(job(3));
    assert_eq!(pool.stop(), [refuse(3, Refusal::Stopping)]);
    assert_eq!(pool.submit(job(4)), [refuse(4, Refusal::Stopping)]);
    assert_eq!(pool.finished(worker(1)), [Effect::End { worker: worker(1) }]);
    assert!(pool.lost(worker(2), None).is_empty(), "nobody is replaced");
}

/// What the world around the pool knows.
#[derive(Default)]
struct World {
    alive: BTreeSet<WorkerId>,
    starting: BTreeSet<WorkerId>,
    has: BTreeMap<WorkerId, JobId>,
    open: BTreeSet<JobId>,
    ending: BTreeSet<WorkerId>,
}

impl World {
    fn see(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start { worker, .. } => {
                    assert!(self.alive.insert(worker), "{worker:?} is started twice");
                    self.starting.insert(worker);
                }
                Effect::Send { worker, job } => {
                    assert!(self.alive.contains(&worker) && !self.starting.contains(&worker));
                    assert!(
                        !self.ending.contains(&worker),
                        "{worker:?} gets a request after its end"
                    );
                    assert!(self.open.contains(&job), "{job:?} is not open");
                    assert_eq!(self.has.insert(worker, job), None, "two requests at once");
                }
                Effect::End { worker } => {
                    assert!(
                        !self.has.contains_key(&worker),
                        "{worker:?} is ended with a request"
                    );
                    assert!(self.ending.insert(worker));
                }
                Effect::Refuse { job, .. } => assert!(self.open.remove(&job), "{job:?} is answered twice"),
                Effect::Settled { .. } => {}
            }
        }
    }
}

proptest! {
    #[test]
    fn every_request_is_answered_once(
        steps in proptest::collection::vec((0u8..8, any::<prop::sample::Index>()), 1..200),
        workers in 1usize..4,
        limit in 0usize..4,
    ) {
        let mut pool = Pool::new(workers, limit);
        let mut world = World::default();
        world.see(pool.reload().unwrap());
        let mut last = 0;
        for (step, index) in steps {
            let pick = |set: Vec<WorkerId>| (!set.is_empty()).then(|| *index.get(&set));
            match step {
                0 | 1 => {
                    last += 1;
                    world.open.insert(job(last));
                    let before = pool.counts().waiting;
                    world.see(pool.submit(job(last)));
                    // Requests that came back may wait beyond the limit; those that come may not.
                    prop_assert!(pool.counts().waiting <= before.max(limit));
                }
                2 | 3 => if let Some(worker) = pick(world.starting.difference(&world.ending).copied().collect()) {
                    world.starting.remove(&worker);
                    world.see(pool.ready(worker));
                },
                4 => if let Some(worker) = pick(world.has.keys().copied().collect()) {
                    let job = world.has.remove(&worker).unwrap();
                    world.open.remove(&job);
                    world.see(pool.finished(worker));
                },
                5 | 6 => if let Some(worker) = pick(world.alive.iter().copied().collect()) {
                    world.alive.remove(&worker);
                    world.starting.remove(&worker);
                    world.ending.remove(&worker);
                    let had = world.has.remove(&worker);
                    let undelivered = had.filter(|_| step == 6);
                    if let (Some(job), None) = (had, undelivered) {
                        world.open.remove(&job);
                    }
                    world.see(pool.lost(worker, undelivered));
                },
                _ => if let Some(effects) = pool.reload() {
                    world.see(effects);
                },
            }
            // What is open waits or is with a worker.
            let counts = pool.counts();
            prop_assert_eq!(counts.waiting + world.has.len(), world.open.len());
        }
        world.see(pool.stop());
        prop_assert_eq!(world.has.len(), world.open.len());
    }
}
