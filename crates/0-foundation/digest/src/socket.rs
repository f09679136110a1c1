//! What is known of the socket below a stream.

use std::net::SocketAddr;

use crate::PeerAddr;

/// What is known of the socket below a stream. Cloning allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SocketDigest {
    /// The other end.
    pub peer: Option<PeerAddr>,
    /// This end.
    pub local: Option<PeerAddr>,
    /// Where the client wanted to go, if the connection was redirected here (`SO_ORIGINAL_DST`).
    pub original_destination: Option<SocketAddr>,
    /// The kernel's number for this socket, never used twice (`SO_COOKIE`).
    pub cookie: Option<u64>,
    /// Size of the kernel's receive buffer in bytes (`SO_RCVBUF`).
    pub receive_buffer: Option<usize>,
    /// Size of the kernel's send buffer in bytes (`SO_SNDBUF`).
    pub send_buffer: Option<usize>,
}
