//! All that is known of a connection, and how to ask a stream for it.

use std::sync::Arc;

use crate::{Extension, ProxyDigest, SocketDigest, TcpInfo, TimingDigest, TlsDigest, TrafficDigest};

/// All that is known of a connection, to be kept beside it. Cloning allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    /// When it was established.
    pub timing: TimingDigest,
    /// Its socket.
    pub socket: Option<SocketDigest>,
    /// Its TLS session.
    pub tls: Option<Arc<TlsDigest>>,
    /// A proxy it came through.
    pub proxy: Option<Arc<ProxyDigest>>,
    /// What went through it.
    pub traffic: Option<TrafficDigest>,
    /// The user's own value.
    pub extension: Extension,
}

/// How to ask any stream what is known of it. What a stream does not know it leaves at `None`; wrappers hand the question
/// on to what they wrap.
pub trait GetDigest {
    /// When the connection was established.
    fn timing_digest(&self) -> Option<TimingDigest> {
        None
    }

    /// The socket below.
    fn socket_digest(&self) -> Option<SocketDigest> {
        None
    }

    /// What the kernel measured, as of now. One system call each time, so ask only when needed.
    fn tcp_info(&self) -> Option<TcpInfo> {
        None
    }

    /// The TLS session.
    fn tls_digest(&self) -> Option<Arc<TlsDigest>> {
        None
    }

    /// A proxy the connection came through.
    fn proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }

    /// What went through so far.
    fn traffic_digest(&self) -> Option<TrafficDigest> {
        None
    }

    /// The user's own value.
    fn extension(&self) -> Option<&Extension> {
        None
    }

    /// All of the above but the kernel's measurements, for keeping.
    fn digest(&self) -> Digest {
        Digest {
            timing: self.timing_digest().unwrap_or_default(),
            socket: self.socket_digest(),
            tls: self.tls_digest(),
            proxy: self.proxy_digest(),
            traffic: self.traffic_digest(),
            extension: self.extension().cloned().unwrap_or_default(),
        }
    }
}

impl GetDigest for Digest {
    fn timing_digest(&self) -> Option<TimingDigest> {
        Some(self.timing)
    }

    fn socket_digest(&self) -> Option<SocketDigest> {
        self.socket.clone()
    }

    fn tls_digest(&self) -> Option<Arc<TlsDigest>> {
        self.tls.clone()
    }

    fn proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.proxy.clone()
    }

    fn traffic_digest(&self) -> Option<TrafficDigest> {
        self.traffic
    }

    fn extension(&self) -> Option<&Extension> {
        Some(&self.extension)
    }
}
