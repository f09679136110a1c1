//! What a first proxy needs, in one line: `use gorge::prelude::*;`.
//!
//! The way from an address to a running proxy, the traits to write filters and upstreams with, and
//! the types that their methods take and return. Everything else is found in the crate it belongs
//! to: settings of connections in [`http_server`](crate::http_server), of sockets in
//! [`protocols`](crate::protocols), body transforms in [`filter`](crate::filter).

pub use gorge_error::{Error, Kind, OrErr, Result};
pub use gorge_filter::{ErrorPages, Event, Exchange, Filter, Flow, Hooks, Observer, Outcome, Response, Role};
pub use gorge_http::{Headers, Known, Method, RequestHead, ResponseHead, Status, Uri};
pub use gorge_load_balancer::LoadBalancer;
pub use gorge_protocols::Address;
pub use gorge_proxy::filters::ForwardedHeaders;
pub use gorge_proxy::{AccessLog, ErrorLog, Format, Level, Proxy};
pub use gorge_server::{LogWriter, Server};
pub use gorge_upstream::{Peer, RetryPolicy, Upstream, from_fn};
