//! A server that runs, and how it stops.

use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use gorge_protocols::{Connections, Handler};
use gorge_runtime::{Handle, Runtime, Trigger};

use crate::Stats;
use crate::accept::Shared;
use crate::server::waiter;
use crate::signals::Signals;

/// A server whose workers accept connections. Dropping it cuts everything off; see
/// [`stop`](Running::stop) and [`wait`](Running::wait).
pub struct Running {
    runtime: Runtime,
    grace: Duration,
    connections: Connections,
    stats: Box<dyn Fn() -> Stats + Send + Sync>,
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were open when the grace was over, and were cut off.
    pub cut: usize,
    /// Workers that had to be left behind because a task of theirs did not yield.
    pub stuck: usize,
    /// Whether a second signal cut the grace short.
    pub hurried: bool,
}

impl Running {
    pub(crate) fn new<H: Handler>(runtime: Runtime, grace: Duration, shared: Arc<Shared<H>>) -> Self {
        let connections = shared.connections.clone();
        let stats = Box::new(move || Stats::sum(&shared.counters));
        Running { runtime, grace, connections, stats }
    }

    /// The workers, to spawn more on them.
    pub fn workers(&self) -> &Handle {
        self.runtime.handle()
    }

    /// Counts of the accept loops.
    pub fn stats(&self) -> Stats {
        (self.stats)()
    }

    /// The count of open connections.
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Makes [`wait`](Running::wait) stop the server, from any thread.
    pub fn stopper(&self) -> Trigger {
        self.runtime.handle().trigger().clone()
    }

    /// Stops gracefully: each listening socket is accepted empty and closed, connections are told to
    /// come to an end, and what is still open after [`Config::grace`](crate::Config::grace) is cut
    /// off. Blocks the calling thread.
    pub fn stop(self) -> Stopped {
        self.runtime.handle().trigger().request();
        self.wait()
    }

    /// Serves until somebody asks the [`stopper`](Running::stopper) to stop, then stops gracefully.
    /// Blocks the calling thread.
    pub fn wait(self) -> Stopped {
        match waiter() {
            Ok(waiter) => self.serve_until_stopped(&waiter, None),
            // Without so much as a reactor for this thread, there is no grace to be waited for.
            Err(_) => self.end(false),
        }
    }

    pub(crate) fn serve_until_stopped(
        self,
        waiter: &tokio::runtime::Runtime,
        signals: Option<Signals>,
    ) -> Stopped {
        let hurried = waiter.block_on(self.stopped(signals));
        self.end(hurried)
    }

    /// Waits for the wish to stop, then for the last task to end, but not longer than the grace.
    /// Returns whether a signal cut that short.
    async fn stopped(&self, mut signals: Option<Signals>) -> bool {
        let workers = self.workers();
        let mut shutdown = workers.trigger().watch(0);
        either(shutdown.wait(), signal(&mut signals)).await;
        workers.trigger().request();
        let drained = async {
            let _ = tokio::time::timeout(self.grace, workers.idle()).await;
        };
        matches!(either(drained, signal(&mut signals)).await, Which::Second)
    }

    fn end(self, hurried: bool) -> Stopped {
        let cut = self.connections.open();
        let ended = self.runtime.end();
        Stopped { cut, stuck: ended.stuck, hurried }
    }
}

async fn signal(signals: &mut Option<Signals>) {
    match signals {
        Some(signals) => signals.received().await,
        None => pending().await,
    }
}

enum Which {
    First,
    Second,
}

/// Waits for whichever comes first; if both are there, the first.
async fn either(first: impl Future<Output = ()>, second: impl Future<Output = ()>) -> Which {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|cx| match first.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(Which::First),
        Poll::Pending => second.as_mut().poll(cx).map(|()| Which::Second),
    })
    .await
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("runtime", &self.runtime).field("stats", &self.stats()).finish()
    }
}
