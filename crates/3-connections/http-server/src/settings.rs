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
    /// Without a byte of a request body, or of a response that a handler streams. Default 60 s. Only
    /// [`serve`](crate::serve) looks at this and the next; a proxy has limits for each exchange.
    pub idle_body: Duration,
    /// Without progress in sending a response. Default 60 s.
    pub write: Duration,
    /// Interim answers (1xx) are passed on. Default true; they never go to an HTTP/1.0 client.
    pub interim: bool,
    /// How much of a request body that nobody read is discarded to keep the connection. Default
    /// 64 KiB.
    pub drain: u64,
    /// For how long it is discarded, and how long a close waits for the client to have read the
    /// answer. Default 1 s.
    pub drain_timeout: Duration,
    /// An answer that comes before the request body was read to its end closes the connection at
    /// once, and nothing is discarded. Default false.
    pub close_on_early_answer: bool,
    /// A client that closes before it is answered is gone, and the exchange ends. Default true.
    /// False serves clients that end their side once the request is sent.
    pub abort_when_gone: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(60),
            requests: 1000,
            idle_body: Duration::from_secs(60),
            write: Duration::from_secs(60),
            interim: true,
            drain: 64 * 1024,
            drain_timeout: Duration::from_secs(1),
            close_on_early_answer: false,
            abort_when_gone: true,
        }
    }
}
