//! The accept loop of one listening socket on one worker.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use arc_swap::cache::Cache;
use gorge_protocols::{
    Accepted, Acceptor, Address, AddressPermit, PeerAddr, Permit, Transport, WorkerListener, is_exhausted,
};
use gorge_runtime::{Shutdown, worker_id};
use gorge_timeout::sleep;

use crate::admit;
use crate::core::Core;
use crate::port::{Manner, Port, Seat};
use crate::stats::count;

/// Connections accepted before others get their turn. The reactor is asked again with each turn, so a
/// flood of new connections cannot starve those that are open.
const BATCH: u32 = 16;

/// Connections taken from the queue of a socket that is to be closed: the longest queue a listener
/// can ask for. It bounds the stop where a system cannot keep further ones out of the queue.
const LAST_BATCH: u32 = 65_535;

/// Accepts from `port` on all workers that have a socket of it.
pub(crate) fn open(core: &Arc<Core>, port: &Arc<Port>) {
    (0..port.seats.iter().len()).for_each(|worker| open_on(core, port, worker));
}

/// Accepts from `port` on one worker, unless a loop does already.
pub(crate) fn open_on(core: &Arc<Core>, port: &Arc<Port>, worker: usize) {
    if worker >= port.seats.iter().len() || port.seats.get(worker).listener.lock().is_none() {
        return;
    }
    let task = run(core.clone(), port.clone(), worker);
    if port.post.admin {
        // It goes on while the others drain.
        core.runtime.spawn_background_on(worker, task);
    } else {
        core.runtime.spawn_on(worker, task);
    }
}

/// Accepts on this worker until the port is closed and the queue is empty, then closes the socket.
async fn run(core: Arc<Core>, port: Arc<Port>, worker: usize) {
    let seat = port.seats.get(worker);
    let Some(_busy) = Busy::take(seat) else { return };
    let shutdown = port.trigger.watch(worker);
    let Some(acceptor) = start(&core, seat, &shutdown).await else { return };
    seat.begun.store(true, Ordering::SeqCst);
    port.post.tell();
    let dealt = port.seats.iter().len() > 1 && acceptor.is_shared();
    let manner = Cache::new(&port.manner);
    let mut accepting =
        Loop { core: &core, port: &port, manner, acceptor, shutdown, next: dealt.then_some(worker) };
    accepting.until_shutdown().await;
    accepting.acceptor.refuse_new();
    accepting.empty_queue().await;
    if matches!(port.bound, Some(Address::Ip(_))) {
        accepting.end_handshakes().await;
        accepting.empty_queue().await;
    }
    // Both holds at once, before another connection can be queued.
    let listener = seat.listener.lock().take();
    drop((accepting.acceptor, listener));
    port.post.tell();
}

/// One loop per seat; let go of also when the worker dies.
struct Busy<'a>(&'a Seat);

impl<'a> Busy<'a> {
    fn take(seat: &'a Seat) -> Option<Self> {
        (!seat.busy.swap(true, Ordering::SeqCst)).then_some(Busy(seat))
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::SeqCst);
    }
}

/// Registers the socket here; without descriptors left it tries again after a pause.
async fn start(core: &Core, seat: &Seat, shutdown: &Shutdown) -> Option<Acceptor> {
    loop {
        let listener = seat.listener.lock().as_ref().map(WorkerListener::try_clone)?;
        match listener.and_then(WorkerListener::start) {
            Ok(acceptor) => return Some(acceptor),
            Err(_) if shutdown.requested() => {
                drop(seat.listener.lock().take());
                return None;
            }
            Err(_) => {
                count(&core.counters.local().exhausted);
                sleep(core.config.accept_pause).await;
            }
        }
    }
}

struct Loop<'a> {
    core: &'a Arc<Core>,
    port: &'a Arc<Port>,
    /// Asked anew for each connection, which costs a load while nothing has changed.
    manner: Cache<&'a ArcSwap<Manner>, Arc<Manner>>,
    acceptor: Acceptor,
    shutdown: Shutdown,
    /// The worker that got the last connection, where one acceptor deals out to all.
    next: Option<usize>,
}

type Connection = (Transport, PeerAddr);

enum Next {
    Accepted(io::Result<Connection>),
    Shutdown,
}

