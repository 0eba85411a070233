//! The threads that help a caller with its loop.
//!
//! A caller hands its work to helpers that are free, works along, and takes the work back from those
//! that have not begun when nothing is left to do.  So it never waits for a thread to wake up, only
//! for one in the midst of a chunk.  A helper without work looks out for more for [`LOOK_OUT`] and
//! then sleeps: loops that follow each other closely find it awake (about 1 µs instead of the 50 µs
//! that waking a thread may take), and a machine with nothing to do is left alone.  All but the
//! first [`SPIN`] of the look-out lets other processes go first.
//!
//! States of a helper: free → claimed (by a caller) → assigned → running → free.  A caller may take
//! an assigned helper back, never a running one.  Every claim has a number of its own, so that no
//! caller takes another's work for its own.

#![allow(unsafe_code)]

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Most helpers of a process.
const MOST: usize = 256;
/// How long a thread without work keeps looking for some.
const LOOK_OUT: Duration = Duration::from_micros(100);
/// How much of that it spends without giving way to others.
const SPIN: Duration = Duration::from_micros(5);
/// How long a caller sleeps at a time when it waits for a helper in the midst of a long chunk.
const NAP: Duration = Duration::from_micros(50);

// The two lowest bits of a state; the others number the claims.
const FREE: u32 = 0;
const CLAIMED: u32 = 1;
const ASSIGNED: u32 = 2;
const RUNNING: u32 = 3;
const PHASES: u32 = 4;

/// Work on the caller's stack, alive until no helper is assigned to it.
struct Job<'a> {
    run: &'a (dyn Fn(usize) + Sync),
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// One thread, or the place for one.
struct Helper {
    state: AtomicU32,
    /// What it is assigned to.
    job: AtomicPtr<()>,
    /// Its number there.
    member: AtomicUsize,
    is_asleep: AtomicBool,
    thread: Mutex<Option<Thread>>,
}

struct Team {
    process: u32,
    helpers: Vec<Helper>,
    /// Places taken by threads.
    n_started: AtomicUsize,
}

static TEAM: AtomicPtr<Team> = AtomicPtr::new(std::ptr::null_mut());

/// Runs `run` on this thread and on up to `n_helpers` others at the same time, with the number of the
/// thread: 0 here, then as the helpers are numbered.
///
/// Where `may_wake` is false, only threads that are awake help.  Returns when all have left `run`;
/// a panic of any of them goes on here.
pub(super) fn run(n_helpers: usize, may_wake: bool, run: &(dyn Fn(usize) + Sync)) {
    let team = team();
    let job = Job { run, panic: Mutex::new(None) };
    let mut assigned = Vec::with_capacity(n_helpers.min(MOST));
    for (helper, claim) in team.free(n_helpers, may_wake) {
        helper.assign(claim, assigned.len() + 1, &job);
        assigned.push((helper, claim));
    }
    let own = panic::catch_unwind(AssertUnwindSafe(|| run(0)));
    for (helper, claim) in assigned {
        helper.take_back(claim);
    }
    let of_helper = job.panic.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(panic) = own.err().or(of_helper) {
        panic::resume_unwind(panic);
    }
}

/// The team of this process.
fn team() -> &'static Team {
    let process = std::process::id();
    // SAFETY: a team is leaked once it is published, so the pointer is null or valid for ever.
    if let Some(team) = unsafe { TEAM.load(Ordering::Acquire).as_ref() }
        && team.process == process
    {
        return team;
    }
    // First use, or first use after a fork: the threads of the old team are gone, and nothing of it
    // may be touched.  Should two threads come here at once, each keeps the team it has made.
    let helpers = (0..MOST).map(|_| Helper::new()).collect();
    let team = Box::leak(Box::new(Team { process, helpers, n_started: AtomicUsize::new(0) }));
    TEAM.store(team, Ordering::Release);
    team
}

impl Team {
    /// Up to `wanted` free helpers, claimed; starts threads where there are fewer than `wanted`.
    fn free(
        &'static self,
        wanted: usize,
        may_wake: bool,
    ) -> impl Iterator<Item = (&'static Helper, u32)> {
        let wanted = wanted.min(MOST);
        if may_wake {
            self.start(wanted);
        }
        let n_started = self.n_started.load(Ordering::Acquire).min(MOST);
        self.helpers[..n_started]
            .iter()
            .filter_map(move |helper| Some((helper, helper.claim(may_wake)?)))
            .take(wanted)
    }

