//! One upstream address and how to talk to it.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use gorge_digest::PeerAddr;
use gorge_filter::{PeerId, UpstreamTimeouts};
use gorge_protocols::proxy_protocol::Version;
use gorge_protocols::{Address, ConnectOptions, InvalidAddress};
#[cfg(feature = "openssl")]
use gorge_tls::Endpoint;

use crate::state::SharedState;
use crate::{InFlight, PeerBuilder, PeerStats, Retries, RetryPolicy, ReuseKey, State};

/// One upstream address, how to talk to it, and what was seen of it.
///
/// A handle: cloning counts a reference and allocates nothing. It is an
/// [`Upstream`](crate::Upstream) too, the one that always chooses itself.
///
/// Made from an [`Address`], parsed from its text, or by [`Peer::builder`].
#[derive(Clone)]
pub struct Peer(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) address: Address,
    pub(crate) shown: PeerAddr,
    pub(crate) key: ReuseKey,
    pub(crate) weight: u64,
    pub(crate) backup: bool,
    pub(crate) max_connections: u64,
    pub(crate) connect: ConnectOptions,
    pub(crate) timeouts: Option<UpstreamTimeouts>,
    pub(crate) host: Option<Arc<str>>,
    pub(crate) pool: Option<gorge_pool::Options>,
    pub(crate) proxy_protocol: Option<Version>,
    #[cfg(feature = "openssl")]
    pub(crate) tls: Option<Endpoint>,
    pub(crate) value: Option<Arc<dyn Any + Send + Sync>>,
    pub(crate) retry: RetryPolicy,
    /// Made when the peer is first used as an upstream of its own; as one of many it needs none.
    pub(crate) retries: OnceLock<Retries>,
    // These three outlive a change of the settings.
    pub(crate) id: PeerId,
    pub(crate) state: Arc<SharedState>,
    pub(crate) stats: Arc<PeerStats>,
}