impl Loop<'_> {
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
        if (self.poll_room(cx).is_ready() || self.makes_room(cx))
            && let Poll::Ready(accepted) = self.acceptor.poll_accept(cx)
        {
            return Poll::Ready(Next::Accepted(accepted));
        }
        self.shutdown.poll_requested(cx).map(|()| Next::Shutdown)
    }

    /// Where all places are taken and a connection waits for one: has the place of one that only waits
    /// for its next request.
    fn makes_room(&self, cx: &mut Context<'_>) -> bool {
        self.acceptor.poll_waiting(cx).is_ready() && self.shed()
    }

    fn shed(&self) -> bool {
        let shed = self.port.connections(self.core).shed_oldest();
        if shed {
            count(&self.core.counters.local().shed);
        }
        shed
    }

    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let room = self.port.connections(self.core).poll_room(cx);
        if room.is_pending() {
            count(&self.core.counters.local().full);
        }
        room
    }

    async fn after_error(&mut self, err: &io::Error) {
        let counters = self.core.counters.local();
        if !is_exhausted(err) {
            return count(&counters.failed);
        }
        count(&counters.exhausted);
        // Its descriptor is one to accept with.
        self.shed();
        let mut pause = std::pin::pin!(sleep(self.core.config.accept_pause));
        poll_fn(|cx| match self.shutdown.poll_requested(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => pause.as_mut().poll(cx).map(|_| ()),
        })
        .await;
    }

    /// Takes the connections of handshakes that had begun before the socket refused new ones. A client
    /// counts as connected when the kernel here has yet to hear its last word.
    async fn end_handshakes(&mut self) {
        let mut pause = std::pin::pin!(sleep(self.core.config.handshake_end));
        loop {
            let next = poll_fn(|cx| {
                if self.poll_room(cx).is_ready()
                    && let Poll::Ready(next) = self.acceptor.poll_accept(cx)
                {
                    return Poll::Ready(Some(next));
                }
                pause.as_mut().poll(cx).map(|()| None)
            });
            match next.await {
                Some(Ok(connection)) => self.hand_over(connection),
                // What is left is for the last look into the queue, which knows how to wait.
                Some(Err(_)) | None => return,
            }
        }
    }

    /// Accepts what is queued, so that closing the socket resets nobody.
    async fn empty_queue(&mut self) {
        for _ in 0..LAST_BATCH {
            poll_fn(|cx| self.poll_room(cx)).await;
            match self.acceptor.accept_queued() {
                Ok(Some(connection)) => self.hand_over(connection),
                Ok(None) => return,
                Err(err) if is_exhausted(&err) => {
                    count(&self.core.counters.local().exhausted);
                    sleep(self.core.config.accept_pause).await;
                }
                Err(_) => count(&self.core.counters.local().failed),
            }
        }
    }

    fn hand_over(&mut self, (transport, peer): Connection) {
        let local = self.acceptor.local().cloned();
        count(&self.core.counters.local().accepted);
        let manner = self.manner.load();
        // Closed right here; nobody else hears of it.
        let Ok(address) = admit::at_once(self.core, self.port, manner, &peer) else { return };
        if let Some(last) = &mut self.next {
            let worker = (*last + 1) % self.port.seats.iter().len();
            *last = worker;
            if worker != worker_id() {
                let manner = manner.clone();
                return self.deal(worker, manner, address, move |shutdown, permit| Accepted {
                    transport,
                    peer,
                    local,
                    proxy: None,
                    tls: None,
                    shutdown,
                    permit,
                });
            }
        }
        let shutdown = self.shutdown.clone();
        let permit = self.port.connections(self.core).permit().with_address(address);
        let connection = Accepted { transport, peer, local, proxy: None, tls: None, shutdown, permit };
        admit::serve(self.core, self.port, manner, connection);
    }

    /// Hands a connection to another worker.
    fn deal(
        &self,
        worker: usize,
        manner: Arc<Manner>,
        address: Option<AddressPermit>,
        connection: impl FnOnce(Shutdown, Permit) -> Accepted + Send + 'static,
    ) {
        let (core, port) = (self.core.clone(), self.port.clone());
        self.core.runtime.spawn_on(worker, async move {
            let permit = port.connections(&core).permit().with_address(address);
            let mut connection = connection(port.trigger.watch(worker), permit);
            match connection.transport.rebind() {
                Ok(transport) => {
                    connection.transport = transport;
                    admit::serve(&core, &port, &manner, connection);
                }
                Err(_) => count(&core.counters.local().failed),
            }
        });
    }
}
