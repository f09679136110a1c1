//! What a proxy counts, by worker, in plain fields.

use std::sync::atomic::{AtomicU64, Ordering};

use gorge_error::Kind;
use gorge_runtime::PerWorker;

/// The counters of one worker: written by it alone, read by whoever asks.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) closed: AtomicU64,
    pub(crate) exchanges: AtomicU64,
    pub(crate) attempts: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) connected: AtomicU64,
    pub(crate) reused: AtomicU64,
    pub(crate) moved: AtomicU64,
    pub(crate) surprised: AtomicU64,
    pub(crate) upgrades: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) sent: AtomicU64,
    errors: [AtomicU64; Kind::COUNT],
}

impl Default for Counters {
    fn default() -> Self {
        let zero = AtomicU64::default;
        Self {
            connections: zero(),
            closed: zero(),
            exchanges: zero(),
            attempts: zero(),
            retries: zero(),
            connected: zero(),
            reused: zero(),
            moved: zero(),
            surprised: zero(),
            upgrades: zero(),
            panics: zero(),
            received: zero(),
            sent: zero(),
            errors: std::array::from_fn(|_| zero()),
        }
    }
}

/// Adds to a counter that only this worker writes: a plain add, without a locked instruction. (With
/// work stealing a task that moves between load and store could lose a count; tasks move only at an
/// `.await`.)
pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn error(&self, kind: Kind) {
        add(&self.errors[kind.index()], 1);
    }
}

/// A reading of all counters, summed over the workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Downstream connections served so far.
    pub connections: u64,
    /// Of these, still open.
    pub open: u64,
    /// Exchanges begun: a head was read, or something that should have been one.
    pub exchanges: u64,
    /// Attempts at a peer.
    pub attempts: u64,
    /// Attempts beyond the first of their exchange.
    pub retries: u64,
    /// Upstream connections opened.
    pub connected: u64,
    /// Attempts that went over a connection used before.
    pub reused: u64,
    /// Of these, taken over from another worker.
    pub moved: u64,
    /// Idle upstream connections dropped because something came that nobody asked for, or the end.
    pub surprised: u64,
    /// Tunnels after a 101.
    pub upgrades: u64,
    /// Exchanges whose code panicked.
    pub panics: u64,
    /// Body bytes received from clients.
    pub received: u64,
    /// Body bytes sent to clients.
    pub sent: u64,
    errors: Vec<(Kind, u64)>,
}

impl Stats {
    pub(crate) fn read(workers: &PerWorker<Counters>) -> Self {
        let sum = |field: fn(&Counters) -> &AtomicU64| -> u64 {
            workers.iter().map(|counters| field(counters).load(Ordering::Relaxed)).sum()
        };
        let errors = Kind::ALL.into_iter().map(|kind| {
            let count = workers.iter().map(|w| w.errors[kind.index()].load(Ordering::Relaxed)).sum();
            (kind, count)
        });
        let connections = sum(|c| &c.connections);
        Self {
            connections,
            open: connections.saturating_sub(sum(|c| &c.closed)),
            exchanges: sum(|c| &c.exchanges),
            attempts: sum(|c| &c.attempts),
            retries: sum(|c| &c.retries),
            connected: sum(|c| &c.connected),
            reused: sum(|c| &c.reused),
            moved: sum(|c| &c.moved),
            surprised: sum(|c| &c.surprised),
            upgrades: sum(|c| &c.upgrades),
            panics: sum(|c| &c.panics),
            received: sum(|c| &c.received),
            sent: sum(|c| &c.sent),
            errors: errors.filter(|&(_, count)| count > 0).collect(),
        }
    }

    /// How many exchanges failed or were refused for a reason of this kind. (All `Rejected` count
    /// as one kind, and all `Custom`.)
    #[must_use]
    pub fn errors(&self, kind: Kind) -> u64 {
        self.errors.iter().find(|(k, _)| k.index() == kind.index()).map_or(0, |&(_, count)| count)
    }

    /// All kinds that occurred, with their counts.
    pub fn all_errors(&self) -> impl Iterator<Item = (Kind, u64)> {
        self.errors.iter().copied()
    }
}
