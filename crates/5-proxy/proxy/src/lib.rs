#![doc = include_str!("../README.md")]

mod answer;
mod app;
mod builder;
mod chain;
mod connect;
mod connection;
mod connector;
mod core;
mod current;
mod exchange;
pub mod filters;
mod heads;
mod hex;
mod ip_text;
mod leg;
pub mod log;
mod pages;
mod proxy;
mod pump;
mod replay;
pub mod route;
mod state;
mod stats;

pub use builder::{Builder, NoUpstream};
pub use chain::{Both, Chain, Entered, Then, Unobserved};
pub use connect::Tunnels;
pub use log::{AccessLog, ErrorLog, Format, Level, LineSink};
pub use pages::ByAccept;
pub use proxy::Proxy;
pub use route::{Route, Router, Routes};
pub use stats::Stats;
