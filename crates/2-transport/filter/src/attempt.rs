//! What was tried for an exchange so far, and what may happen next.

use std::time::Duration;

use gorge_digest::PeerAddr;
use gorge_error::Kind;
use smallvec::SmallVec;

/// Which peer, without saying what a peer is: `upstream` numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerId(pub u64);

/// How far an attempt got before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// No byte of the request was written.
    Nothing,
    /// Some or all of the request may have reached the upstream; no byte came back.
    Sent,
    /// A byte of a response came back.
    Answered,
}

/// One try at one peer.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The peer that was asked.
    pub peer: PeerId,
    /// Its address.
    pub address: PeerAddr,
    /// True if the connection had carried an exchange before.
    pub reused: bool,
    /// How far it got.
    pub progress: Progress,
    /// Why it failed. `None`: it is running, or it is the one that answered.
    pub failure: Option<Kind>,
}

/// All attempts of one exchange, in order.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    list: SmallVec<[Attempt; 3]>,
    /// True when the request can be sent again from the start: it has no body, or the whole body
    /// sent so far is in the replay buffer.
    replayable: bool,
}

impl Attempts {
    /// How many, the running one included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// True if this peer was asked already.
    #[must_use]
    pub fn tried(&self, peer: PeerId) -> bool {
        self.list.iter().any(|a| a.peer == peer)
    }

    /// How often this peer was asked already.
    #[must_use]
    pub fn times(&self, peer: PeerId) -> usize {
        self.list.iter().filter(|a| a.peer == peer).count()
    }

    /// The newest.
    #[must_use]
    pub fn last(&self) -> Option<&Attempt> {
        self.list.last()
    }

    /// The newest, to fill in.
    pub fn last_mut(&mut self) -> Option<&mut Attempt> {
        self.list.last_mut()
    }

    /// Oldest to newest.
    pub fn iter(&self) -> impl Iterator<Item = &Attempt> {
        self.list.iter()
    }

    /// Whether the request can be sent again from its start.
    #[must_use]
    pub fn replayable(&self) -> bool {
        self.replayable
    }

    /// Begins a new attempt.
    pub fn push(&mut self, attempt: Attempt) {
        self.list.push(attempt);
    }

    /// Says whether the request can be sent again from its start.
    pub fn set_replayable(&mut self, replayable: bool) {
        self.replayable = replayable;
    }

    /// Forgets all; the memory stays.
    pub fn clear(&mut self) {
        self.list.clear();
        self.replayable = false;
    }
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Try once more after this pause, on any peer; one not yet tried is preferred.
    Again(Duration),
    /// Try once more, but only at a peer not yet tried; if none is left, what came goes through.
    Elsewhere,
    /// The exchange ends with what came.
    GiveUp,
}
