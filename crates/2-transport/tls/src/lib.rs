#![doc = include_str!("../README.md")]

mod certificate;
mod client;
mod digest;
mod ffi;
mod groups;
mod key_log;
mod library;
pub mod ocsp;
mod options;
mod psk;
mod reason;
mod roots;
mod server;
mod store;
mod stream;
mod tickets;
mod wire;

pub use certificate::{Certificate, CertificateFault, KeyKind, Level, Part, Remark, Role};
pub use client::{ClientOptions, Connector, Endpoint, Identity, Sni};
pub use key_log::KeyLog;
pub use library::library;
pub use options::Version;
pub use psk::Psk;
pub use roots::Roots;
pub use server::{Acceptor, ClientAuth, PskFinder, Resolution, Resolver, ServerOptions};
pub use store::{Certificates, Clash};
pub use stream::TlsStream;
pub use tickets::TicketKeys;
