#![doc = include_str!("../README.md")]

mod body;
mod config;
mod head;
mod proxy;

pub use body::chunked_body;
pub use config::config;
pub use head::{request_head, response_head};
pub use proxy::proxy_header;
