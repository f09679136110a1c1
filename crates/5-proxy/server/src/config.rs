//! What a server allows and how long it waits.

use std::time::Duration;

/// How a [`Server`](crate::Server) runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The workers.
    pub runtime: gorge_runtime::Config,
    /// Connections open at a time, on all listeners together; default 10,000. Once they are reached,
    /// accepting pauses until one closes: the others wait in the kernel's queue.
    pub max_connections: usize,
    /// How long connections may take to come to an end after a stop was asked for; default 30 s.
    /// What is open then is cut off.
    pub grace: Duration,
    /// How long accepting pauses when descriptors run out; default 1 s.
    pub accept_pause: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            runtime: gorge_runtime::Config::default(),
            max_connections: 10_000,
            grace: Duration::from_secs(30),
            accept_pause: Duration::from_secs(1),
        }
    }
}
