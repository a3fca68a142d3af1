//! The queue of a target with slots: who may start, who waits and behind whom. Plain data; the caller starts what it
//! is told to start.

use std::collections::{HashSet, VecDeque};

use outhaul_types::RunId;

/// Slots and queue of one target.
#[derive(Debug)]
pub(crate) struct Scheduler {
    /// How many runs at once; `None` where the target has a queue of its own.
    slots: Option<u32>,
    running: HashSet<RunId>,
    queue: VecDeque<RunId>,
}

impl Scheduler {
    pub(crate) fn new(slots: Option<u32>) -> Self {
        Self {
            slots,
            running: HashSet::new(),
            queue: VecDeque::new(),
        }
    }

    /// Takes a run that has been launched before a restart: it holds a slot whether there is one or not.
    pub(crate) fn resume(&mut self, id: RunId) {
        self.running.insert(id);
    }

    /// Puts a run at the end of the queue; a known one stays where it is.
    pub(crate) fn enqueue(&mut self, id: RunId) {
        if !self.running.contains(&id) && !self.queue.contains(&id) {
            self.queue.push_back(id);
        }
    }

    /// The next run that may start; it holds a slot from now on.
    pub(crate) fn start_next(&mut self) -> Option<RunId> {
        if self.is_full() {
            return None;
        }
        let id = self.queue.pop_front()?;
        self.running.insert(id.clone());
        Some(id)
    }

    /// Whether all slots are in use.
    pub(crate) fn is_full(&self) -> bool {
        self.slots
            .is_some_and(|slots| self.running.len() >= slots as usize)
    }

    /// Gives a run's slot back.
    pub(crate) fn ended(&mut self, id: &RunId) {
        self.running.remove(id);
    }

    /// Takes a run out of the queue; `false` when it is not there (any more).
    pub(crate) fn withdraw(&mut self, id: &RunId) -> bool {
        let before = self.queue.len();
        self.queue.retain(|queued| queued != id);
        self.queue.len() < before
    }

    /// How many runs stand before this one in the queue.
    pub(crate) fn position(&self, id: &RunId) -> Option<usize> {
        self.queue.iter().position(|queued| queued == id)
    }

    pub(crate) fn running(&self) -> u32 {
        u32::try_from(self.running.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn queued(&self) -> u32 {
        u32::try_from(self.queue.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn slots(&self) -> Option<u32> {
        self.slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_start_in_order_as_slots_come_free() {
        let ids: Vec<RunId> = (0..4).map(|_| RunId::generate().unwrap()).collect();
        let mut scheduler = Scheduler::new(Some(2));
        scheduler.resume(ids[3].clone());
        for id in &ids[..3] {
            scheduler.enqueue(id.clone());
            scheduler.enqueue(id.clone());
        }
        assert_eq!(
            (scheduler.start_next().as_ref(), scheduler.start_next()),
            (Some(&ids[0]), None)
        );
        assert_eq!(
            (
                scheduler.position(&ids[2]),
                scheduler.queued(),
                scheduler.running()
            ),
            (Some(1), 2, 2)
        );
        assert!(scheduler.withdraw(&ids[1]) && !scheduler.withdraw(&ids[1]));
        scheduler.ended(&ids[3]);
        assert_eq!(scheduler.start_next(), Some(ids[2].clone()));
        assert_eq!(scheduler.start_next(), None);
    }

    #[test]
    fn without_slots_the_target_queues_itself() {
        let mut scheduler = Scheduler::new(None);
        for _ in 0..100 {
            scheduler.enqueue(RunId::generate().unwrap());
        }
        assert_eq!(std::iter::from_fn(|| scheduler.start_next()).count(), 100);
    }
}
