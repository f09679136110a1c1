//! What the accept loops count.

use std::sync::atomic::{AtomicU64, Ordering};

use gorge_protocols::HeaderRefused;
use gorge_runtime::PerWorker;

use crate::HandshakeFailed;

/// Counts since the start, over all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections accepted, those that were refused at once included.
    pub accepted: u64,
    /// Accepts that failed, mostly because the client had gone again.
    pub failed: u64,
    /// Pauses because descriptors or memory ran out.
    pub exhausted: u64,
    /// Pauses because the maximum of connections was open.
    pub full: u64,
    /// Connections that waited for a request and were asked to close, so that others could have their
    /// place.
    pub shed: u64,
    /// Connections lost because the handler panicked before it had taken them over.
    pub panics: u64,
    /// Connections closed because the accept policy did not allow their address.
    pub denied: u64,
    /// Connections closed because their address had as many as it may have.
    pub too_many: u64,
    /// Connections closed for want of a good PROXY header, by [`HeaderRefused::index`].
    pub headers_refused: [u64; HeaderRefused::COUNT],
    /// TLS handshakes made.
    pub handshakes: u64,
    /// Connections closed for want of a TLS handshake, by [`HandshakeFailed::index`].
    pub handshakes_failed: [u64; HandshakeFailed::COUNT],
}

/// One worker's counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) exhausted: AtomicU64,
    pub(crate) full: AtomicU64,
    pub(crate) shed: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) denied: AtomicU64,
    pub(crate) too_many: AtomicU64,
    pub(crate) headers: [AtomicU64; HeaderRefused::COUNT],
    pub(crate) handshakes: AtomicU64,
    pub(crate) handshakes_failed: [AtomicU64; HandshakeFailed::COUNT],
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Stats {
    pub(crate) fn sum(counters: &PerWorker<Counters>) -> Self {
        let total =
            |of: fn(&Counters) -> &AtomicU64| counters.iter().map(|c| of(c).load(Ordering::Relaxed)).sum();
        let header = |index: usize| counters.iter().map(|c| c.headers[index].load(Ordering::Relaxed)).sum();
        let handshake =
            |index: usize| counters.iter().map(|c| c.handshakes_failed[index].load(Ordering::Relaxed)).sum();
        Stats {
            accepted: total(|c| &c.accepted),
            failed: total(|c| &c.failed),
            exhausted: total(|c| &c.exhausted),
            full: total(|c| &c.full),
            shed: total(|c| &c.shed),
            panics: total(|c| &c.panics),
            denied: total(|c| &c.denied),
            too_many: total(|c| &c.too_many),
            headers_refused: std::array::from_fn(header),
            handshakes: total(|c| &c.handshakes),
            handshakes_failed: std::array::from_fn(handshake),
        }
    }

    /// Connections closed before a handler saw them by the accept policy or for want of a PROXY header,
    /// each reason by the word for metric labels.
    pub fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let listed = [("denied", self.denied), ("too_many", self.too_many)];
        listed.into_iter().chain(HeaderRefused::NAMES.into_iter().zip(self.headers_refused))
    }

    /// TLS handshakes by their outcome: `ok`, or the word of [`HandshakeFailed::NAMES`].
    pub fn handshake_outcomes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let failed = HandshakeFailed::NAMES.into_iter().zip(self.handshakes_failed);
        std::iter::once(("ok", self.handshakes)).chain(failed)
    }
}
