#![doc = include_str!("../README.md")]

mod answer;
mod app;
mod builder;
mod chain;
mod connection;
mod connector;
mod core;
mod exchange;
mod heads;
mod leg;
mod proxy;
mod pump;
mod replay;
mod state;
mod stats;

pub use builder::{Builder, NoUpstream};
pub use chain::{Both, Chain, Entered, Then, Unobserved};
pub use proxy::Proxy;
pub use stats::Stats;
