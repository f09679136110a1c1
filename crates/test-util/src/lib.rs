#![doc = include_str!("../README.md")]

mod allocations;
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
mod tool;
mod wire;

pub use allocations::AllocationCounter;
pub use client::RawClient;
pub use curl::curl;
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
pub use tool::{Ran, TempFolder};
