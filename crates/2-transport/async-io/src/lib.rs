#![doc = include_str!("../README.md")]

mod accepted;
mod boxed;
mod copy;
mod ext;
#[cfg(target_os = "linux")]
mod info;
mod poll;
mod read_buffer;
mod sockets;
mod stream;
mod write_queue;

pub use accepted::AcceptedTcp;
pub use copy::{CopyBoth, copy_both};
pub use ext::StreamExt;
pub use read_buffer::{ReadBuffer, Room};
pub use stream::Stream;
pub use write_queue::WriteQueue;
