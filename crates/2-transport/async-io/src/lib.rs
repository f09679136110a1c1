#![doc = include_str!("../README.md")]

mod boxed;
mod ext;
mod poll;
mod stream;
mod tcp;
mod unix;

pub use ext::StreamExt;
pub use stream::Stream;
