//! The thread that writes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use gorge_proxy::log::HeldBack;
use gorge_runtime::PerWorker;
use parking_lot::{Condvar, Mutex};

use super::output::Output;
use super::trouble::Trouble;

/// How long lines may gather before they are written.
const FLUSH: Duration = Duration::from_millis(10);

/// How often logs are asked for what they hold back.
const ASK: Duration = Duration::from_secs(1);

/// How long a stream that takes nothing is waited for, unless it is in trouble already.
const PATIENCE: Duration = Duration::from_secs(1);

/// Memory a buffer keeps when it is empty.
const KEPT: usize = 256 * 1024;

/// Whom to tell of trouble with the log itself.
pub(super) type Reporter = Arc<dyn Fn(&str) + Send + Sync>;

/// What the workers and the writing thread share.
pub(super) struct Shared {
    /// What is written to, for messages.
    pub(super) name: String,
    pub(super) gathered: PerWorker<Mutex<Vec<u8>>>,
    /// Lines are waiting, the thread knows.
    pub(super) waiting: AtomicBool,
    pub(super) stopping: AtomicBool,
    /// Lines that found no room.
    pub(super) overflown: AtomicU64,
    /// Lines that could not be written.
    pub(super) unwritten: AtomicU64,
    pub(super) rounds: Mutex<Rounds>,
    pub(super) round_done: Condvar,
    pub(super) logs: Mutex<Vec<Weak<dyn HeldBack>>>,
    pub(super) reporter: Mutex<Reporter>,
}

/// How often the thread was asked to write, and how often it has.
#[derive(Default)]
pub(super) struct Rounds {
    pub(super) asked: u64,
    pub(super) done: u64,
    /// The next round opens the file anew.
    pub(super) reopen: bool,
    /// Why the last round that was to do so could not.
    pub(super) refused: Option<String>,
}

/// What only the thread has.
struct Desk {
    output: Output,
    spare: Vec<u8>,
    trouble: Trouble,
    /// Of the lines that found no room, those known to the trouble.
    overflown: u64,
    /// When logs are asked for what they hold back.
    ask: Option<Instant>,
}

impl Shared {
    pub(super) fn run(&self, output: Output) {
        let mut desk =
            Desk { output, spare: Vec::new(), trouble: Trouble::default(), overflown: 0, ask: None };
        loop {
            self.wait(desk.ask);
            let (asked, reopen, urgent) = {
                let mut rounds = self.rounds.lock();
                (rounds.asked, std::mem::take(&mut rounds.reopen), rounds.asked != rounds.done)
            };
            let last = self.stopping.load(Ordering::Acquire);
            let now = Instant::now();
            if urgent || last || desk.ask.is_some_and(|at| at <= now) {
                desk.ask = self.release().then_some(now + ASK);
            }
            self.waiting.store(false, Ordering::Release);
            self.write(&mut desk);
            let refused = if reopen { desk.output.reopen().err() } else { None };
            {
                let mut rounds = self.rounds.lock();
                rounds.done = asked;
                if reopen {
                    rounds.refused = refused.map(|error| error.to_string());
                }
            }
            self.round_done.notify_all();
            if last {
                return;
            }
        }
    }

    /// Waits until there is something to do, and a little longer, for more to come.
    fn wait(&self, ask: Option<Instant>) {
        let stopping = || self.stopping.load(Ordering::Acquire);
        while !self.waiting.load(Ordering::Acquire) && !stopping() && !self.is_urgent() {
            match ask.map(|at| at.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return,
                Some(left) => thread::park_timeout(left),
            }
        }
        if !self.is_urgent() && !stopping() {
            thread::park_timeout(FLUSH);
        }
    }

    /// Whether somebody waits for a round.
    fn is_urgent(&self) -> bool {
        let rounds = self.rounds.lock();
        rounds.asked != rounds.done
    }

    /// Has the logs give what they hold back. Returns whether one wants to be asked again.
    fn release(&self) -> bool {
        let logs: Vec<_> = {
            let mut logs = self.logs.lock();
            logs.retain(|log| log.strong_count() > 0);
            logs.iter().filter_map(Weak::upgrade).collect()
        };
        // Each of them, so no short cut.
        logs.iter().fold(false, |again, log| log.release() | again)
    }

    fn write(&self, desk: &mut Desk) {
        let mut wrote = false;
        for gathered in self.gathered.iter() {
            std::mem::swap(&mut *gathered.lock(), &mut desk.spare);
            if !desk.spare.is_empty() {
                wrote |= self.write_lines(desk);
            }
            desk.spare.clear();
            desk.spare.shrink_to(KEPT);
        }
        let now = Instant::now();
        let overflown = self.overflown.load(Ordering::Relaxed);
        let more = overflown - std::mem::replace(&mut desk.overflown, overflown);
        let told = match (more, wrote) {
            (0, true) => desk.trouble.written(now),
            (0, false) => None,
            _ => desk.trouble.lost(more, &"lines come faster than they can be written", now),
        };
        self.report(told);
        if desk.ask.is_none() && wrote && !self.logs.lock().is_empty() {
            desk.ask = Some(now + ASK);
        }
    }

    /// Writes what is on the desk. Returns whether all of it could be.
    fn write_lines(&self, desk: &mut Desk) -> bool {
        let patience = if desk.trouble.is_on() { FLUSH } else { PATIENCE };
        let written = desk.output.write(&desk.spare, patience);
        if let Some(error) = desk.output.complaint() {
            self.report(Some(format!("the file cannot be rotated, so it grows: {error}")));
        }
        if let Err(lost) = &written {
            self.unwritten.fetch_add(lost.lines, Ordering::Relaxed);
            self.report(desk.trouble.lost(lost.lines, &lost.error, Instant::now()));
        }
        written.is_ok()
    }

    fn report(&self, told: Option<String>) {
        if let Some(told) = told {
            let reporter = self.reporter.lock().clone();
            reporter(&format!("the log {}: {told}", self.name));
        }
    }
}
