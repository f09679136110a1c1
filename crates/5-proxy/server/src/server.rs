//! Listeners, and what they are served with.

use std::io;
use std::sync::Arc;

use gorge_error::{Error, Kind, OrErr, Result};
use gorge_protocols::{
    Address, BoundListener, Connections, Handler, ListenOptions, Listener, VirtualListener, WorkerListener,
};
use gorge_runtime::{PerWorker, Runtime, shutdown};
use parking_lot::Mutex;

use crate::Config;
use crate::accept::{self, Seats, Shared};
use crate::running::{Running, Stopped};
use crate::signals::Signals;

/// A service on its way: bind its addresses, then [`start`](Server::start) or [`run`](Server::run) it
/// with a handler.
#[derive(Debug)]
pub struct Server {
    config: Config,
    bound: Vec<BoundListener>,
    in_memory: Vec<VirtualListener>,
}

impl Server {
    /// A server without an address yet.
    pub fn new(config: Config) -> Self {
        Server { config, bound: Vec::new(), in_memory: Vec::new() }
    }

    /// Binds `address`, and returns it with the port the kernel chose if 0 was asked for. Connections
    /// queue from now on. Any number of addresses can be bound.
    ///
    /// # Errors
    /// [`Kind::BindFailed`]; see [`Listener::bind`], which also says when this call waits.
    pub fn listen(&mut self, address: &Address, options: &ListenOptions) -> Result<Address> {
        let bound = Listener::bind(address, options)?;
        let address = bound.address().clone();
        self.bound.push(bound);
        Ok(address)
    }

    /// Serves connections made in memory, as if they came from a socket.
    pub fn listen_in_memory(&mut self, listener: VirtualListener) {
        self.in_memory.push(listener);
    }

    /// Starts the workers and accepts on each.
    ///
    /// # Errors
    /// [`Kind::Configuration`] for zero workers or connections, [`Kind::Internal`] when they cannot be started,
    /// [`Kind::BindFailed`] when an address cannot have a socket per worker.
    pub fn start<H: Handler>(self, handler: H) -> Result<Running> {
        let Server { config, bound, in_memory } = self;
        if config.max_connections == 0 {
            return Err(Error::explain(Kind::Configuration, "a server must allow at least one connection"));
        }
        let stealing = config.runtime.work_stealing;
        let runtime = Runtime::new(config.runtime)?;
        let workers = runtime.handle().workers();
        let seated = if stealing { 1 } else { workers };
        let shared = Arc::new(Shared {
            handler,
            runtime: runtime.handle().clone(),
            connections: Connections::new(workers, config.max_connections),
            counters: PerWorker::new(workers, |_| Default::default()),
            pause: config.accept_pause,
            deals: !stealing && workers > 1,
        });
        let sockets = bound.into_iter().map(|bound| bound.for_workers(seated));
        let in_memory = in_memory.into_iter().map(|listener| Ok(vec![WorkerListener::from(listener)]));
        let sockets = sockets.chain(in_memory).collect::<Result<Vec<_>>>()?;
        for (index, sockets) in sockets.into_iter().enumerate() {
            let seats = Arc::new(seat(sockets, seated, index));
            let shared = shared.clone();
            runtime.handle().on_each_worker(move |_| {
                let (shared, seats) = (shared.clone(), seats.clone());
                async move { accept::run(shared, seats, shutdown()).await }
            });
        }
        Ok(Running::new(runtime, config.grace, shared))
    }

    /// Starts, and serves until a signal asks to stop: TERM or INT stop gracefully, a second one at
    /// once. `ready` is called when connections are accepted. Blocks the calling thread.
    ///
    /// # Errors
    /// As for [`start`](Server::start).
    pub fn run<H: Handler>(self, handler: H, ready: impl FnOnce(&Running)) -> Result<Stopped> {
        let waiter = waiter().or_err(Kind::Internal, "wait for signals")?;
        // Caught before the start, so that none is lost in between.
        let signals = {
            let _entered = waiter.enter();
            Signals::catch().or_err(Kind::Internal, "catch signals")?
        };
        let running = self.start(handler)?;
        ready(&running);
        Ok(running.serve_until_stopped(&waiter, Some(signals)))
    }
}

/// Gives each worker its socket; a single one goes to the `index`-th, so that several addresses with
/// one socket each are spread.
fn seat(sockets: Vec<WorkerListener>, workers: usize, index: usize) -> Seats {
    let first = if sockets.len() == 1 { index % workers } else { 0 };
    let mut sockets = sockets.into_iter();
    Seats::new(workers, |worker| Mutex::new(if worker >= first { sockets.next() } else { None }))
}

/// A small runtime for the thread that waits for the end.
pub(crate) fn waiter() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
