//! The side that verifies.

mod connector;
mod endpoint;
mod failure;
mod identity;
mod name;
mod options;
mod sessions;
mod verify;

pub use connector::Connector;
pub use endpoint::Endpoint;
pub(crate) use failure::of_read as explain_read;
pub use identity::Identity;
pub use options::{ClientOptions, Sni};
pub(crate) use verify::is_self_signed;
