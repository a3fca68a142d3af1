//! The same work on many things, on a few threads when that pays.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Below both of these, starting threads takes longer than the work.
const FEW: usize = 48;
const LITTLE: u64 = 4 * 1024 * 1024;
/// More threads than this only wait for the same disk.
const MOST: usize = 8;

/// How many threads to use on so many things with so many bytes in all.
pub(crate) fn threads_for(things: usize, bytes: u64) -> usize {
    if things < 2 || (things < FEW && bytes < LITTLE) {
        return 1;
    }
    all_threads().min(things)
}

/// How many threads to use on a lot of work.
pub(crate) fn all_threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(MOST)
}

/// Does `work` on `0..count` and returns the results in that order, or the first error met; after
/// an error nothing new is begun. Each thread has a buffer of its own, which `work` may use freely.
pub(crate) fn run<R: Send, E: Send>(
    count: usize,
    threads: usize,
    work: impl Fn(usize, &mut Vec<u8>) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if threads <= 1 {
        let mut buffer = Vec::new();
        return (0..count).map(|at| work(at, &mut buffer)).collect();
    }
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let one_thread = || {
        let mut buffer = Vec::new();
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                break;
            }
            match work(at, &mut buffer) {
                Ok(result) => done.push((at, result)),
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(done)
    };
    let parts: Vec<_> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(one_thread)).collect();
        let mut parts = vec![one_thread()];
        for other in others {
            match other.join() {
                Ok(part) => parts.push(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        parts
    });
    let mut all = Vec::with_capacity(count);
    for part in parts {
        all.extend(part?);
    }
    all.sort_unstable_by_key(|(at, _)| *at);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_and_errors_come_out() {
        for threads in [1, 4] {
            let doubled = run(1000, threads, |n, _| Ok::<_, ()>(n * 2));
            assert_eq!(doubled, Ok((0..1000).map(|n| n * 2).collect()));
            assert_eq!(
                run(1000, threads, |n, _| if n == 500 { Err(n) } else { Ok(()) }),
                Err(500)
            );
            assert_eq!(run(0, threads, |_, _| Ok::<(), ()>(())), Ok(vec![]));
        }
    }
}
