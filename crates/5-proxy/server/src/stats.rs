//! What the accept loops count.

use std::sync::atomic::{AtomicU64, Ordering};

use gorge_runtime::PerWorker;

/// Counts since the start, over all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections accepted.
    pub accepted: u64,
    /// Accepts that failed, mostly because the client had gone again.
    pub failed: u64,
    /// Pauses because descriptors or memory ran out.
    pub exhausted: u64,
    /// Pauses because the maximum of connections was open.
    pub full: u64,
    /// Connections lost because the handler panicked before it had taken them over.
    pub panics: u64,
}

/// One worker's counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) exhausted: AtomicU64,
    pub(crate) full: AtomicU64,
    pub(crate) panics: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Stats {
    pub(crate) fn sum(counters: &PerWorker<Counters>) -> Self {
        let total =
            |of: fn(&Counters) -> &AtomicU64| counters.iter().map(|c| of(c).load(Ordering::Relaxed)).sum();
        Stats {
            accepted: total(|c| &c.accepted),
            failed: total(|c| &c.failed),
            exhausted: total(|c| &c.exhausted),
            full: total(|c| &c.full),
            panics: total(|c| &c.panics),
        }
    }
}
