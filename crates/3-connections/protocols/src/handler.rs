//! What a server hands a connection to, and the count of those that are open.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use gorge_digest::{PeerAddr, TlsDigest};
use gorge_runtime::{PerWorker, Shutdown};
use parking_lot::Mutex;

use crate::proxy_protocol::ReceivedHeader;
use crate::shed::{self, Stay, Stays};
use crate::{AddressPermit, Transport};

/// Serves accepted connections. A server calls it on the worker that accepted.
///
/// An implementation spawns the connection's own task (`gorge_runtime::spawn`) and returns at once;
/// it is the implementation that spawns, so that the task's future is its own type and needs no box.
pub trait Handler: Send + Sync + 'static {
    /// Takes over `connection`.
    ///
    /// It may come after the shutdown was requested: what was queued before the listening socket
    /// closed is still handed over, and its first request is to be answered, with a close.
    fn serve(&self, connection: Accepted);
}

impl<H: Handler> Handler for Arc<H> {
    fn serve(&self, connection: Accepted) {
        (**self).serve(connection);
    }
}

/// A connection just accepted, with what is known of it without asking the system.
#[derive(Debug)]
pub struct Accepted {
    /// The connection, registered with the reactor of this worker.
    pub transport: Transport,
    /// The other end, or who it speaks for ([`behind`](Accepted::behind)).
    pub peer: PeerAddr,
    /// This end; `None` behind a wildcard address, where only the socket itself knows.
    pub local: Option<PeerAddr>,
    /// What the PROXY header told that was at the start of the connection; `None` if none was asked for.
    pub proxy: Option<Arc<ReceivedHeader>>,
    /// What was agreed on with the client, if it speaks TLS; `None` in the clear.
    pub tls: Option<Arc<TlsDigest>>,
    /// Tells the connection to come to an end.
    pub shutdown: Shutdown,
    /// The connection's place among those allowed; keep it as long as the connection is open.
    pub permit: Permit,
}

impl Accepted {
    /// The connection as its PROXY header tells it: whoever the header names takes the place of
    /// [`peer`](Accepted::peer) and [`local`](Accepted::local). A header that names nobody (LOCAL,
    /// UNKNOWN) leaves them as they are.
    #[must_use]
    pub fn behind(mut self, header: ReceivedHeader) -> Self {
        if let Some(source) = &header.source {
            self.peer = source.clone();
        }
        if let Some(destination) = &header.destination {
            self.local = Some(destination.clone());
        }
        self.proxy = Some(Arc::new(header));
        self
    }
}

/// Counts open connections, and says when there are too many. Each worker counts its own, so that
/// accepting and closing share nothing between workers; the limit reads them all, and can therefore
/// be exceeded by one connection per worker that accepts at the same moment.
#[derive(Clone, Debug)]
pub struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    open: PerWorker<Arc<Counter>>,
    max: AtomicUsize,
}

/// One worker's count, in cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Counter {
    open: AtomicUsize,
    /// Set while an acceptor waits for room; the next connection to end wakes it.
    full: Arc<Full>,
    stays: Stays,
}

#[derive(Debug, Default)]
struct Full {
    waiting: AtomicBool,
    wakers: Mutex<Vec<std::task::Waker>>,
}

impl Connections {
    /// For `workers` workers and at most `max` connections on all of them together.
    pub fn new(workers: usize, max: usize) -> Self {
        let full = Arc::new(Full::default());
        let counter =
            |_| Arc::new(Counter { open: AtomicUsize::new(0), full: full.clone(), stays: Stays::default() });
        Connections(Arc::new(Shared { open: PerWorker::new(workers, counter), max: AtomicUsize::new(max) }))
    }

    /// How many may be open.
    pub fn max(&self) -> usize {
        self.0.max.load(Ordering::SeqCst)
    }

    /// Changes how many may be open. Those over a lower limit stay; a higher one wakes who waits for
    /// room.
    pub fn set_max(&self, max: usize) {
        self.0.max.store(max, Ordering::SeqCst);
        self.0.open.local().full.wake();
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.0.open.iter().map(|counter| counter.open.load(Ordering::SeqCst)).sum()
    }

    /// Counts a connection on this worker, whether or not the limit is reached: ask
    /// [`poll_room`](Connections::poll_room) before accepting.
    pub fn permit(&self) -> Permit {
        let counter = self.0.open.local().clone();
        counter.open.fetch_add(1, Ordering::SeqCst);
        let (stay, place) = counter.stays.begin();
        Permit { counter, stay, place, _address: None }
    }

    /// Asks the connection that waits for a request for longest to close, so that another can have its
    /// place; that is known within some dozen places, not exactly. False if none waits, or none says so
    /// ([`Permit::wait`]).
    pub fn shed_oldest(&self) -> bool {
        shed::oldest(self.0.open.iter().map(|counter| &counter.stays))
    }

    /// Ready while fewer than the maximum are open.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.open() < self.max() {
            return Poll::Ready(());
        }
        let full = &self.0.open.local().full;
        {
            let mut wakers = full.wakers.lock();
            if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                wakers.push(cx.waker().clone());
            }
            full.waiting.store(true, Ordering::SeqCst);
        }
        // One may have ended just before the flag could be seen.
        if self.open() < self.max() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// [`poll_room`](Connections::poll_room) to `.await`.
    pub fn room(&self) -> impl Future<Output = ()> + Send {
        poll_fn(|cx| self.poll_room(cx))
    }
}

/// One counted connection; dropping it makes room for another.
#[derive(Debug)]
pub struct Permit {
    counter: Arc<Counter>,
    stay: Arc<Stay>,
    place: u32,
    /// Ends its own count when it is dropped.
    _address: Option<AddressPermit>,
}

impl Permit {
    /// The connection waits for a request from now on, and may be [asked to
    /// close](Permit::poll_let_go). Until this is said for the first time it may not.
    pub fn wait(&self) {
        self.stay.wait();
        // Whoever found nobody who could go may try again.
        self.counter.full.wake();
    }

    /// The connection has something to do from now on.
    pub fn work(&self) {
        self.stay.work();
    }

    /// Ready once the connection is asked to close, because others need its place.
    pub fn poll_let_go(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.stay.poll_let_go(cx)
    }

    /// Keeps the connection's place at its address too, as [`AcceptPolicy`](crate::AcceptPolicy) gave
    /// it.
    #[must_use]
    pub fn with_address(mut self, address: Option<AddressPermit>) -> Self {
        self._address = address;
        self
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.counter.stays.end(self.place);
        self.counter.open.fetch_sub(1, Ordering::SeqCst);
        self.counter.full.wake();
    }
}

impl Full {
    /// Wakes all who wait for room.
    fn wake(&self) {
        if self.waiting.load(Ordering::SeqCst) {
            let mut wakers = self.wakers.lock();
            self.waiting.store(false, Ordering::SeqCst);
            wakers.drain(..).for_each(std::task::Waker::wake);
        }
    }
}
