//! TLS as others speak it: servers, clients, and what either saw of the other.

mod client;
mod python;
mod s_client;
mod s_server;
mod seen;
mod server;
mod version;

pub use client::ClientTls;
pub use python::{PythonTlsOrigin, PythonTlsVisit, python_tls};
pub use s_client::s_client;
pub use s_server::SServer;
pub use seen::TlsSeen;
pub use server::ServerTls;
pub use version::TlsVersion;

use std::process::Command;

use crate::tool::{self, Ran};

/// Runs the program `openssl` with these arguments and without input.
///
/// # Panics
/// When it is missing, or runs longer than [`LIMIT`](crate::LIMIT).
pub fn openssl(arguments: &[&str]) -> Ran {
    tool::run(Command::new("openssl").args(arguments))
}
