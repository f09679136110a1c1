#![doc = include_str!("../README.md")]

mod arena;
pub mod blocks;
mod buffer_pool;
pub mod buffers;
mod recycled;
mod shared;

pub use arena::{ArenaFull, ArenaStats, RequestArena};
pub use buffer_pool::{BufferPool, Config};
pub use recycled::{Recycled, RecycledFuture};