/// A number that no peer of this process has had.
pub(crate) fn new_id() -> PeerId {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    PeerId(NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Peer {
    /// A peer with every setting at its default.
    #[must_use]
    pub fn new(address: impl Into<Address>) -> Self {
        Self::builder(address).build()
    }

    /// A peer whose settings are to follow.
    pub fn builder(address: impl Into<Address>) -> PeerBuilder {
        PeerBuilder::new(address.into())
    }

    pub(crate) fn from_inner(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// These settings with the identity, state and counters of `earlier`: the same peer, told anew.
    ///
    /// A balancer does this for peers that stay when its set is replaced.
    #[must_use]
    pub fn continuing(&self, earlier: &Peer) -> Peer {
        let inner = &self.0;
        Self::from_inner(Inner {
            address: inner.address.clone(),
            shown: inner.shown.clone(),
            key: inner.key.clone(),
            weight: inner.weight,
            backup: inner.backup,
            max_connections: inner.max_connections,
            connect: inner.connect.clone(),
            timeouts: inner.timeouts,
            host: inner.host.clone(),
            pool: inner.pool,
            proxy_protocol: inner.proxy_protocol,
            #[cfg(feature = "openssl")]
            tls: inner.tls.clone(),
            value: inner.value.clone(),
            retry: inner.retry.clone(),
            retries: OnceLock::new(),
            id: earlier.0.id,
            state: earlier.0.state.clone(),
            stats: earlier.0.stats.clone(),
        })
    }

    /// Its number in this process. It stays when the settings change
    /// ([`continuing`](Self::continuing)) and is never given twice.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.0.id
    }

    /// Where to connect to.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// The address as digests and logs hold it; cloning it allocates nothing.
    #[must_use]
    pub fn digest_address(&self) -> &PeerAddr {
        &self.0.shown
    }

    /// Which idle connections may be used for this peer.
    #[must_use]
    pub fn reuse_key(&self) -> &ReuseKey {
        &self.0.key
    }

    /// The group key: peers of different groups share no connection. Default none.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.0.key.group()
    }

    /// Its share of the exchanges beside other peers. Default 1; 0 means drained.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.0.weight
    }

    /// Whether it is used only when no peer that is no backup can be. Default false.
    #[must_use]
    pub fn is_backup(&self) -> bool {
        self.0.backup
    }

    /// How many attempts may run at it at the same time; `None` (the default) = any number.
    #[must_use]
    pub fn max_connections(&self) -> Option<u64> {
        (self.0.max_connections > 0).then_some(self.0.max_connections)
    }

    /// How to connect to it.
    #[must_use]
    pub fn connect_options(&self) -> &ConnectOptions {
        &self.0.connect
    }

    /// Time limits of its own, instead of those of the exchange. Default none.
    #[must_use]
    pub fn timeouts(&self) -> Option<&UpstreamTimeouts> {
        self.0.timeouts.as_ref()
    }

    /// The host it is asked for, in place of the client's. Default none: Host is kept.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    /// How many idle connections to it are kept, and for how long. Default: as the proxy says.
    #[must_use]
    pub fn pool(&self) -> Option<&gorge_pool::Options> {
        self.0.pool.as_ref()
    }

    /// The version of the PROXY protocol by which it is told who the client is. Default none. A
    /// connection then carries exchanges of one client connection only.
    #[must_use]
    pub fn proxy_protocol(&self) -> Option<Version> {
        self.0.proxy_protocol
    }

    /// How it is spoken to over TLS. Default: in the clear.
    #[cfg(feature = "openssl")]
    #[must_use]
    pub fn tls(&self) -> Option<&Endpoint> {
        self.0.tls.as_ref()
    }

    /// The user's own value, if it has one of this type.
    #[must_use]
    pub fn value<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.value.as_deref()?.downcast_ref()
    }

    /// Whether it is given new exchanges. A weight of 0 reads as [`State::Draining`].
    #[must_use]
    pub fn state(&self) -> State {
        match self.0.state.get() {
            State::Enabled if self.0.weight == 0 => State::Draining,
            state => state,
        }
    }

    /// Says whether it is given new exchanges, for every handle of it and at once.
    pub fn set_state(&self, state: State) {
        self.0.state.set(state);
    }

    /// Whether a balancer may choose it now: it is enabled, and fewer attempts run than may.
    ///
    /// Two workers may see the last free place at the same time; the limit can then be passed by
    /// as many attempts as there are other workers.
    #[must_use]
    pub fn is_selectable(&self) -> bool {
        let limit = self.0.max_connections;
        self.state() == State::Enabled && (limit == 0 || self.stats().active() < limit)
    }

    /// What is counted of it.
    #[must_use]
    pub fn stats(&self) -> &PeerStats {
        &self.0.stats
    }

    /// The same counters, to hold on to without the peer: for algorithms that look at many of them
    /// per selection, and for whoever exports them.
    #[must_use]
    pub fn shared_stats(&self) -> Arc<PeerStats> {
        self.0.stats.clone()
    }

    /// Counts an attempt as begun and sees to it that its end is counted too. To be called right
    /// after the selection, before anything is awaited, so that limits and loads hold.
    pub fn begin(self) -> InFlight {
        InFlight::new(self)
    }

    /// The retry rules for when it is an upstream by itself.
    pub(crate) fn own_retries(&self) -> &Retries {
        self.0.retries.get_or_init(|| Retries::new(self.0.retry.clone()))
    }
}

impl From<Address> for Peer {
    fn from(address: Address) -> Self {
        Self::new(address)
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::new(address)
    }
}

/// From the text of an [`Address`].
impl FromStr for Peer {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        text.parse::<Address>().map(Self::new)
    }
}

/// The address.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address().fmt(f)
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("id", &self.id().0)
            .field("address", &format_args!("{}", self.address()))
            .field("weight", &self.weight())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
