//! Collecting: runs of one array that are handed over at about the same time are submitted together. Whoever comes first
//! waits a moment for the others and then works for all; whoever finds that one given up takes its place.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use outhaul_driver::DriverError;
use outhaul_types::{RunId, RunKey};
use tokio::sync::oneshot;

use crate::native::JobId;

/// No other came for so long: they are not ready together any more.
const QUIET: Duration = Duration::from_millis(100);
/// The same while not all have come yet that are expected together when an array begins.
const EXPECTED: Duration = Duration::from_secs(1);
/// So long others are waited for at most.
const LONGEST: Duration = Duration::from_secs(5);

/// How often it is looked whether others came.
const LOOK: Duration = Duration::from_millis(20);

/// What comes of one run.
pub(crate) type Answer = Result<JobId, DriverError>;

/// A run that waits to be submitted.
pub(crate) struct Element {
    pub(crate) key: RunKey,
    pub(crate) index: u32,
    /// The batch script.
    pub(crate) batch: String,
    answer: oneshot::Sender<Answer>,
}

impl Element {
    /// Tells what came of it. Whoever asked may have gone.
    pub(crate) fn tell(self, answer: Answer) {
        let _ = self.answer.send(answer);
    }
}

/// Works for all that came together.
pub(crate) type Submit<'a> =
    &'a (dyn Fn(Vec<Element>) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> + Send + Sync + 'a);

#[derive(Default)]
struct Group {
    waiting: Mutex<Vec<Element>>,
    turn: tokio::sync::Mutex<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs that wait to be submitted, by array.
#[derive(Default)]
pub(crate) struct Collector {
    groups: Mutex<HashMap<RunId, Arc<Group>>>,
    /// How many of each array have come so far.
    came: Mutex<HashMap<RunId, usize>>,
}

impl Collector {
    /// Submits a run together with others of its array. `all` is how many there can be at most; `submit` is called with
    /// those that came together, and tells each what came of it.
    pub(crate) async fn submit(
        &self,
        array: &RunId,
        (key, index, batch): (&RunKey, u32, &str),
        all: usize,
        submit: Submit<'_>,
    ) -> Answer {
        let group = Arc::clone(lock(&self.groups).entry(array.clone()).or_default());
        *lock(&self.came).entry(array.clone()).or_default() += 1;
        let answer = loop {
            let (answer, mut told) = oneshot::channel();
            lock(&group.waiting).push(Element {
                key: key.clone(),
                index,
                batch: batch.to_owned(),
                answer,
            });
            tokio::select! {
                biased;
                told = &mut told => {
                    // Without an answer, whoever worked for us was given up.
                    if let Ok(answer) = told {
                        break answer;
                    }
                }
                _turn = group.turn.lock() => {
                    // The one who had the turn before may have worked for us.
                    if let Ok(answer) = told.try_recv() {
                        break answer;
                    }
                    self.settle(&group, array, all).await;
                    let mut elements = std::mem::take(&mut *lock(&group.waiting));
                    elements.retain(|element| !element.answer.is_closed());
                    if !elements.is_empty() {
                        submit(elements).await;
                    }
                    if let Ok(answer) = told.try_recv() {
                        break answer;
                    }
                }
            }
        };
        drop(group);
        lock(&self.groups).retain(|_, group| Arc::strong_count(group) > 1);
        answer
    }

    /// Waits until no more come.
    async fn settle(&self, group: &Group, array: &RunId, all: usize) {
        let begin = Instant::now();
        let (mut before, mut since) = (0, begin);
        loop {
            let now = lock(&group.waiting).len();
            if now != before {
                (before, since) = (now, Instant::now());
            }
            let have_come = lock(&self.came).get(array).is_some_and(|came| *came >= all);
            let quiet = if have_come { QUIET } else { EXPECTED };
            if now >= all || since.elapsed() >= quiet || begin.elapsed() >= LONGEST {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use outhaul_driver::ErrorKind;

    use super::*;

    fn job(index: u32) -> JobId {
        JobId {
            number: 1,
            index: Some(index),
        }
    }

    #[tokio::test]
    async fn those_that_come_together_are_submitted_together() {
        let collector = Collector::default();
        let array = RunId::generate().unwrap();
        let key = array.key(1);
        let calls = AtomicUsize::new(0);
        let submit = |elements: Vec<Element>| -> Pin<Box<dyn Future<Output = ()> + Send>> {
            calls.fetch_add(1, Ordering::SeqCst);
            for element in elements {
                let index = element.index;
                element.tell(if index == 3 {
                    Err(DriverError::permanent(ErrorKind::Refused, "submit", "no"))
                } else {
                    Ok(job(index))
                });
            }
            Box::pin(std::future::ready(()))
        };
        let one = |index| collector.submit(&array, (&key, index, ""), 10, &submit);
        let answers = join_all((0..10).map(one)).await;
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        for (index, answer) in (0..).zip(answers) {
            match answer {
                Ok(found) => assert_eq!(found, job(index)),
                Err(error) => assert_eq!((index, error.message.as_str()), (3, "no")),
            }
        }
        // One that comes alone is not kept waiting for all the others.
        assert_eq!(one(4).await.unwrap(), job(4));
        assert!(lock(&collector.groups).is_empty());
    }

    #[tokio::test]
    async fn one_that_is_given_up_is_replaced() {
        let collector = Collector::default();
        let array = RunId::generate().unwrap();
        let key = array.key(1);
        let first = AtomicUsize::new(0);
        let submit = |elements: Vec<Element>| -> Pin<Box<dyn Future<Output = ()> + Send>> {
            if first.fetch_add(1, Ordering::SeqCst) == 0 {
                // Hangs with all that came.
                return Box::pin(async move {
                    let _held = elements;
                    std::future::pending::<()>().await;
                });
            }
            for element in elements {
                let index = element.index;
                element.tell(Ok(job(index)));
            }
            Box::pin(std::future::ready(()))
        };
        let one = |index| collector.submit(&array, (&key, index, ""), 3, &submit);
        let given_up = tokio::time::timeout(Duration::from_millis(400), one(0));
        let (given_up, others) = tokio::join!(given_up, join_all([one(1), one(2)]));
        assert!(given_up.is_err());
        let others: Vec<JobId> = others.into_iter().map(Result::unwrap).collect();
        assert_eq!(others, [job(1), job(2)]);
    }
}
