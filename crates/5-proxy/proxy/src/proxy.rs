//! The proxy, its types forgotten.

use std::any::Any;
use std::sync::Arc;

use gorge_allocators::Recycled;
use gorge_error::{Error, Kind, Result};
use gorge_protocols::{Accepted, Handler};
use gorge_runtime::{PerWorker, spawn};

use crate::Builder;
use crate::app::App;
use crate::connection;
use crate::connector::Connector;
use crate::core::Core;
use crate::current::Current;
use crate::stats::{Counters, Stats};

/// A reverse proxy for HTTP/1.1: filters, upstream, pool and pump, ready to be handed connections.
///
/// A server hands it accepted connections through [`Handler`]. Clones are the same proxy.
#[derive(Clone)]
pub struct Proxy {
    serve: Arc<dyn Serve>,
}

/// One virtual call per connection is all that the forgotten types cost.
trait Serve: Any + Send + Sync {
    fn serve(self: Arc<Self>, accepted: Accepted);
    /// False: the other was put together from other types.
    fn replace(&self, next: &dyn Any) -> bool;
    fn as_any(&self) -> &dyn Any;
    fn shared(&self) -> Shared;
}

/// What several proxies may have in common.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) connector: Arc<Connector>,
    pub(crate) counters: Arc<PerWorker<Counters>>,
}

impl<A: App> Serve for Current<A> {
    fn serve(self: Arc<Self>, accepted: Accepted) {
        // From the worker's free list: a task that held this future itself would be too large for the
        // quick lists of the allocator, and connections come and go.
        spawn(Recycled::pin(connection::serve(self, accepted)));
    }

    fn replace(&self, next: &dyn Any) -> bool {
        let next = next.downcast_ref::<Self>();
        if let Some(next) = next {
            Current::replace(self, next.core());
        }
        next.is_some()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn shared(&self) -> Shared {
        let core = self.core();
        Shared { connector: core.connector.clone(), counters: core.counters.clone() }
    }
}

impl Proxy {
    /// Begins to put a proxy together.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new<A: App>(core: Core<A>, workers: usize) -> Self {
        Self { serve: Arc::new(Current::new(core, workers)) }
    }

    /// From now on this proxy, and all its clones, serve as `next` does: new connections at once,
    /// open ones from their next exchange on. Exchanges and tunnels that run end with what they began
    /// with, and nothing is kept of it once they have.
    ///
    /// Build `next` with [`Builder::share`], or idle upstream connections and counts are not carried
    /// over.
    ///
    /// # Errors
    /// `next` was put together from other types of filters, upstream or observers.
    pub fn replace(&self, next: &Proxy) -> Result<()> {
        if self.serve.replace(next.serve.as_any()) {
            return Ok(());
        }
        let context = "a proxy can only be replaced by one that is put together from the same types";
        Err(Error::explain(Kind::Configuration, context).into_internal())
    }

    pub(crate) fn shared(&self) -> Shared {
        self.serve.shared()
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::read(&self.shared().counters)
    }

    /// What became of upstream connections.
    #[must_use]
    pub fn pool_stats(&self) -> gorge_pool::Stats {
        self.shared().connector.stats()
    }

    /// Closes all idle upstream connections.
    pub fn close_idle(&self) {
        self.shared().connector.drain();
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
