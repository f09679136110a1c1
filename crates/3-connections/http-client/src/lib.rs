#![doc = include_str!("../README.md")]

mod connection;
mod fault;
mod stream;

pub use connection::{Connection, Surprise};
