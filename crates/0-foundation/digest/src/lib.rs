#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod digest;
mod extension;
mod peer_addr;
mod proxy;
mod socket;
mod tcp_info;
mod timing;
mod tls;
mod traffic;

pub use digest::{Digest, GetDigest};
pub use extension::Extension;
pub use peer_addr::PeerAddr;
pub use proxy::{ProxyDigest, ProxyProtocol};
pub use socket::SocketDigest;
pub use tcp_info::TcpInfo;
pub use timing::TimingDigest;
pub use tls::{PeerCertificate, TlsDigest};
pub use traffic::{Flow, TrafficDigest};
