//! The only way to run a loop on several threads.
//!
//! A loop over `n` items is cut into chunks whose borders depend on `n` alone, never on the number
//! of threads, and partial results come back in chunk order.  So every result has the same bits on
//! 1, 2 or 64 threads.  A loop too short to pay for waking a thread is shared with those that are
//! awake, if any, and a shorter one runs on the caller's; a loop within a loop runs on the thread it
//! is on.
//!
//! The threads are smelt's own (see `team`): they start at the first use, honour `SMELT_NUM_THREADS`
//! and [`with_threads`] (Python's `n_jobs`), and are started anew in a forked child.

mod scattered;
mod team;

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use std::{panic, thread};

use rayon::ThreadPoolBuilder;

use crate::control::Control;
use crate::error::{Error, Result};

pub use scattered::{ScatteredRows, for_scattered_rows};

/// Work below this many nanoseconds is not worth waking a thread for.
const WAKE_ABOVE_NS: f64 = 100_000.0;
/// Work below this many nanoseconds is not worth sharing with a thread that is awake.
const SHARE_ABOVE_NS: f64 = 8_000.0;

thread_local! {
    /// Threads this caller may use; 0 means all.
    static LIMIT: Cell<usize> = const { Cell::new(0) };
    /// Whether this thread already works on a chunk.
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Threads that a loop may use at most: `SMELT_NUM_THREADS`, else the number of cores allowed.
pub fn max_threads() -> usize {
    static MAX: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *MAX.get_or_init(|| {
        let wish =
            std::env::var("SMELT_NUM_THREADS").ok().and_then(|text| text.trim().parse().ok());
        match wish {
            Some(threads) if threads > 0 => threads,
            _ => std::thread::available_parallelism().map_or(1, |cores| cores.get()),
        }
    })
}

/// Threads a loop started now would use.
pub fn threads() -> usize {
    if WITHIN.get() {
        return 1;
    }
    match LIMIT.get() {
        0 => max_threads(),
        limit => limit,
    }
}

/// Runs `work` with at most `threads` threads (0: as many as [`max_threads`]).
pub fn with_threads<R>(threads: usize, work: impl FnOnce() -> R) -> R {
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            LIMIT.set(self.0);
        }
    }
    let _restore = Restore(LIMIT.replace(threads));
    work()
}

/// Restores the mark of a thread that works on chunks, also when the work panics.
struct Mark(bool);

impl Drop for Mark {
    fn drop(&mut self) {
        WITHIN.set(self.0);
    }
}

/// Borders of chunk `index` when `n` items are cut into chunks of `chunk` items.
fn borders(index: usize, n: usize, chunk: usize) -> Range<usize> {
    index * chunk..((index + 1) * chunk).min(n)
}

/// Runs `work(chunk_index, range)` for every chunk of `chunk` items of `0..n`.
///
/// `cost_ns` is the estimated time of one item; it only decides whether threads are woken.
pub fn for_chunks(n: usize, chunk: usize, cost_ns: f64, work: impl Fn(usize, Range<usize>) + Sync) {
    let chunk = chunk.max(1);
    let n_chunks = n.div_ceil(chunk);
    let wanted = threads().min(n_chunks);
    let cost_ns = n as f64 * cost_ns;
    if wanted > 1 && cost_ns >= SHARE_ABOVE_NS {
        // Each thread begins with a share of its own, the same in every loop of as many chunks: what
        // it has in its cache since the last loop is what it needs now.  Then it helps the others.
        let next: Vec<AtomicUsize> =
            (0..wanted).map(|share| AtomicUsize::new(share * n_chunks / wanted)).collect();
        let run = |member: usize| {
            let _mark = Mark(WITHIN.replace(true));
            for share in (member..wanted).chain(0..member) {
                let stop = (share + 1) * n_chunks / wanted;
                loop {
                    let index = next[share].fetch_add(1, Ordering::Relaxed);
                    if index >= stop {
                        break;
                    }
                    work(index, borders(index, n, chunk));
                }
            }
        };
        team::run(wanted - 1, cost_ns >= WAKE_ABOVE_NS, &run);
    } else {
        for index in 0..n_chunks {
            work(index, borders(index, n, chunk));
        }
    }
}

