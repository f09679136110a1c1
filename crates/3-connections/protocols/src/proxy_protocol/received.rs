//! A header to keep, beside the connection that it came on.

use std::net::SocketAddr;

use bytes::Bytes;
use gorge_digest::{PeerAddr, ProxyDigest};

use super::{Command, ProxyHeader, Tlvs, Version};

/// What a PROXY header told, kept beside the connection that it came on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedHeader {
    /// The version it was written in.
    pub version: Version,
    /// What the connection is.
    pub command: Command,
    /// The client, as the proxy saw it; `None` if the header does not tell (LOCAL, UNKNOWN).
    pub source: Option<PeerAddr>,
    /// Where the client connected to.
    pub destination: Option<PeerAddr>,
    /// The TLVs as they came; they have been judged.
    tlvs: Bytes,
}

impl ReceivedHeader {
    /// What version 2 tells besides.
    pub fn tlvs(&self) -> Tlvs<'_> {
        Tlvs::judged(&self.tlvs)
    }

    /// The same as a part of a [`Digest`](gorge_digest::Digest).
    pub fn digest(&self) -> ProxyDigest {
        let socket_addr = |end: &Option<PeerAddr>| end.as_ref().and_then(PeerAddr::socket_addr);
        let (source, destination): (Option<SocketAddr>, _) =
            (socket_addr(&self.source), socket_addr(&self.destination));
        ProxyDigest {
            source,
            destination,
            authority: self.tlvs().authority().map(Into::into),
            unique_id: self.tlvs().unique_id().map(Into::into),
            ..ProxyDigest::new(match self.version {
                Version::V1 => gorge_digest::ProxyProtocol::V1,
                Version::V2 => gorge_digest::ProxyProtocol::V2,
            })
        }
    }
}

impl From<ProxyHeader<'_>> for ReceivedHeader {
    /// Copies what the header points to.
    fn from(header: ProxyHeader<'_>) -> Self {
        ReceivedHeader {
            version: header.version,
            command: header.command,
            source: header.source(),
            destination: header.destination(),
            tlvs: Bytes::copy_from_slice(header.tlvs.as_bytes()),
        }
    }
}
