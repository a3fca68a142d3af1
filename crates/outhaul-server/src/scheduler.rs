//! The queue of a target with slots: who may start, who waits and behind whom. Plain data; the caller starts what it
//! is told to start.

use std::collections::{HashMap, HashSet, VecDeque};

use outhaul_types::{Run, RunId};

/// Runs of which only so many go at once: those of an array with a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    array: RunId,
    limit: u32,
}

impl Group {
    /// The group that a run belongs to, if it belongs to one.
    pub(crate) fn of(run: &Run) -> Option<Self> {
        let array = run.spec.as_ref()?.array.as_ref()?;
        Some(Self {
            array: array.id.clone(),
            limit: array.indexes()?.limit()?,
        })
    }
}

/// Whether a run serves a web service: such a run takes no slot and waits in no queue.
pub(crate) fn is_of_service(run: &Run) -> bool {
    run.spec.as_ref().is_some_and(|spec| spec.service.is_some())
}

/// Slots and queue of one target.
#[derive(Debug)]
pub(crate) struct Scheduler {
    /// How many runs at once; `None` where the target has a queue of its own.
    slots: Option<u32>,
    running: HashMap<RunId, Option<Group>>,
    queue: VecDeque<(RunId, Option<Group>)>,
    queued: HashSet<RunId>,
    /// How many runs of each group hold a slot.
    groups: HashMap<RunId, u32>,
}

impl Scheduler {
    pub(crate) fn new(slots: Option<u32>) -> Self {
        Self {
            slots,
            running: HashMap::new(),
            queue: VecDeque::new(),
            queued: HashSet::new(),
            groups: HashMap::new(),
        }
    }

    fn hold(&mut self, id: RunId, group: Option<Group>) {
        let array = group.as_ref().map(|group| group.array.clone());
        if self.running.insert(id, group).is_none()
            && let Some(array) = array
        {
            *self.groups.entry(array).or_default() += 1;
        }
    }

    /// How many runs of a group hold a slot.
    fn in_group(&self, group: &Group) -> u32 {
        self.groups.get(&group.array).copied().unwrap_or(0)
    }

    /// Takes a run that has been launched before a restart: it holds a slot whether there is one or not.
    pub(crate) fn resume(&mut self, id: RunId, group: Option<Group>) {
        self.hold(id, group);
    }

    /// Puts a run at the end of the queue; a known one stays where it is.
    pub(crate) fn enqueue(&mut self, id: RunId, group: Option<Group>) {
        if !self.running.contains_key(&id) && self.queued.insert(id.clone()) {
            self.queue.push_back((id, group));
        }
    }

    /// The next run that may start; it holds a slot from now on.
    pub(crate) fn start_next(&mut self) -> Option<RunId> {
        if self.is_full() {
            return None;
        }
        let may_start = |group: &Option<Group>| {
            group
                .as_ref()
                .is_none_or(|group| self.in_group(group) < group.limit)
        };
        let place = self.queue.iter().position(|(_, group)| may_start(group))?;
        let (id, group) = self.queue.remove(place)?;
        self.queued.remove(&id);
        self.hold(id.clone(), group);
        Some(id)
    }

    /// Whether all slots are in use.
    pub(crate) fn is_full(&self) -> bool {
        self.slots
            .is_some_and(|slots| self.running.len() >= slots as usize)
    }

    /// Gives a run's slot back.
    pub(crate) fn ended(&mut self, id: &RunId) {
        let Some(Some(group)) = self.running.remove(id) else {
            return;
        };
        if let Some(running) = self.groups.get_mut(&group.array) {
            *running -= 1;
            if *running == 0 {
                self.groups.remove(&group.array);
            }
        }
    }

    /// Takes a run out of the queue; `false` when it is not there (any more).
    pub(crate) fn withdraw(&mut self, id: &RunId) -> bool {
        if !self.queued.remove(id) {
            return false;
        }
        // As a rule many are withdrawn last one first.
        let place = self.queue.iter().rposition(|(queued, _)| queued == id);
        place.and_then(|place| self.queue.remove(place)).is_some()
    }

    /// How many runs stand before this one in the queue.
    pub(crate) fn position(&self, id: &RunId) -> Option<usize> {
        if !self.queued.contains(id) {
            return None;
        }
        self.queue.iter().position(|(queued, _)| queued == id)
    }

    /// How many runs of its group go at once, for a queued run that waits for one of them.
    pub(crate) fn held_by(&self, id: &RunId) -> Option<u32> {
        let (_, group) = self.queue.iter().find(|(queued, _)| queued == id)?;
        let group = group.as_ref()?;
        (self.in_group(group) >= group.limit).then_some(group.limit)
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
        scheduler.resume(ids[3].clone(), None);
        for id in &ids[..3] {
            scheduler.enqueue(id.clone(), None);
            scheduler.enqueue(id.clone(), None);
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
            scheduler.enqueue(RunId::generate().unwrap(), None);
        }
        assert_eq!(std::iter::from_fn(|| scheduler.start_next()).count(), 100);
    }

    #[test]
    fn only_so_many_of_a_group_go_at_once_and_others_pass_them() {
        let ids: Vec<RunId> = (0..5).map(|_| RunId::generate().unwrap()).collect();
        let group = Some(Group {
            array: ids[0].clone(),
            limit: 2,
        });
        let mut scheduler = Scheduler::new(Some(10));
        scheduler.resume(ids[0].clone(), group.clone());
        for id in &ids[1..4] {
            scheduler.enqueue(id.clone(), group.clone());
        }
        scheduler.enqueue(ids[4].clone(), None);
        assert_eq!(scheduler.start_next().as_ref(), Some(&ids[1]));
        assert_eq!(scheduler.held_by(&ids[2]), Some(2));
        assert_eq!(
            scheduler.start_next().as_ref(),
            Some(&ids[4]),
            "it is in no group"
        );
        assert_eq!(scheduler.start_next(), None);
        // Told twice, it counts once.
        scheduler.ended(&ids[0]);
        scheduler.ended(&ids[0]);
        assert_eq!(scheduler.held_by(&ids[2]), None);
        assert_eq!(scheduler.start_next().as_ref(), Some(&ids[2]));
        assert_eq!(scheduler.start_next(), None);
        scheduler.ended(&ids[4]);
        assert_eq!(
            scheduler.start_next(),
            None,
            "a slot is free, and none of the group's"
        );
    }
}
