//! What an algorithm is: something that is prepared for a set of peers and then picks from it.

use std::fmt;

use gorge_digest::PeerAddr;
use gorge_filter::Attempts;
use gorge_http::RequestHead;
use gorge_upstream::Peer;

/// A way to spread exchanges over peers. Write one of your own and give it to
/// [`LoadBalancer::new`](crate::LoadBalancer::new).
pub trait Algorithm: Send + Sync + 'static {
    /// Its name, for logs and pages.
    fn name(&self) -> &'static str;

    /// Prepares for these peers: all of them have a weight above 0. Called when a balancer is made
    /// and whenever its set of peers is replaced, never per exchange.
    fn prepare(&self, peers: &[Peer]) -> Box<dyn Selector>;
}

/// An algorithm prepared for one set of peers, shared by all workers.
pub trait Selector: Send + Sync + 'static {
    /// The index of the peer to ask, out of those that [are open](Candidates::is_open); `None` if
    /// none is. Called for each attempt, so it should not allocate, and not wait for other workers.
    fn select(&self, candidates: &Candidates<'_>) -> Option<usize>;
}

/// The peers that one selection picks from, and the request it is made for.
#[derive(Clone, Copy)]
pub struct Candidates<'a> {
    pub(crate) peers: &'a [Peer],
    /// Peers in here are closed. `None` once all were tried and any will do.
    pub(crate) tried: Option<&'a Attempts>,
    pub(crate) accept: Option<&'a dyn Fn(&Peer) -> bool>,
    pub(crate) request: &'a RequestHead,
    pub(crate) client: Option<&'a PeerAddr>,
}

impl<'a> Candidates<'a> {
    /// All peers, in the order in which the algorithm was prepared for them, open or not.
    #[must_use]
    pub fn peers(&self) -> &'a [Peer] {
        self.peers
    }

    /// Whether the peer at this index may be picked: it is enabled, has room, was not tried, and the
    /// caller accepts it. An index that is none reads as closed.
    #[must_use]
    pub fn is_open(&self, index: usize) -> bool {
        let Some(peer) = self.peers.get(index) else { return false };
        peer.is_selectable()
            && self.tried.is_none_or(|attempts| !attempts.tried(peer.id()))
            && self.accept.is_none_or(|accept| accept(peer))
    }

    /// The request, for algorithms that choose by what it asks for.
    #[must_use]
    pub fn request(&self) -> &'a RequestHead {
        self.request
    }

    /// Who asks, for algorithms that choose by that.
    #[must_use]
    pub fn client(&self) -> Option<&'a PeerAddr> {
        self.client
    }
}

impl fmt::Debug for Candidates<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidates")
            .field("peers", &self.peers)
            .field("tried", &self.tried)
            .finish_non_exhaustive()
    }
}
