//! How many commands run at once over a connection. The number shrinks to what the server turns out to allow.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How long a server may count a command on which we hung up: it does until the command has ended.
const LINGER: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct State {
    limit: usize,
    held: usize,
    abandoned: Option<Instant>,
}

/// The gate of one connection.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    freed: Notify,
}

/// A place for one command, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Gate>);

/// What to do after the server refused a command's channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Others of ours run: wait for one of them to end.
    Wait,
    /// None of ours runs, but the server may still count one that we hung up on: ask again soon.
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
                abandoned: None,
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
                    return Place(Arc::clone(self));
                }
            }
            freed.await;
        }
    }

    /// Learns from a refusal. The place is given back.
    pub(crate) fn refused(&self, place: Place) -> Refused {
        let answer = {
            let mut state = self.lock();
            let others = state.held.saturating_sub(1);
            if others > 0 {
                state.limit = state.limit.min(others);
                Refused::Wait
            } else if state.abandoned.is_some_and(|when| when.elapsed() < LINGER) {
                Refused::AskAgain
            } else {
                Refused::GiveUp
            }
        };
        drop(place);
        answer
    }

    /// Notes that we hung up on a command that may still run.
    pub(crate) fn abandoned(&self) {
        self.lock().abandoned = Some(Instant::now());
    }

    /// How many may run at once, as far as is known.
    #[cfg(test)]
    pub(crate) fn limit(&self) -> usize {
        self.lock().limit
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.held = state.held.saturating_sub(1);
        drop(state);
        self.0.freed.notify_waiters();
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
        assert_eq!(gate.refused(third), Refused::Wait);
        assert_eq!(gate.limit(), 2);
        assert_eq!(gate.refused(second), Refused::Wait);
        assert_eq!(gate.limit(), 1);
        let waiting = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter().await }
        });
        drop(first);
        let place = waiting.await.expect("it gets the place");
        assert_eq!(gate.refused(place), Refused::GiveUp);
        let place = gate.enter().await;
        gate.abandoned();
        assert_eq!(gate.refused(place), Refused::AskAgain);
    }
}
