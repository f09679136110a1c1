//! The side that shows certificates.

mod acceptor;
mod choose;
mod client_auth;
mod context;
mod failure;
mod linger;
mod options;
mod plain_http;
mod psk;
mod resolver;

pub use acceptor::Acceptor;
pub use options::{ClientAuth, ServerOptions};
pub use psk::PskFinder;
pub use resolver::{Resolution, Resolver};
