//! The settings of a peer, one call each.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use gorge_digest::PeerAddr;
use gorge_filter::UpstreamTimeouts;
use gorge_protocols::proxy_protocol::Version;
use gorge_protocols::{Address, ConnectOptions};
#[cfg(feature = "openssl")]
use gorge_tls::Endpoint;

use crate::peer::{Inner, new_id};
use crate::state::SharedState;
use crate::{Peer, PeerStats, RetryPolicy, ReuseKey, State};

/// Makes a [`Peer`]; see [`Peer::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct PeerBuilder {
    address: Address,
    weight: u64,
    backup: bool,
    max_connections: u64,
    connect: ConnectOptions,
    timeouts: Option<UpstreamTimeouts>,
    group: Option<String>,
    host: Option<Arc<str>>,
    pool: Option<gorge_pool::Options>,
    proxy_protocol: Option<Version>,
    #[cfg(feature = "openssl")]
    tls: Option<Endpoint>,
    value: Option<Arc<dyn Any + Send + Sync>>,
    retry: RetryPolicy,
    state: State,
}

impl PeerBuilder {
    pub(crate) fn new(address: Address) -> Self {
        Self {
            address,
            weight: 1,
            backup: false,
            max_connections: 0,
            connect: ConnectOptions::default(),
            timeouts: None,
            group: None,
            host: None,
            pool: None,
            proxy_protocol: None,
            #[cfg(feature = "openssl")]
            tls: None,
            value: None,
            retry: RetryPolicy::default(),
            state: State::Enabled,
        }
    }

    /// Its share of the exchanges beside other peers. Default 1; 0 means drained.
    pub fn weight(mut self, weight: u64) -> Self {
        self.weight = weight;
        self
    }

    /// Use it only when no peer that is no backup can be used. Default false.
    pub fn backup(mut self, backup: bool) -> Self {
        self.backup = backup;
        self
    }

    /// How many attempts may run at it at the same time. Default 0 = any number.
    pub fn max_connections(mut self, limit: u64) -> Self {
        self.max_connections = limit;
        self
    }

    /// How to connect to it: time limit, source address, socket options.
    pub fn connect_options(mut self, options: ConnectOptions) -> Self {
        self.connect = options;
        self
    }

    /// Time limits instead of those of the exchange. Default: those of the exchange.
    pub fn timeouts(mut self, timeouts: UpstreamTimeouts) -> Self {
        self.timeouts = Some(timeouts);
        self
    }

    /// A group key: peers of different groups share no connection, even at one address.
    pub fn group(mut self, key: impl Into<String>) -> Self {
        self.group = Some(key.into());
        self
    }

    /// The host it is asked for, with a port if that is not the usual one. Default: as the client said.
    ///
    /// # Errors
    /// It is no authority (RFC 9110 4.2.3 without user information).
    pub fn host(mut self, host: &str) -> Result<Self, gorge_http::InvalidUri> {
        gorge_http::authority::validate(host.as_bytes())?;
        self.host = Some(host.into());
        Ok(self)
    }

    /// How many idle connections to it are kept, and for how long. Default: as the proxy says.
    pub fn pool(mut self, options: gorge_pool::Options) -> Self {
        self.pool = Some(options);
        self
    }

    /// Tells it by the PROXY protocol who the client is and which address it reached. Default: does not.
    /// Each connection then serves one client connection, and an exchange allocates a little.
    pub fn proxy_protocol(mut self, version: Version) -> Self {
        self.proxy_protocol = Some(version);
        self
    }

    /// Speaks TLS with it, as `gorge_tls::Connector::to` has the other end. A PROXY protocol header goes
    /// ahead, in the clear. Connecting may then take twice [`ConnectOptions::timeout`], the handshake
    /// included: 10 s by default. Peers of the same address whose ends have the same identity share
    /// connections. Default: in the clear.
    #[cfg(feature = "openssl")]
    pub fn tls(mut self, endpoint: Endpoint) -> Self {
        self.tls = Some(endpoint);
        self
    }

    /// A value of one's own, to be had back by [`Peer::value`]. A second one replaces the first.
    pub fn value<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.value = Some(Arc::new(value));
        self
    }

    /// When a failed attempt is repeated, where the peer is an upstream by itself. A balancer
    /// brings rules of its own.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Whether it is given exchanges from the start. Default [`State::Enabled`].
    pub fn state(mut self, state: State) -> Self {
        self.state = state;
        self
    }

    /// The peer.
    #[must_use]
    pub fn build(self) -> Peer {
        let key = ReuseKey::new(&self.address, &self.connect, self.group.as_deref());
        Peer::from_inner(Inner {
            shown: PeerAddr::from(&self.address),
            #[cfg(feature = "openssl")]
            key: key.with_tls(self.tls.as_ref().map(|endpoint| endpoint.identity().clone())),
            #[cfg(not(feature = "openssl"))]
            key,
            address: self.address,
            weight: self.weight,
            backup: self.backup,
            max_connections: self.max_connections,
            connect: self.connect,
            timeouts: self.timeouts,
            host: self.host,
            pool: self.pool,
            proxy_protocol: self.proxy_protocol,
            #[cfg(feature = "openssl")]
            tls: self.tls,
            value: self.value,
            retry: self.retry,
            retries: OnceLock::new(),
            id: new_id(),
            state: Arc::new(SharedState::new(self.state)),
            stats: Arc::new(PeerStats::new()),
        })
    }
}

impl fmt::Debug for PeerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerBuilder")
            .field("address", &self.address)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}
