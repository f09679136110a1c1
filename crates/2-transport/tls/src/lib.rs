#![doc = include_str!("../README.md")]

mod certificate;
mod client;
mod failure;
mod ffi;
mod library;
mod options;
mod server;
mod store;
mod stream;
mod tickets;
mod wire;

pub use certificate::{Certificate, KeyKind};
pub use client::{ClientOptions, Connector, Endpoint, Identity, Roots};
pub use library::library;
pub use options::Version;
pub use server::{Acceptor, ClientAuth, ServerOptions};
pub use store::Certificates;
pub use stream::TlsStream;
pub use tickets::TicketKeys;
