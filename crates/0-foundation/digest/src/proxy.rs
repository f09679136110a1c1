//! What a proxy between the two ends told of the connection.

use std::net::SocketAddr;
use std::sync::Arc;

/// By what means a connection came through a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyProtocol {
    /// A tunnel made by CONNECT (RFC 9110 9.3.6).
    Connect,
    /// A PROXY header, version 1 (text).
    V1,
    /// A PROXY header, version 2 (binary).
    V2,
}

/// What a proxy between the two ends told of the connection. Cloning allocates nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProxyDigest {
    /// By what means.
    pub protocol: ProxyProtocol,
    /// The client, as that proxy saw it. `None` for a connection the proxy made for itself, such as a health check.
    pub source: Option<SocketAddr>,
    /// The address that the client connected to.
    pub destination: Option<SocketAddr>,
    /// CONNECT: the authority asked for. PROXY version 2: the authority field.
    pub authority: Option<Arc<str>>,
    /// CONNECT: the status of the answer.
    pub status: Option<u16>,
    /// PROXY version 2: the connection's unique id.
    pub unique_id: Option<Arc<[u8]>>,
}

impl ProxyDigest {
    /// A digest of which nothing is known but the means.
    pub const fn new(protocol: ProxyProtocol) -> Self {
        ProxyDigest {
            protocol,
            source: None,
            destination: None,
            authority: None,
            status: None,
            unique_id: None,
        }
    }
}
