#![doc = include_str!("../README.md")]

mod accept;
mod admin;
mod admit;
mod board;
mod change;
mod config;
pub mod control;
mod core;
mod either;
mod graph;
#[cfg(feature = "openssl")]
mod handshake;
mod hooks;
mod keeper;
mod listen;
mod log_writer;
mod open_files;
mod phase;
mod pid_file;
mod port;
mod refusal;
mod reload;
mod running;
mod server;
mod service;
mod signals;
mod stats;
mod status;
mod supervise;

pub use admin::Admin;
pub use board::{ServiceStatus, State};
pub use change::Changes;
pub use config::Config;
pub use hooks::Failure;
pub use listen::Listen;
pub use log_writer::{LogWriter, Rotation};
pub use open_files::raise_open_files;
pub use phase::Phase;
pub use pid_file::PidFile;
pub use refusal::{Cause, HandshakeFailed, Refusal};
pub use running::{Running, Stopped};
pub use server::Server;
pub use service::{Context, Service};
pub use stats::Stats;
