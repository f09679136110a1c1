//! The accept loop of one listening socket on one worker.

use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use gorge_protocols::{Accepted, Acceptor, Connections, Handler, Transport, WorkerListener, is_exhausted};
use gorge_runtime::{Handle, PerWorker, Shutdown, worker_id};
use gorge_timeout::sleep;
use parking_lot::Mutex;

use crate::stats::{Counters, count};

/// Connections accepted before others get their turn. The reactor is asked again with each turn, so a
/// flood of new connections cannot starve those that are open.
const BATCH: u32 = 16;

/// Connections taken from the queue of a socket that is to be closed: the longest queue a listener
/// can ask for. It bounds the stop where a system cannot keep further ones out of the queue.
const LAST_BATCH: u32 = 65_535;

/// What all accept loops of a server share. Nothing in it is written by more than one worker.
pub(crate) struct Shared<H> {
    pub(crate) handler: H,
    pub(crate) runtime: Handle,
    pub(crate) connections: Connections,
    pub(crate) counters: PerWorker<Counters>,
    pub(crate) pause: Duration,
    pub(crate) deals: bool,
}

/// The sockets of one address, by worker; empty where a worker has none. They stay here while they
/// are served, for a worker that has to begin anew.
pub(crate) type Seats = PerWorker<Mutex<Option<WorkerListener>>>;

/// Accepts on this worker until shutdown is requested and the queue is empty, then closes the socket.
pub(crate) async fn run<H: Handler>(shared: Arc<Shared<H>>, seats: Arc<Seats>, shutdown: Shutdown) {
    let worker = worker_id_of(&seats);
    let Some(acceptor) = start(&shared, seats.get(worker), &shutdown).await else { return };
    let dealt = shared.deals && acceptor.is_shared();
    let mut accepting = Loop { shared: &shared, acceptor, shutdown, next: dealt.then_some(worker) };
    accepting.until_shutdown().await;
    accepting.empty_queue().await;
    // Both holds at once, before another connection can be queued.
    let seat = seats.get(worker).lock().take();
    drop((accepting.acceptor, seat));
}

/// With work stealing a task may run on any thread, and the only socket has the first seat.
fn worker_id_of(seats: &Seats) -> usize {
    if seats.iter().len() == 1 { 0 } else { worker_id() }
}

/// Registers the socket here; without descriptors left it tries again after a pause.
async fn start<H>(
    shared: &Shared<H>,
    seat: &Mutex<Option<WorkerListener>>,
    shutdown: &Shutdown,
) -> Option<Acceptor> {
    loop {
        let listener = seat.lock().as_ref().map(WorkerListener::try_clone)?;
        match listener.and_then(WorkerListener::start) {
            Ok(acceptor) => return Some(acceptor),
            Err(_) if shutdown.requested() => return None,
            Err(_) => {
                count(&shared.counters.local().exhausted);
                sleep(shared.pause).await;
            }
        }
    }
}

struct Loop<'a, H> {
    shared: &'a Arc<Shared<H>>,
    acceptor: Acceptor,
    shutdown: Shutdown,
    /// The worker that got the last connection, where one acceptor deals out to all.
    next: Option<usize>,
}

type Connection = (Transport, gorge_protocols::PeerAddr);

enum Next {
    Accepted(io::Result<Connection>),
    Shutdown,
}

impl<H: Handler> Loop<'_, H> {
    async fn until_shutdown(&mut self) {
        let mut batch = 0;
        loop {
            match poll_fn(|cx| self.poll_next(cx)).await {
                Next::Shutdown => return,
                Next::Accepted(Ok(connection)) => self.hand_over(connection),
                Next::Accepted(Err(err)) => self.after_error(&err).await,
            }
            batch += 1;
            if batch == BATCH {
                batch = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// The next connection, as soon as there is room for it. A word of the shutdown comes first, but
    /// asking costs no more than a load until the loop has to wait.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if self.shutdown.requested() {
            return Poll::Ready(Next::Shutdown);
        }
        if self.poll_room(cx).is_ready()
            && let Poll::Ready(accepted) = self.acceptor.poll_accept(cx)
        {
            return Poll::Ready(Next::Accepted(accepted));
        }
        self.shutdown.poll_requested(cx).map(|()| Next::Shutdown)
    }

    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let room = self.shared.connections.poll_room(cx);
        if room.is_pending() {
            count(&self.shared.counters.local().full);
        }
        room
    }

    async fn after_error(&mut self, err: &io::Error) {
        let counters = self.shared.counters.local();
        if !is_exhausted(err) {
            return count(&counters.failed);
        }
        count(&counters.exhausted);
        let mut pause = std::pin::pin!(sleep(self.shared.pause));
        poll_fn(|cx| match self.shutdown.poll_requested(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => pause.as_mut().poll(cx).map(|_| ()),
        })
        .await;
    }

    /// Accepts what is queued, so that closing the socket resets nobody.
    async fn empty_queue(&mut self) {
        self.acceptor.refuse_new();
        for _ in 0..LAST_BATCH {
            poll_fn(|cx| self.poll_room(cx)).await;
            match self.acceptor.accept_queued() {
                Ok(Some(connection)) => self.hand_over(connection),
                Ok(None) => return,
                Err(err) if is_exhausted(&err) => {
                    count(&self.shared.counters.local().exhausted);
                    sleep(self.shared.pause).await;
                }
                Err(_) => count(&self.shared.counters.local().failed),
            }
        }
    }

    fn hand_over(&mut self, (transport, peer): Connection) {
        let local = self.acceptor.local().cloned();
        count(&self.shared.counters.local().accepted);
        if let Some(last) = &mut self.next {
            let worker = (*last + 1) % self.shared.runtime.workers();
            *last = worker;
            if worker != worker_id() {
                return deal(self.shared, worker, transport, peer, local);
            }
        }
        let shutdown = self.shutdown.clone();
        let permit = self.shared.connections.permit();
        serve(self.shared, Accepted { transport, peer, local, shutdown, permit });
    }
}

/// Hands a connection to another worker.
fn deal<H: Handler>(
    shared: &Arc<Shared<H>>,
    worker: usize,
    transport: Transport,
    peer: gorge_protocols::PeerAddr,
    local: Option<gorge_protocols::PeerAddr>,
) {
    let there = shared.clone();
    shared.runtime.spawn_on(worker, async move {
        let permit = there.connections.permit();
        let shutdown = there.runtime.trigger().watch(worker);
        match transport.rebind() {
            Ok(transport) => serve(&there, Accepted { transport, peer, local, shutdown, permit }),
            Err(_) => count(&there.counters.local().failed),
        }
    });
}

/// A panic of the handler costs one connection, not the listener.
fn serve<H: Handler>(shared: &Shared<H>, connection: Accepted) {
    if catch_unwind(AssertUnwindSafe(|| shared.handler.serve(connection))).is_err() {
        count(&shared.counters.local().panics);
    }
}
