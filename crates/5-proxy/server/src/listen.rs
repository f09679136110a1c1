//! An address, and how its connections are served.

use std::fmt;
use std::sync::Arc;

use gorge_protocols::{AcceptPolicy, Address, Handler, ListenOptions, ProxyProtocol};
#[cfg(feature = "openssl")]
use gorge_tls::Acceptor;

/// One listening address of a service. Make one with [`Listen::new`] and change what is to differ.
#[derive(Clone)]
#[non_exhaustive]
pub struct Listen {
    /// Where.
    pub address: Address,
    /// How to bind, and what accepted connections inherit.
    pub options: ListenOptions,
    /// Who serves the connections.
    pub handler: Arc<dyn Handler>,
    /// Who may connect; others are closed at once, without an answer, and counted. Default: everybody.
    pub accept: Option<AcceptPolicy>,
    /// Each connection begins with a PROXY header; those that do not are closed, without an answer, and
    /// counted. `accept` judges the client that the header names. Default: off.
    pub proxy_protocol: Option<ProxyProtocol>,
    /// Connections speak TLS, behind their PROXY header if they begin with one. Default: in the clear.
    #[cfg(feature = "openssl")]
    pub tls: Option<Acceptor>,
}

impl Listen {
    /// Listens on `address` with all defaults.
    pub fn new(address: Address, handler: impl Handler) -> Self {
        Listen::shared(address, Arc::new(handler))
    }

    pub(crate) fn shared(address: Address, handler: Arc<dyn Handler>) -> Self {
        Listen {
            address,
            options: ListenOptions::default(),
            handler,
            accept: None,
            proxy_protocol: None,
            #[cfg(feature = "openssl")]
            tls: None,
        }
    }
}

impl fmt::Debug for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listen")
            .field("address", &self.address)
            .field("options", &self.options)
            .field("accept", &self.accept)
            .field("proxy_protocol", &self.proxy_protocol)
            .finish_non_exhaustive()
    }
}
