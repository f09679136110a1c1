//! What all threads of a server share.

use std::sync::Arc;
use std::time::Duration;

use gorge_protocols::Connections;
use gorge_runtime::{Handle, PerWorker, Trigger};
use parking_lot::Mutex;

use crate::board::Board;
use crate::hooks::Hooks;
use crate::port::Ports;
use crate::reload::Reloader;
use crate::stats::Counters;
use crate::{Config, Phase};

/// Connections of the admin service at a time.
const ADMIN_CONNECTIONS: usize = 100;

/// A server that runs, seen from all sides. The hot path reads from it, and writes only to what
/// belongs to one worker.
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) runtime: Handle,
    pub(crate) connections: Connections,
    /// Those of the admin service, which must stay reachable when all other places are taken.
    pub(crate) admin_connections: Connections,
    pub(crate) counters: PerWorker<Counters>,
    pub(crate) board: Board,
    /// The services, each after those it waits for.
    pub(crate) order: Vec<usize>,
    pub(crate) ports: Mutex<Ports>,
    /// Held while listeners are changed.
    pub(crate) changing: Mutex<()>,
    pub(crate) times: Mutex<Times>,
    pub(crate) hooks: Hooks,
    pub(crate) reloader: Reloader,
    /// Somebody wants the server to stop.
    pub(crate) wish: Trigger,
    /// Somebody wants it to stop at once.
    pub(crate) hurry: Trigger,
}

/// What can be changed while the server runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) grace: Duration,
    pub(crate) drain_delay: Duration,
}

impl Core {
    pub(crate) fn new(
        config: Config,
        runtime: Handle,
        board: Board,
        order: Vec<usize>,
        ports: Ports,
        hooks: Hooks,
    ) -> Self {
        let workers = runtime.workers();
        Core {
            connections: Connections::new(workers, config.max_connections),
            admin_connections: Connections::new(workers, ADMIN_CONNECTIONS),
            counters: PerWorker::new(workers, |_| Counters::default()),
            times: Mutex::new(Times { grace: config.grace, drain_delay: config.drain_delay }),
            ports: Mutex::new(ports),
            changing: Mutex::default(),
            reloader: Reloader::default(),
            wish: Trigger::new(1),
            hurry: Trigger::new(1),
            config,
            runtime,
            board,
            order,
            hooks,
        }
    }

    /// Goes on to `phase` and tells of it, unless it was reached before.
    pub(crate) fn enter(&self, phase: Phase) -> bool {
        let entered = self.board.advance(phase);
        if entered {
            self.hooks.phase(phase);
        }
        entered
    }

    /// No new connections, and those that are open come to their end; the admin service stays.
    pub(crate) fn close_ports(self: &Arc<Self>) {
        let closed = self.ports.lock().close();
        closed.iter().for_each(|port| port.close());
    }
}
