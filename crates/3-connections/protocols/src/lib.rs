#![doc = include_str!("../README.md")]

mod accept;
mod accept_policy;
mod address;
mod adjust;
mod connect;
mod connect_policy;
#[cfg(feature = "openssl")]
mod connect_tls;
mod credentials;
mod handler;
mod listen;
mod names;
mod networks;
mod options;
mod per_address;
pub mod proxy_protocol;
mod shed;
mod transport;
mod unix_path;
mod virtual_socket;

pub use accept::{Acceptor, WorkerListener, is_exhausted};
pub use accept_policy::{AcceptPolicy, OwnJudge, Refused};
pub use gorge_digest::PeerAddr;
pub use ipnet::IpNet;

pub use address::{Address, InvalidAddress};
pub use connect::connect;
pub use connect_policy::{ConnectPolicy, Target};
#[cfg(feature = "openssl")]
pub use connect_tls::{Secured, connect_tls};
pub use credentials::{Credentials, Identity, InvalidCredentials};
pub use handler::{Accepted, Connections, Handler, Permit};
pub use listen::{BoundListener, Listener};
pub use names::{Answer, Family, Resolver, ResolverOptions, ResolverStats, Service, Services, connect_any};
pub use networks::Networks;
pub use options::{ConnectOptions, Keepalive, ListenOptions, SocketOptions};
pub use per_address::{AddressPermit, PerAddress};
pub use proxy_protocol::{HeaderRefused, ProxyProtocol, ReceivedHeader};
pub use transport::Transport;
pub use virtual_socket::{VirtualConnector, VirtualListener, VirtualStream, virtual_pair};
