//! How many commands run at once over a connection. The number shrinks to what the server turns out to allow.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How long a server may count a command that is over for us. It does for a moment after every command, and until the
/// command has really ended where we hung up.
const LINGER: Duration = Duration::from_secs(5);
/// How long that moment is, generously.
const MOMENT: Duration = Duration::from_millis(500);

#[derive(Debug)]
struct State {
    limit: usize,
    held: usize,
    ended: Option<Instant>,
}

/// The gate of one connection.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    freed: Notify,
}

/// A place for one command, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Arc<Gate>,
    /// Whether a command ran in it.
    used: bool,
}

/// What to do after the server refused a command's channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Others of ours run: wait for one of them to end.
    Wait,
    /// The server may still count one of ours that is over: ask again soon.
    AskAgain,
    /// It is not because of us.
    GiveUp,
}

impl Gate {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                limit: limit.max(1),
                held: 0,
                ended: None,
            }),
            freed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place.
    pub(crate) async fn enter(self: &Arc<Self>) -> Place {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            {
                let mut state = self.lock();
                if state.held < state.limit {
                    state.held += 1;
                    return Place {
                        gate: Arc::clone(self),
                        used: true,
                    };
                }
            }
            freed.await;
        }
    }

    /// Learns from the refusal number `times` that one command met with. The place is given back.
    pub(crate) fn refused(&self, mut place: Place, times: usize) -> Refused {
        let mut state = self.lock();
        let others = state.held.saturating_sub(1);
        let within = |limit| state.ended.is_some_and(|when| when.elapsed() < limit);
        let answer = if others == 0 {
            if within(LINGER) {
                Refused::AskAgain
            } else {
                Refused::GiveUp
            }
        } else if times <= 1 && within(MOMENT) {
            Refused::AskAgain
        } else {
            state.limit = state.limit.min(others);
            Refused::Wait
        };
        drop(state);
        place.used = false;
        answer
    }

    /// How many may run at once, as far as is known.
    #[cfg(test)]
    pub(crate) fn limit(&self) -> usize {
        self.lock().limit
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.held = state.held.saturating_sub(1);
        if self.used {
            state.ended = Some(Instant::now());
        }
        drop(state);
        self.gate.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_shrinks_to_what_others_hold() {
        let gate = Gate::new(8);
        let first = gate.enter().await;
        let second = gate.enter().await;
        let third = gate.enter().await;
        assert_eq!(gate.refused(third, 1), Refused::Wait);
        assert_eq!(gate.limit(), 2);
        assert_eq!(gate.refused(second, 1), Refused::Wait);
        assert_eq!(gate.limit(), 1);
        assert_eq!(gate.refused(first, 1), Refused::GiveUp);
        let waiting = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter().await }
        });
        let place = waiting.await.expect("it gets the place");
        drop(place);
        let place = gate.enter().await;
        assert_eq!(gate.refused(place, 9), Refused::AskAgain, "one has just ended");
    }

    #[tokio::test]
    async fn one_that_has_just_ended_does_not_shrink_it_at_once() {
        let gate = Gate::new(8);
        let (first, second, third) = (gate.enter().await, gate.enter().await, gate.enter().await);
        drop(first);
        assert_eq!(gate.refused(second, 1), Refused::AskAgain);
        assert_eq!(gate.limit(), 8);
        let second = gate.enter().await;
        assert_eq!(gate.refused(second, 2), Refused::Wait);
        assert_eq!(gate.limit(), 1);
        drop(third);
    }
}
