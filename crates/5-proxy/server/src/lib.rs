#![doc = include_str!("../README.md")]

mod accept;
mod config;
mod log_writer;
mod open_files;
mod running;
mod server;
mod signals;
mod stats;

pub use config::Config;
pub use log_writer::LogWriter;
pub use open_files::raise_open_files;
pub use running::{Running, Stopped};
pub use server::Server;
pub use stats::Stats;
