//! What a connection allows its client.

use std::time::Duration;

use gorge_http_parser::Limits;

/// Limits and times of a server connection, shared by all connections of a listener.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Sizes of heads, targets and chunk framing.
    pub limits: Limits,
    /// From the first byte of a head to its last. Default 10 s.
    pub head_timeout: Duration,
    /// Without a request, before the connection is closed. Default 60 s.
    pub keep_alive: Duration,
    /// Requests per connection, the last of which is answered with `Connection: close`.
    /// Default 1000; 0 for no limit.
    pub requests: u32,
    /// Interim answers (1xx) are passed on. Default true; they never go to an HTTP/1.0 client.
    pub interim: bool,
    /// How much of a request body that nobody read is discarded to keep the connection. Default
    /// 64 KiB.
    pub drain: u64,
    /// For how long it is discarded, and how long a close waits for the client to have read the
    /// answer. Default 1 s.
    pub drain_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(60),
            requests: 1000,
            interim: true,
            drain: 64 * 1024,
            drain_timeout: Duration::from_secs(1),
        }
    }
}
