//! A header as it was read: it points into the bytes it was read from.

use std::net::SocketAddr;

use gorge_digest::PeerAddr;

use super::{Tlvs, v2};

/// How far the reading of a header came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// The header, and how many bytes it takes.
    Complete(ProxyHeader<'a>, usize),
    /// So far all is well, but more bytes are needed.
    Incomplete {
        /// At least so many more, and all of them belong to the header: reading no more than that
        /// takes nothing that comes after it.
        need: usize,
    },
}

/// Which version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

/// What the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// The proxy's own, such as a health check. Its ends are the ends.
    Local,
    /// One that the proxy passes on for somebody else.
    Proxy,
}

/// A PROXY header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyHeader<'a> {
    /// The version it was written in.
    pub version: Version,
    /// What the connection is. Version 1 knows [`Command::Proxy`] alone.
    pub command: Command,
    /// Both ends; `None` if the proxy does not tell them (LOCAL, UNKNOWN).
    pub addresses: Option<Addresses<'a>>,
    /// What version 2 tells besides. Of LOCAL it is not read.
    pub tlvs: Tlvs<'a>,
}

/// Both ends of the connection at the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses<'a> {
    /// Internet; both of one family.
    Ip {
        /// The client.
        source: SocketAddr,
        /// Where it connected to.
        destination: SocketAddr,
        /// Whether it is UDP rather than TCP.
        datagram: bool,
    },
    /// Unix sockets. The names are as the kernel has them, an abstract one begins with a NUL; empty if
    /// that end has none.
    Unix {
        /// The client.
        source: &'a [u8],
        /// Where it connected to.
        destination: &'a [u8],
        /// Whether it is a datagram socket rather than a stream.
        datagram: bool,
    },
}

impl ProxyHeader<'_> {
    /// The client, if the header tells it. Allocates only for the name of a Unix socket.
    pub fn source(&self) -> Option<PeerAddr> {
        Some(match self.addresses? {
            Addresses::Ip { source, .. } => PeerAddr::Ip(source),
            Addresses::Unix { source, .. } => v2::unix(source),
        })
    }

    /// Where the client connected to, if the header tells it. Allocates as
    /// [`source`](ProxyHeader::source) does.
    pub fn destination(&self) -> Option<PeerAddr> {
        Some(match self.addresses? {
            Addresses::Ip { destination, .. } => PeerAddr::Ip(destination),
            Addresses::Unix { destination, .. } => v2::unix(destination),
        })
    }
}
