//! The balancer: a set of peers, an algorithm, and the retry rules of both.

use std::fmt;
use std::future::{Future, ready};
use std::sync::Arc;

use arc_swap::ArcSwap;
use gorge_error::{Error, Kind, Result};
use gorge_filter::Exchange;
use gorge_upstream::{Peer, Retries, RetryPolicy, Upstream};
use parking_lot::Mutex;

use crate::set::Set;
use crate::{Algorithm, LeastConn, RoundRobin};

/// Spreads exchanges over peers. An [`Upstream`] for any context.
///
/// An attempt goes to a peer that this exchange has not tried, that is enabled, and that has room.
/// [Backups](Peer::is_backup) are chosen from once no other peer is left, and peers that were tried
/// once all were. With nobody left a selection fails with [`Kind::NoPeer`], which is 503.
///
/// Selecting takes no lock that workers share and allocates nothing. The numbers that
/// `least_conn` and [`Peer::max_connections`] look at are those counted by [`Peer::begin`].
pub struct LoadBalancer {
    algorithm: Box<dyn Algorithm>,
    set: ArcSwap<Set>,
    /// Held while the set is replaced, so that no two replacements are made from the same one.
    replacing: Mutex<()>,
    retries: Retries,
}

impl LoadBalancer {
    /// Smooth weighted [`RoundRobin`].
    #[must_use]
    pub fn round_robin(peers: impl IntoIterator<Item = Peer>) -> Self {
        Self::new(RoundRobin, peers)
    }

    /// Weighted [`LeastConn`].
    #[must_use]
    pub fn least_conn(peers: impl IntoIterator<Item = Peer>) -> Self {
        Self::new(LeastConn, peers)
    }

    /// An algorithm of one's own.
    #[must_use]
    pub fn new(algorithm: impl Algorithm, peers: impl IntoIterator<Item = Peer>) -> Self {
        let set = Set::new(peers.into_iter().collect(), &algorithm);
        Self {
            algorithm: Box::new(algorithm),
            set: ArcSwap::from_pointee(set),
            replacing: Mutex::new(()),
            retries: Retries::default(),
        }
    }

    /// When a failed attempt is repeated. Default: [`RetryPolicy::default`].
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retries = Retries::new(policy);
        self
    }

    /// The peers, as they were given.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        self.set.load().peers().to_vec()
    }

    /// Replaces the set of peers while exchanges run.
    ///
    /// A peer that stays keeps its [id](Peer::id), counters and state, and takes on the new
    /// settings: it stays if its handle is given again, or if a new one has the same
    /// [reuse key](Peer::reuse_key). Attempts at peers that leave run to their end. To give no peer
    /// at all is allowed; every selection then fails.
    pub fn set_peers(&self, peers: impl IntoIterator<Item = Peer>) {
        let peers: Vec<_> = peers.into_iter().collect();
        let _replacing = self.replacing.lock();
        let peers = self.set.load().carry_over(peers);
        self.set.store(Arc::new(Set::new(peers, &*self.algorithm)));
    }

    /// The peer for the next attempt of this exchange.
    ///
    /// # Errors
    /// [`Kind::NoPeer`]: nobody can be asked.
    pub fn choose<C>(&self, x: &Exchange<C>) -> Result<Peer> {
        self.set.load().select(x, None).ok_or_else(no_peer)
    }

    /// The same, out of the peers that `accept` says yes to: for an [`Upstream`] of one's own
    /// around this one.
    ///
    /// # Errors
    /// [`Kind::NoPeer`]: nobody can be asked.
    pub fn choose_where<C>(&self, x: &Exchange<C>, accept: impl Fn(&Peer) -> bool) -> Result<Peer> {
        self.set.load().select(x, Some(&accept)).ok_or_else(no_peer)
    }
}

fn no_peer() -> Error {
    Error::explain(Kind::NoPeer, "no peer takes an exchange now").into_upstream()
}

impl<C: Send + 'static> Upstream<C> for LoadBalancer {
    fn select(&self, x: &mut Exchange<C>) -> impl Future<Output = Result<Peer>> + Send {
        ready(self.choose(x))
    }

    fn has_another(&self, x: &Exchange<C>) -> bool {
        self.set.load().has_untried(x)
    }

    fn retries(&self, _: &Exchange<C>) -> &Retries {
        &self.retries
    }
}

impl fmt::Debug for LoadBalancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadBalancer")
            .field("algorithm", &self.algorithm.name())
            .field("peers", &self.set.load().peers())
            .finish_non_exhaustive()
    }
}
