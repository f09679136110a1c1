//! One running attempt, counted.

use std::time::Duration;

use crate::{Peer, Verdict};

/// A peer with an attempt running at it; made by [`Peer::begin`].
///
/// Counts the attempt as active until [`end`](Self::end) is called, or until it is dropped: an
/// exchange whose future vanishes leaves no count behind.
#[derive(Debug)]
#[must_use = "the attempt ends when this is dropped"]
pub struct InFlight {
    peer: Peer,
    ended: bool,
}

impl InFlight {
    pub(crate) fn new(peer: Peer) -> Self {
        peer.stats().begin();
        Self { peer, ended: false }
    }

    /// The peer asked.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Records how the attempt ended and how long the head of its response took.
    pub fn end(mut self, verdict: Verdict, latency: Duration) {
        self.ended = true;
        self.peer.stats().end(verdict, latency);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.ended {
            self.peer.stats().end(Verdict::Abandoned, Duration::ZERO);
        }
    }
}
