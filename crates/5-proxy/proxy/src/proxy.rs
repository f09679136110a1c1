//! The proxy, its types forgotten.

use std::sync::Arc;

use gorge_allocators::Recycled;
use gorge_protocols::{Accepted, Handler};
use gorge_runtime::{PerWorker, spawn};

use crate::Builder;
use crate::app::App;
use crate::connection;
use crate::connector::Connector;
use crate::core::Core;
use crate::stats::{Counters, Stats};

/// A reverse proxy for HTTP/1.1: filters, upstream, pool and pump, ready to be handed connections.
///
/// A server hands it accepted connections through [`Handler`]. Clones are the same proxy.
#[derive(Clone)]
pub struct Proxy {
    serve: Arc<dyn Serve>,
    connector: Arc<Connector>,
    counters: Arc<PerWorker<Counters>>,
}

/// One virtual call per connection is all that the forgotten types cost.
trait Serve: Send + Sync {
    fn serve(self: Arc<Self>, accepted: Accepted);
}

impl<A: App> Serve for Core<A> {
    fn serve(self: Arc<Self>, accepted: Accepted) {
        // From the worker's free list: a task that held this future itself would be too large for the
        // quick lists of the allocator, and connections come and go.
        spawn(Recycled::pin(connection::serve(self, accepted)));
    }
}

impl Proxy {
    /// Begins to put a proxy together.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new<A: App>(
        core: Arc<Core<A>>,
        connector: Arc<Connector>,
        counters: Arc<PerWorker<Counters>>,
    ) -> Self {
        Self { serve: core, connector, counters }
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::read(&self.counters)
    }

    /// What became of upstream connections.
    #[must_use]
    pub fn pool_stats(&self) -> gorge_pool::Stats {
        self.connector.stats()
    }

    /// Closes all idle upstream connections.
    pub fn close_idle(&self) {
        self.connector.drain();
    }
}

impl Handler for Proxy {
    fn serve(&self, connection: Accepted) {
        self.serve.clone().serve(connection);
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
