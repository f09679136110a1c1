#![doc = include_str!("../README.md")]

pub mod prelude;

/// The pages with code in them, so that it is compiled and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/quick_start.md")]
    mod quick_start {}
    #[doc = include_str!("../../../docs/user_guide/logs.md")]
    mod logs {}
}

pub use gorge_allocators as allocators;
pub use gorge_async_io as async_io;
pub use gorge_digest as digest;
pub use gorge_error as error;
pub use gorge_filter as filter;
pub use gorge_http as http;
pub use gorge_http_client as http_client;
pub use gorge_http_parser as http_parser;
pub use gorge_http_server as http_server;
pub use gorge_linked_list as linked_list;
pub use gorge_load_balancer as load_balancer;
pub use gorge_pool as pool;
pub use gorge_protocols as protocols;
pub use gorge_proxy as proxy;
pub use gorge_runtime as runtime;
pub use gorge_server as server;
pub use gorge_timeout as timeout;
#[cfg(feature = "openssl")]
pub use gorge_tls as tls;
pub use gorge_upstream as upstream;
