//! Cancel flag and progress counter, shared between a kernel and the thread that waits for it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Handle that a kernel polls at least every 50 ms of work.
///
/// All methods take `&self` and may be called from any thread.
#[derive(Default)]
pub struct Control {
    cancelled: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
    watch: Option<Watch>,
}

/// A question asked now and then on the thread that started the work: "has the user interrupted?"
struct Watch {
    owner: ThreadId,
    start: Instant,
    /// Microseconds after `start` when the question is due again.
    due: AtomicU64,
    interrupted: Box<dyn Fn() -> bool + Send + Sync>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}

impl Control {
    /// Time between two questions to the watch.
    const WATCH_EVERY: Duration = Duration::from_millis(20);

    /// A control that nobody has cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A control that asks `interrupted` about every 20 ms, on the calling thread only, while that
    /// thread passes through [`Control::check`].
    pub fn watching(interrupted: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let watch = Watch {
            owner: thread::current().id(),
            start: Instant::now(),
            due: AtomicU64::new(Self::WATCH_EVERY.as_micros() as u64),
            interrupted: Box::new(interrupted),
        };
        Self { watch: Some(watch), ..Self::default() }
    }

    /// Ask the work to stop; it returns [`Error::Cancelled`] at its next [`Control::check`].
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the work was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Fails with [`Error::Cancelled`] once the work was asked to stop.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if let Some(watch) = &self.watch {
            self.ask(watch);
        }
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    fn ask(&self, watch: &Watch) {
        let now = watch.start.elapsed().as_micros() as u64;
        if now >= watch.due.load(Ordering::Relaxed) && thread::current().id() == watch.owner {
            watch.due.store(now + Self::WATCH_EVERY.as_micros() as u64, Ordering::Relaxed);
            if (watch.interrupted)() {
                self.cancel();
            }
        }
    }

    /// Set the number of steps the work consists of.
    pub fn set_total(&self, steps: u64) {
        self.total.store(steps, Ordering::Relaxed);
    }

    /// Count finished steps.
    pub fn advance(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }

    /// Steps done, and steps in all (0 while unknown).
    pub fn progress(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::{Control, Error};

    #[test]
    fn cancelling_is_seen_at_the_next_check() {
        let control = Control::new();
        assert_eq!(control.check(), Ok(()));
        control.cancel();
        assert_eq!(control.check(), Err(Error::Cancelled));
    }

    #[test]
    fn the_watch_cancels() {
        let control = Control::watching(|| true);
        assert_eq!(control.check(), Ok(()));
        std::thread::sleep(std::time::Duration::from_millis(25));
        assert_eq!(control.check(), Err(Error::Cancelled));
    }

    #[test]
    fn progress_counts_steps() {
        let control = Control::new();
        control.set_total(10);
        control.advance(3);
        assert_eq!(control.progress(), (3, 10));
    }
}
