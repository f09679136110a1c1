#![doc = include_str!("../README.md")]

mod client;
mod collect;
mod connection;
mod fault;
mod stream;

pub use client::{Client, ClientOptions};
pub use collect::Collected;
pub use connection::{Connection, Surprise};
