#![doc = include_str!("../README.md")]

mod accept;
mod address;
mod adjust;
mod connect;
mod handler;
mod listen;
mod names;
mod options;
mod transport;
mod unix_path;
mod virtual_socket;

pub use accept::{Acceptor, WorkerListener, is_exhausted};
pub use gorge_digest::PeerAddr;

pub use address::{Address, InvalidAddress};
pub use connect::connect;
pub use handler::{Accepted, Connections, Handler, Permit};
pub use listen::{BoundListener, Listener};
pub use names::{Answer, Family, Resolver, ResolverOptions, ResolverStats, Service, Services, connect_any};
pub use options::{ConnectOptions, Keepalive, ListenOptions, SocketOptions};
pub use transport::Transport;
pub use virtual_socket::{VirtualConnector, VirtualListener, VirtualStream, virtual_pair};
