//! What a server allows and how long it waits.

use std::time::Duration;

/// How a [`Server`](crate::Server) runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The workers.
    pub runtime: gorge_runtime::Config,
    /// Connections open at a time, on all listeners together (those of the admin service apart);
    /// default 10,000. Once they are reached, those that wait for a request are closed for new ones, the
    /// oldest first; if none does, accepting pauses until one closes: the others wait in the kernel's
    /// queue.
    pub max_connections: usize,
    /// How long connections may take to come to an end after a stop was asked for; default 30 s.
    /// What is open then is cut off.
    pub grace: Duration,
    /// How long a server that is to stop goes on accepting, while `/readyz` says already that it will;
    /// default 0. Behind a balancer that asks now and then, as in Kubernetes, 5 s.
    pub drain_delay: Duration,
    /// How long accepting pauses when descriptors run out; default 1 s.
    pub accept_pause: Duration,
    /// How long a TCP socket that is to be closed waits for handshakes that have begun, and would be
    /// reset with it; default 200 ms. Longer ones lose their connection.
    pub handshake_end: Duration,
    /// How long a service that died stays down before it is started again; default 1 s. Each further
    /// death doubles the pause, up to [`restart_pause_most`](Config::restart_pause_most); a service
    /// that lived longer than that begins anew with this one.
    pub restart_pause: Duration,
    /// The longest such pause; default 30 s.
    pub restart_pause_most: Duration,
    /// How long background services may take to end when the server stops; default 5 s.
    pub service_end: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            runtime: gorge_runtime::Config::default(),
            max_connections: 10_000,
            grace: Duration::from_secs(30),
            drain_delay: Duration::ZERO,
            accept_pause: Duration::from_secs(1),
            handshake_end: Duration::from_millis(200),
            restart_pause: Duration::from_secs(1),
            restart_pause_most: Duration::from_secs(30),
            service_end: Duration::from_secs(5),
        }
    }
}
