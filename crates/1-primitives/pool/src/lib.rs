#![doc = include_str!("../README.md")]

mod entry;
mod options;
mod pool;
mod shelf;
mod stats;
mod sync;

pub use entry::{Entry, Id, Put, Taken};
pub use options::Options;
pub use pool::Pool;
pub use stats::{Reason, Stats};
