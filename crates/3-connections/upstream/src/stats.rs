//! What is counted of a peer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One part in so many of a new latency goes into the average: α = 0.1.
const EWMA_PARTS: u64 = 10;

/// How an attempt at a peer ended, as far as the peer is to be judged by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The peer answered as it should.
    Success,
    /// It could not be reached, broke off, took too long, or answered that it is broken.
    Failure,
    /// Not its fault: the client left, or a filter ended the exchange. Counts neither way.
    Abandoned,
}

/// Counters of one peer, shared by all workers without a lock.
///
/// Recording costs one atomic addition at the start of an attempt and one or two at its end. The
/// numbers are exact, but for the latency: when two workers record one at the same instant, one of
/// the two may not enter the average.
// On cache lines of its own, so that counting does not slow down those who only read the peer.
#[repr(align(128))]
#[derive(Debug, Default)]
pub struct PeerStats {
    begun: AtomicU64,
    ended: AtomicU64,
    failures: AtomicU64,
    abandoned: AtomicU64,
    /// Nanoseconds; 0 = nothing measured yet.
    latency: AtomicU64,
}

impl PeerStats {
    /// Nothing counted yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            latency: AtomicU64::new(0),
        }
    }

    /// An attempt begins. Each call needs one of [`end`](Self::end), which
    /// [`InFlight`](crate::InFlight) sees to by itself.
    pub fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// An attempt ended. `latency` is the time from its start to the head of the response; it
    /// counts for a success only, so that a peer that fails fast does not look fast.
    pub fn end(&self, verdict: Verdict, latency: Duration) {
        match verdict {
            Verdict::Success => self.record_latency(latency),
            Verdict::Failure => _ = self.failures.fetch_add(1, Ordering::Relaxed),
            Verdict::Abandoned => _ = self.abandoned.fetch_add(1, Ordering::Relaxed),
        }
        // Release, so that whoever reads this end also sees the beginning before it.
        self.ended.fetch_add(1, Ordering::Release);
    }

    fn record_latency(&self, latency: Duration) {
        let sample = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1);
        let old = self.latency.load(Ordering::Relaxed);
        let new = match old {
            0 => sample,
            _ if sample >= old => old + (sample - old) / EWMA_PARTS,
            _ => old - (old - sample) / EWMA_PARTS,
        };
        // A plain store: a lost update costs one sample, a compare-and-swap would cost each one.
        self.latency.store(new, Ordering::Relaxed);
    }

    /// Attempts that run now.
    #[must_use]
    pub fn active(&self) -> u64 {
        // The ended ones first: read the other way round, one could end after it was seen running.
        let ended = self.ended.load(Ordering::Acquire);
        self.begun.load(Ordering::Relaxed).saturating_sub(ended)
    }

    /// Attempts begun so far, the running ones included.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Attempts that failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Attempts that were given up without being the peer's fault.
    #[must_use]
    pub fn abandoned(&self) -> u64 {
        self.abandoned.load(Ordering::Relaxed)
    }

    /// Moving average of the latency of successful attempts, the newest weighing a tenth. `None`
    /// before the first.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        match self.latency.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// Share of the judged attempts that succeeded, 0 to 1. `None` before the first.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        let ended = self.ended.load(Ordering::Acquire);
        let judged = ended.saturating_sub(self.abandoned());
        let good = judged.saturating_sub(self.failures());
        (judged > 0).then(|| good as f64 / judged as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn unknown_is_none() {
        let stats = PeerStats::new();
        assert_eq!((stats.latency(), stats.success_rate(), stats.active()), (None, None, 0));
    }

    #[test]
    fn counts_what_runs_and_how_it_ended() {
        let stats = PeerStats::new();
        for _ in 0..5 {
            stats.begin();
        }
        stats.end(Verdict::Success, MS);
        stats.end(Verdict::Failure, MS);
        stats.end(Verdict::Abandoned, MS);
        assert_eq!((stats.exchanges(), stats.active()), (5, 2));
        assert_eq!((stats.failures(), stats.abandoned()), (1, 1));
        assert_eq!(stats.success_rate(), Some(0.5));
    }

    #[test]
    fn latency_moves_by_a_tenth_and_ignores_failures() {
        let stats = PeerStats::new();
        stats.end(Verdict::Success, 100 * MS);
        stats.end(Verdict::Success, 200 * MS);
        assert_eq!(stats.latency(), Some(110 * MS));
        stats.end(Verdict::Success, 10 * MS);
        assert_eq!(stats.latency(), Some(100 * MS));
        stats.end(Verdict::Failure, MS);
        assert_eq!(stats.latency(), Some(100 * MS));
    }

    #[test]
    fn extreme_latencies_do_not_overflow() {
        let stats = PeerStats::new();
        stats.end(Verdict::Success, Duration::MAX);
        stats.end(Verdict::Success, Duration::ZERO);
        stats.end(Verdict::Success, Duration::MAX);
        assert!(stats.latency().is_some());
    }

    #[test]
    fn an_end_too_many_does_not_wrap() {
        let stats = PeerStats::new();
        stats.end(Verdict::Success, MS);
        assert_eq!(stats.active(), 0);
    }

    #[test]
    fn workers_lose_no_count() {
        let stats = PeerStats::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        stats.begin();
                        assert!(stats.active() <= 4);
                        stats.end(Verdict::Failure, MS);
                    }
                });
            }
        });
        assert_eq!((stats.exchanges(), stats.failures(), stats.active()), (4000, 4000, 0));
    }
}
