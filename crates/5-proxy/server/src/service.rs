//! What runs in a server: services, each with a name and those it waits for.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use gorge_error::Result;
use gorge_protocols::{Handler, VirtualListener};
use gorge_runtime::Shutdown;
use gorge_timeout::sleep;

use crate::Admin;
use crate::board::Post;
use crate::either::{Which, either};
use crate::listen::Listen;

/// One part of what a server does, under a name of its own.
///
/// - [`Service::new`] listens: a proxy, or any other [`Handler`].
/// - [`Service::background`], [`Service::every`] and [`Service::once`] work without a socket.
/// - [`Service::admin`] answers `/healthz` and `/readyz`.
///
/// A service starts when all those it comes [`after`](Service::after) are ready. One that panics or
/// returns an error is started again after a pause ([`Config::restart_pause`](crate::Config)); how
/// often, [`Running::service`](crate::Running::service) says.
pub struct Service {
    pub(crate) name: Arc<str>,
    pub(crate) after: Vec<String>,
    pub(crate) workers: Option<usize>,
    pub(crate) listens: Vec<Listen>,
    pub(crate) in_memory: Vec<(VirtualListener, Arc<dyn Handler>)>,
    pub(crate) work: Option<Work>,
    pub(crate) announces: bool,
    pub(crate) admin: Option<Admin>,
}

/// What a service without sockets does, to be started again when it dies.
pub(crate) type Work = Arc<dyn Fn(Context) -> Doing + Send + Sync>;
pub(crate) type Doing = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

impl Service {
    /// A service that listens; see [`listen`](Service::listen). It is ready when it accepts on all its
    /// addresses.
    ///
    /// The addresses are bound when it is added to the server, so connections queue in the kernel
    /// while it waits for others.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Service {
            name: name.into(),
            after: Vec::new(),
            workers: None,
            listens: Vec::new(),
            in_memory: Vec::new(),
            work: None,
            announces: false,
            admin: None,
        }
    }

    /// A service that works until its [`Context`] tells it to end, on one of the workers.
    ///
    /// It is ready at once, or with [`announces_ready`](Service::announces_ready) when it says so. If
    /// it returns `Ok`, its work is done and it is not started again. It must not block the worker:
    /// what blocks goes to a thread of its own.
    pub fn background<F>(
        name: impl Into<Arc<str>>,
        work: impl Fn(Context) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let work: Work = Arc::new(move |context| Box::pin(work(context)));
        Service { work: Some(work), ..Service::new(name) }
    }

    /// A service that does something again and again: at once, and then each time `period` after the
    /// end of the last, and up to `jitter` later, so that many machines do not do it at the same
    /// moment.
    ///
    /// It is ready when it was done well for the first time.
    pub fn every<F>(
        name: impl Into<Arc<str>>,
        period: Duration,
        jitter: Duration,
        work: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let work = Arc::new(work);
        let repeat = move |context: Context| {
            let work = work.clone();
            async move {
                let mut shutdown = context.shutdown();
                while !shutdown.requested() {
                    work().await?;
                    context.ready();
                    let pause = sleep(period.saturating_add(random_part(jitter)));
                    either(pause, shutdown.wait()).await;
                }
                Ok(())
            }
        };
        Service::background(name, repeat).announces_ready()
    }

    /// A service that does something once, and is ready when it is done. If it fails, it is tried
    /// again, and those that come after it wait.
    pub fn once<F>(name: impl Into<Arc<str>>, work: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        Service::background(name, move |_| work()).announces_ready()
    }

    /// The admin service: it goes on answering while the server drains, and its connections count
    /// neither for `max_connections` nor for the grace. Give it addresses with
    /// [`listen`](Service::listen), and a clone of `admin` as their handler.
    pub fn admin(name: impl Into<Arc<str>>, admin: Admin) -> Self {
        Service { admin: Some(admin), ..Service::new(name) }
    }

    /// One more address to listen on.
    #[must_use]
    pub fn listen(mut self, listen: Listen) -> Self {
        self.listens.push(listen);
        self
    }

    /// Serves connections made in memory, as if they came from a socket.
    #[must_use]
    pub fn listen_in_memory(mut self, listener: VirtualListener, handler: impl Handler) -> Self {
        self.in_memory.push((listener, Arc::new(handler)));
        self
    }

    /// Starts this one only when the service of that name is ready.
    #[must_use]
    pub fn after(mut self, name: impl Into<String>) -> Self {
        self.after.push(name.into());
        self
    }

    /// Serves with the first `workers` workers instead of all of them; at least one. Without meaning
    /// with work stealing.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers.max(1));
        self
    }

    /// A background service is ready when it calls [`Context::ready`] or has ended well, instead of at
    /// once.
    #[must_use]
    pub fn announces_ready(mut self) -> Self {
        self.announces = true;
        self
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.name)
            .field("after", &self.after)
            .field("listens", &self.listens)
            .finish_non_exhaustive()
    }
}

/// What a background service has of the server.
#[derive(Clone)]
pub struct Context {
    pub(crate) post: Arc<Post>,
}

impl Context {
    /// The service is ready: those that come after it may start.
    pub fn ready(&self) {
        self.post.ready();
    }

    /// Tells when it is time to end. That is after the last connection has ended, or the grace is
    /// over; services end before those they came after.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.post.trigger.watch(0)
    }

    /// Waits `pause`, or until it is time to end. Returns whether to go on.
    pub async fn pause(&self, pause: Duration) -> bool {
        let mut shutdown = self.shutdown();
        let pause = sleep(pause);
        matches!(either(shutdown.wait(), pause).await, Which::Second)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("service", &self.post.name).finish()
    }
}

/// Somewhere between nothing and `most`. The keys of a hash map are random enough for that.
fn random_part(most: Duration) -> Duration {
    let random = RandomState::new().hash_one(0) >> 32;
    most.mul_f64(random as f64 / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_spreads_within_its_bound() {
        let most = Duration::from_secs(8);
        let parts: Vec<_> = (0..100).map(|_| random_part(most)).collect();
        assert!(parts.iter().all(|part| *part <= most));
        assert!(parts.iter().any(|part| *part < most / 2) && parts.iter().any(|part| *part > most / 2));
        assert_eq!(random_part(Duration::ZERO), Duration::ZERO);
    }
}
