#![doc = include_str!("../README.md")]

mod connection;
mod finish;
mod handler;
mod reject;
mod serve;
mod settings;
mod stream;

pub use connection::Connection;
pub use handler::{IntoResponse, RequestBody};
pub use serve::serve;
pub use settings::Settings;
