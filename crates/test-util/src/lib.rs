#![doc = include_str!("../README.md")]

mod allocations;
mod certificates;
mod client;
mod curl;
mod gate;
mod guard;
mod message;
mod name_server;
mod nginx;
mod origin;
mod port;
mod program;
mod python;
mod text_log;
mod tls;
mod tool;
mod wire;

pub use allocations::AllocationCounter;
pub use certificates::{Authority, Leaf, LeafBuilder, OcspStatus};
pub use client::RawClient;
pub use curl::{curl, curl_tls};
pub use gate::{Gate, Signal};
pub use guard::{LIMIT, timeout_guard};
pub use message::{Fields, Request, Response};
pub use name_server::{NameKind, NameQuery, NameReply, NameServer};
pub use nginx::Nginx;
pub use origin::{Connection, Origin};
pub use port::{DeafPort, RefusedPort};
pub use program::Program;
pub use python::{PythonOrigin, python};
pub use text_log::TextLog;
pub use tls::{
    ClientTls, PythonTlsOrigin, PythonTlsVisit, SServer, ServerTls, TlsSeen, TlsVersion, openssl, python_tls,
    s_client,
};
pub use tool::{Ran, TempFolder};