    /// Starts threads until there are `wanted`.
    fn start(&'static self, wanted: usize) {
        while self.n_started.load(Ordering::Acquire) < wanted {
            let index = self.n_started.fetch_add(1, Ordering::AcqRel);
            let Some(helper) = self.helpers.get(index) else { return };
            let name = format!("smelt-{index}");
            let started = thread::Builder::new().name(name).spawn(move || helper.work());
            match started {
                Ok(handle) => *lock(&helper.thread) = Some(handle.thread().clone()),
                // No thread to be had: nobody is to wait for this one.
                Err(_) => helper.state.store(CLAIMED, Ordering::Release),
            }
        }
    }
}

impl Helper {
    fn new() -> Self {
        Self {
            state: AtomicU32::new(FREE),
            job: AtomicPtr::new(std::ptr::null_mut()),
            member: AtomicUsize::new(0),
            is_asleep: AtomicBool::new(false),
            thread: Mutex::new(None),
        }
    }

    /// Makes a free helper the caller's; the claim's number, in the upper bits.
    fn claim(&self, may_wake: bool) -> Option<u32> {
        if !may_wake && self.is_asleep.load(Ordering::Relaxed) {
            return None;
        }
        let state = self.state.load(Ordering::Relaxed);
        let claim = state.wrapping_add(PHASES);
        (state % PHASES == FREE && self.change(state, claim + CLAIMED)).then_some(claim)
    }

    /// Hands work to a claimed helper.
    fn assign(&self, claim: u32, member: usize, job: &Job<'_>) {
        self.member.store(member, Ordering::Relaxed);
        self.job.store(std::ptr::from_ref(job).cast_mut().cast(), Ordering::Relaxed);
        self.state.store(claim + ASSIGNED, Ordering::SeqCst);
        if self.is_asleep.load(Ordering::SeqCst)
            && let Some(thread) = &*lock(&self.thread)
        {
            thread.unpark();
        }
    }

    /// Takes the work back; waits for the helper if it has begun.
    fn take_back(&self, claim: u32) {
        if self.change(claim + ASSIGNED, claim + FREE) {
            return;
        }
        let has_left = || self.state.load(Ordering::Acquire) != claim + RUNNING;
        while !look_out(has_left) {
            thread::sleep(NAP);
        }
    }

    /// The life of the thread.
    fn work(&self) {
        let is_assigned = |order| self.state.load(order) % PHASES == ASSIGNED;
        loop {
            if !look_out(|| is_assigned(Ordering::Acquire)) {
                self.is_asleep.store(true, Ordering::SeqCst);
                while !is_assigned(Ordering::SeqCst) {
                    thread::park();
                }
                self.is_asleep.store(false, Ordering::SeqCst);
            }
            let claim = self.state.load(Ordering::Relaxed) & !(PHASES - 1);
            if !self.change(claim + ASSIGNED, claim + RUNNING) {
                continue;
            }
            // SAFETY: the caller leaves `run`, where the job lives, only after `take_back`, which
            // waits while the state is RUNNING.
            let job = unsafe { &*self.job.load(Ordering::Relaxed).cast::<Job<'_>>() };
            let member = self.member.load(Ordering::Relaxed);
            if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| (job.run)(member))) {
                lock(&job.panic).get_or_insert(panic);
            }
            // From here on the job may be gone.
            self.state.store(claim + FREE, Ordering::Release);
        }
    }

    fn change(&self, from: u32, to: u32) -> bool {
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// Waits for a while until something is so; whether it came to be.
fn look_out(is_so: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    loop {
        for _ in 0..16 {
            if is_so() {
                return true;
            }
            std::hint::spin_loop();
        }
        let waited = start.elapsed();
        if waited >= LOOK_OUT {
            return is_so();
        }
        if waited >= SPIN {
            thread::yield_now();
        }
    }
}

/// What is behind a lock, also if a thread panicked while it had it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
