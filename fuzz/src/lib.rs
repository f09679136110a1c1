#![doc = include_str!("../README.md")]

mod body;
mod config;
mod head;
mod proxy;
mod tls;

pub use body::chunked_body;
pub use config::config;
pub use head::{request_head, response_head};
pub use proxy::proxy_header;
pub use tls::{certificate, is_good_response, ocsp_response};
