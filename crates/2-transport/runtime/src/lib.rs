#![doc = include_str!("../README.md")]

mod config;
mod drain;
mod per_worker;
#[cfg(target_os = "linux")]
mod pin;
mod runtime;
mod shutdown;
mod task;
mod worker;

pub use config::Config;
pub use per_worker::PerWorker;
pub use runtime::{Drained, Handle, Runtime};
pub use shutdown::{Shutdown, Trigger};
pub use task::{Task, spawn, spawn_background, spawn_on};
pub use worker::{current, shutdown, worker_count, worker_id};
