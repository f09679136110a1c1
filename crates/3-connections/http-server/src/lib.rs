#![doc = include_str!("../README.md")]

mod connection;
mod reject;
mod settings;

pub use connection::Connection;
pub use settings::Settings;
