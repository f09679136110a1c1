#![doc = include_str!("../README.md")]

mod body;
mod head;

pub use body::chunked_body;
pub use head::{request_head, response_head};