/// Like [`for_chunks`], but collects what each chunk returns, in chunk order.
pub fn map_chunks<R: Send>(
    n: usize,
    chunk: usize,
    cost_ns: f64,
    work: impl Fn(usize, Range<usize>) -> R + Sync,
) -> Vec<R> {
    let n_chunks = n.div_ceil(chunk.max(1));
    let slots: Vec<Mutex<Option<R>>> = (0..n_chunks).map(|_| Mutex::new(None)).collect();
    for_chunks(n, chunk, cost_ns, |index, range| {
        let result = work(index, range);
        if let Ok(mut slot) = slots[index].lock() {
            *slot = Some(result);
        }
    });
    slots.into_iter().filter_map(|slot| slot.into_inner().ok().flatten()).collect()
}

/// Like [`for_chunks`], with the part of `data` that belongs to each chunk to write to.
///
/// `data` holds `width` values per item: chunk `range` owns `data[range.start * width..range.end * width]`.
pub fn for_chunks_mut<T: Send>(
    data: &mut [T],
    width: usize,
    chunk: usize,
    cost_ns: f64,
    work: impl Fn(usize, Range<usize>, &mut [T]) + Sync,
) {
    let width = width.max(1);
    let chunk = chunk.max(1);
    let n = data.len() / width;
    let parts: Vec<Mutex<&mut [T]>> = data.chunks_mut(chunk * width).map(Mutex::new).collect();
    for_chunks(n, chunk, cost_ns, |index, range| {
        if let Ok(mut part) = parts[index].lock() {
            work(index, range, &mut part);
        }
    });
}

/// Runs one long piece of work that cannot be cut, so that the caller can still be interrupted.
///
/// Work of over 20 ms runs on a thread of its own while this one polls `control`.  After a
/// cancellation the caller goes on at once; the thread finishes its work and drops the result.
pub fn interruptible<R: Send + 'static>(
    control: &Control,
    cost_ns: f64,
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R> {
    control.check()?;
    if cost_ns < 20e6 {
        return Ok(work());
    }
    let builder = thread::Builder::new().name("smelt-long".to_string());
    let (sender, receiver) = mpsc::channel();
    // If no thread can be started the closure is lost, so it stays shared until one runs it.
    let shared = Arc::new(Mutex::new(Some(work)));
    let job = Arc::clone(&shared);
    let spawned = builder.spawn(move || {
        let work = job.lock().ok().and_then(|mut slot| slot.take());
        if let Some(work) = work {
            let outcome = panic::catch_unwind(panic::AssertUnwindSafe(work));
            let _ = sender.send(outcome);
        }
    });
    if spawned.is_err() {
        let work = shared.lock().ok().and_then(|mut slot| slot.take());
        return work.map(|work| work()).ok_or(Error::Cancelled);
    }
    loop {
        match receiver.recv_timeout(Duration::from_millis(10)) {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(panic)) => panic::resume_unwind(panic),
            Err(mpsc::RecvTimeoutError::Timeout) => control.check()?,
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(Error::Cancelled),
        }
    }
}

/// Runs `work` on a pool of `n_threads` threads made for it, where rayon's functions find them.
///
/// For libraries that start parallel loops of their own.  Given a fixed number of tasks, they return
/// the same bits for any number of threads.  Starting the pool takes about 0.1 ms.
pub fn in_own_pool<R: Send>(n_threads: usize, work: impl FnOnce() -> R + Send) -> Result<R> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(n_threads.max(1))
        .thread_name(|index| format!("smelt-own-{index}"))
        .build()
        .map_err(|error| Error::Numeric(format!("no thread could be started: {error}")))?;
    Ok(pool.install(work))
}

/// A chunk size that gives at most 64 chunks, none smaller than `least` items.
///
/// It depends on `n` alone, so partial results merge the same way on every machine.
pub fn chunk_size(n: usize, least: usize) -> usize {
    n.div_ceil(64).max(least).max(1)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use super::{
        chunk_size, for_chunks, for_chunks_mut, in_own_pool, interruptible, map_chunks, threads,
        with_threads,
    };
    use crate::{Control, Error};

    #[test]
    fn long_work_is_left_behind_when_cancelled() {
        let control = Control::new();
        assert_eq!(interruptible(&control, 0.0, || 1), Ok(1));
        assert_eq!(interruptible(&control, 1e9, || 2), Ok(2));
        let control = Control::watching(|| true);
        let start = Instant::now();
        let sleep = || std::thread::sleep(Duration::from_secs(2));
        assert_eq!(interruptible(&control, 1e9, sleep), Err(Error::Cancelled));
        assert!(start.elapsed() < Duration::from_secs(1));
    }

    #[test]
    #[should_panic(expected = "deep down")]
    fn a_panic_of_long_work_reaches_the_caller() {
        let _ = interruptible(&Control::new(), 1e9, || panic!("deep down"));
    }

    #[test]
    fn an_own_pool_has_the_threads_asked_for() {
        for n_threads in [1, 3] {
            assert_eq!(in_own_pool(n_threads, rayon::current_num_threads), Ok(n_threads));
        }
    }

    #[test]
    fn partial_sums_have_the_same_bits_on_any_number_of_threads() {
        let values: Vec<f64> = (0..100_000).map(|i| (f64::from(i) * 0.37).sin()).collect();
        let total = |n_threads| {
            with_threads(n_threads, || {
                let parts = map_chunks(values.len(), 1000, 100.0, |_, range| {
                    values[range].iter().sum::<f64>()
                });
                parts.into_iter().sum::<f64>().to_bits()
            })
        };
        let expected = total(1);
        assert_eq!(expected, total(2));
        assert_eq!(expected, total(7));
    }

    #[test]
    fn callers_at_once_and_panics_leave_no_thread_behind() {
        let total = || {
            let sum = AtomicUsize::new(0);
            for_chunks(64, 1, 1e4, |index, _| {
                sum.fetch_add(index, Ordering::Relaxed);
            });
            sum.into_inner()
        };
        let call = || with_threads(3, || (0..300).all(|_| total() == 2016));
        let all = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..4).map(|_| scope.spawn(call)).collect();
            callers.into_iter().all(|caller| caller.join().is_ok_and(|is_right| is_right))
        });
        assert!(all);
        for bad in [0, 63] {
            let outcome = std::panic::catch_unwind(|| {
                with_threads(3, || {
                    for_chunks(64, 1, 1e6, |index, _| assert!(index != bad, "chunk {bad}"));
                });
            });
            let panic = outcome.expect_err("a panic of any thread reaches the caller");
            assert_eq!(panic.downcast_ref::<String>(), Some(&format!("chunk {bad}")));
            assert!(call());
        }
    }

    #[test]
    fn every_item_is_written_once() {
        let mut out = vec![0_u32; 3000];
        with_threads(4, || {
            for_chunks_mut(&mut out, 3, 7, 1e6, |_, range, part| {
                for (offset, item) in range.enumerate() {
                    part[3 * offset] += item as u32 + 1;
                }
            });
        });
        assert!((0..1000).all(|i| out[3 * i] == i as u32 + 1 && out[3 * i + 1] == 0));
    }

    #[test]
    fn a_loop_within_a_loop_stays_on_its_thread() {
        with_threads(4, || {
            assert_eq!(threads(), 4);
            for_chunks(8, 1, 1e9, |_, _| assert_eq!(threads(), 1));
        });
    }

    #[test]
    fn chunks_do_not_depend_on_threads() {
        assert_eq!(
            with_threads(1, || chunk_size(10_000, 64)),
            with_threads(9, || chunk_size(10_000, 64))
        );
        assert_eq!(chunk_size(0, 0), 1);
    }
}
