//! From a peer to a connection that can carry a request: the pool, and those who watch over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use gorge_async_io::Stream;
use gorge_digest::PeerAddr;
use gorge_error::{Error, Kind, Result};
use gorge_http_client::{Connection, Surprise};
use gorge_http_parser::Limits;
use gorge_pool::{Entry, Id, Options, Pool, Reason, Taken};
use gorge_protocols::proxy_protocol::{Version, encode_v1, encode_v2};
use gorge_protocols::{Transport, connect};
use gorge_runtime::{PerWorker, spawn_background, worker_id};
use gorge_timeout::{Timer, clock};
use gorge_upstream::{Peer, ReuseKey};
use parking_lot::Mutex;

use crate::stats::{Counters, add};

/// How long before the end of the time that an upstream promised (`Keep-Alive: timeout`) a connection
/// is given up: a request must not cross the upstream's close on its way.
const KEEP_ALIVE_MARGIN: Duration = Duration::from_secs(1);

type Idle = Box<Connection<Transport>>;

/// Finds or makes the connection for an attempt, and keeps the idle ones.
///
/// Each worker has its own; another worker's is asked only when it has none (DESIGN: own worker
/// first). One task per worker watches the idle ones, so that a connection that its upstream closes
/// is closed here at once.
pub(crate) struct Connector {
    pool: Pool<ReuseKey, Idle>,
    watchers: PerWorker<Arc<Watcher>>,
    limits: Arc<Limits>,
}

/// A connection in the hands of one attempt. Dropped, it counts as one that failed in use.
pub(crate) struct Link<'a> {
    entry: Entry<Idle>,
    key: ReuseKey,
    /// When it was made; `None` for one of the pool.
    made: Option<Made>,
    in_use: InUse<'a>,
}

/// The times of a connect.
#[derive(Clone, Copy)]
pub(crate) struct Made {
    /// The connection stood, in the clear so far.
    pub(crate) connected: Instant,
    /// The TLS handshake was done; `None` in the clear.
    pub(crate) tls_done: Option<Instant>,
}

/// Sees to it that a connection that was in use and is not given back is counted, whatever ends the
/// attempt: an error, a panic, or the end of the process.
struct InUse<'a> {
    pool: &'a Pool<ReuseKey, Idle>,
    worker: usize,
    /// Why it is not given back. `None`: it is.
    lost: Option<Reason>,
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        if let Some(reason) = self.lost {
            self.pool.discard(self.worker, reason);
        }
    }
}

impl Link<'_> {
    /// True if it carried an exchange before.
    pub(crate) fn reused(&self) -> bool {
        self.made.is_none()
    }

    /// When it was made, if that was for this attempt.
    pub(crate) fn made(&self) -> Option<Made> {
        self.made
    }

    pub(crate) fn connection(&mut self) -> &mut Connection<Transport> {
        &mut self.entry.conn
    }
}

/// A connection that an attempt asks for.
pub(crate) struct Wanted<'a> {
    pub(crate) peer: &'a Peer,
    /// It must not have been used before.
    pub(crate) fresh: bool,
    /// Whom the peer is told to be the client, if it is told.
    pub(crate) client: Option<&'a PeerAddr>,
    /// Which address that client reached.
    pub(crate) reached: Option<&'a PeerAddr>,
}

impl Wanted<'_> {
    fn key(&self) -> ReuseKey {
        match self.peer.proxy_protocol() {
            None => self.peer.reuse_key().clone(),
            Some(_) => self.peer.reuse_key().introduced(self.client, self.reached),
        }
    }

    /// A new connection that begins with this peer's PROXY protocol header, if it wants one, and goes on
    /// with TLS, if it speaks that.
    async fn open(&self, limits: &Arc<Limits>) -> Result<(Connection<Transport>, Made)> {
        let (address, options) = (self.peer.address(), self.peer.connect_options());
        #[cfg(feature = "openssl")]
        if let Some(endpoint) = self.peer.tls() {
            let mut preface = BytesMut::new();
            self.introduce(&mut preface)?;
            let secured = gorge_protocols::connect_tls(address, options, endpoint, &preface).await?;
            let made = Made { connected: secured.connected, tls_done: Some(clock::now()) };
            return Ok((Connection::new(secured.transport, limits.clone()), made));
        }
        let transport = connect(address, options).await?;
        let made = Made { connected: clock::now(), tls_done: None };
        let mut conn = Connection::new(transport, limits.clone());
        self.introduce(conn.preface())?;
        Ok((conn, made))
    }

    /// Writes the PROXY protocol header, if the peer wants one.
    fn introduce(&self, out: &mut BytesMut) -> Result<()> {
        match self.peer.proxy_protocol() {
            None => Ok(()),
            Some(Version::V1) => {
                encode_v1(self.client, self.reached, out);
                Ok(())
            }
            Some(Version::V2) => encode_v2(self.client, self.reached, &[], out)
                .map_err(|error| Error::because(Kind::Internal, "the PROXY header", error).into_internal()),
        }
    }
}

impl Connector {
    pub(crate) fn new(workers: usize, options: Options, limits: Limits) -> Self {
        Self {
            pool: Pool::new(workers, options),
            watchers: PerWorker::new(workers, |_| Arc::default()),
            limits: Arc::new(limits),
        }
    }

    pub(crate) fn stats(&self) -> gorge_pool::Stats {
        self.pool.stats()
    }

    /// Drops all idle connections.
    pub(crate) fn drain(&self) {
        self.pool.drain();
    }

    /// A connection to `peer`: an idle one that is still good, unless it must be `fresh`, else a new
    /// one.
    pub(crate) async fn connect(&self, wanted: &Wanted<'_>, counters: &Counters) -> Result<Link<'_>> {
        let key = wanted.key();
        if !wanted.fresh
            && let Some(link) = self.take(&key, counters)
        {
            return Ok(link);
        }
        // Boxed, so that this rare and large future does not make every exchange's larger.
        let (conn, made) = Box::pin(wanted.open(&self.limits)).await?;
        add(&counters.connected, 1);
        let worker = worker_id();
        self.pool.created(worker);
        Ok(Link {
            entry: Entry::new(Box::new(conn), clock::now()),
            key,
            made: Some(made),
            in_use: self.in_use(worker),
        })
    }

    fn in_use(&self, worker: usize) -> InUse<'_> {
        InUse { pool: &self.pool, worker, lost: Some(Reason::Failed) }
    }

    /// An idle connection on which nothing has happened.
    fn take(&self, key: &ReuseKey, counters: &Counters) -> Option<Link<'_>> {
        let worker = worker_id();
        loop {
            let Taken { mut entry, from } = self.pool.get(worker, key, clock::now())?;
            // What it received at rest may have been read already, by those who watch it.
            if entry.conn.stream().is_closed() || !entry.conn.is_reusable() {
                add(&counters.surprised, 1);
                self.pool.discard(worker, Reason::Ended);
                continue;
            }
            if from != worker % self.watchers.iter().len() {
                let uses = entry.conn.uses();
                let Ok(transport) = entry.conn.into_stream().rebind() else {
                    self.pool.discard(worker, Reason::Failed);
                    continue;
                };
                add(&counters.moved, 1);
                let mut conn = Box::new(Connection::new(transport, self.limits.clone()));
                conn.set_uses(uses);
                entry = Entry { conn, created: entry.created, uses: entry.uses, expires: None };
            }
            add(&counters.reused, 1);
            let in_use = self.in_use(worker);
            return Some(Link { entry, key: key.clone(), made: None, in_use });
        }
    }

    /// Keeps a connection to `peer` for the next attempt, if it can carry one.
    pub(crate) fn put_back(self: &Arc<Self>, link: Link<'_>, peer: &Peer) {
        let Link { mut entry, key, mut in_use, .. } = link;
        let (now, worker) = (clock::now(), in_use.worker);
        if !entry.conn.is_reusable() {
            in_use.lost = Some(Reason::Unusable);
            return;
        }
        in_use.lost = None;
        entry.conn.rest();
        entry.expires =
            entry.conn.keep_alive().map(|keep| clock::add(now, keep.saturating_sub(KEEP_ALIVE_MARGIN)));
        let watcher = self.watchers.get(worker);
        let keep = peer.pool().unwrap_or(self.pool.options());
        let put = self.pool.put_with(worker, &key, entry, keep, now, |id, conn| watcher.watch(id, conn));
        let asleep = watcher.asleep.load(Ordering::Relaxed) && watcher.asleep.swap(false, Ordering::AcqRel);
        // One that is awake sleeps until a time that is perhaps too late by now.
        if asleep || put.sooner {
            self.wake(worker);
        }
    }

    /// Wakes the watcher of this worker, or starts it.
    fn wake(self: &Arc<Self>, worker: usize) {
        let watcher = self.watchers.get(worker);
        if watcher.running.swap(true, Ordering::AcqRel) {
            watcher.fired.wake();
        } else {
            spawn_background(watch(self.clone(), watcher.clone(), worker));
        }
    }
}

/// What the task that watches a worker's idle connections shares with their wakers.
struct Watcher {
    fired: Arc<Fired>,
    slots: Mutex<Vec<Slot>>,
    /// Nothing is idle, no time is set: a connection put back must wake the task.
    asleep: AtomicBool,
    running: AtomicBool,
}

impl Default for Watcher {
    fn default() -> Self {
        Self {
            fired: Arc::default(),
            slots: Mutex::default(),
            asleep: AtomicBool::new(true),
            running: AtomicBool::new(false),
        }
    }
}

/// The waker of one slot of the pool, made once and used for every connection that lies there.
struct Slot {
    shared: Arc<SlotWaker>,
    waker: Waker,
}

struct SlotWaker {
    slot: u32,
    generation: AtomicU32,
    fired: Arc<Fired>,
}

/// The slots on whose connections something happened.
#[derive(Default)]
struct Fired {
    inner: Mutex<FiredInner>,
}

#[derive(Default)]
struct FiredInner {
    slots: Vec<(u32, u32)>,
    task: Option<Waker>,
}

impl Fired {
    fn wake(&self) {
        let task = self.inner.lock().task.take();
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.fired.inner.lock().slots.push((self.slot, self.generation.load(Ordering::Relaxed)));
        self.fired.wake();
    }
}

impl Watcher {
    /// Asks to be told when something comes on this connection. False: it is there already.
    fn watch(&self, id: Id, conn: &mut Idle) -> bool {
        let mut slots = self.slots.lock();
        while slots.len() <= id.slot as usize {
            let shared = Arc::new(SlotWaker {
                slot: slots.len() as u32,
                generation: AtomicU32::new(0),
                fired: self.fired.clone(),
            });
            slots.push(Slot { waker: shared.clone().into(), shared });
        }
        let slot = &slots[id.slot as usize];
        slot.shared.generation.store(id.generation, Ordering::Relaxed);
        conn.poll_surprise(&mut Context::from_waker(&slot.waker)).is_pending()
    }
}

/// Tells, when the runtime drops the task, that there is none any more.
struct Running(Arc<Watcher>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::Release);
        self.0.asleep.store(true, Ordering::Release);
    }
}

/// Closes idle connections: those on which something happened, and those whose time is up.
async fn watch(connector: Arc<Connector>, watcher: Arc<Watcher>, worker: usize) {
    let running = Running(watcher);
    let watcher = &running.0;
    let mut timer = Timer::new();
    let mut fired = Vec::new();
    std::future::poll_fn(|cx| {
        loop {
            {
                let mut inner = watcher.fired.inner.lock();
                std::mem::swap(&mut inner.slots, &mut fired);
                if !inner.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
                    inner.task = Some(cx.waker().clone());
                }
            }
            for (slot, generation) in fired.drain(..) {
                connector.look(watcher, Id { worker, slot, generation });
            }
            if connector.poll_expired(watcher, worker, &mut timer, cx).is_pending() {
                return Poll::<()>::Pending;
            }
        }
    })
    .await;
}

impl Connector {
    /// Something happened on this connection, or on one that lay there before it.
    fn look(&self, watcher: &Watcher, id: Id) {
        let mut surprise = None;
        self.pool.with(id, |conn| {
            let waker = watcher.slots.lock()[id.slot as usize].waker.clone();
            if let Poll::Ready(what) = conn.poll_surprise(&mut Context::from_waker(&waker)) {
                surprise = Some(what);
            }
            true
        });
        let reason = match surprise {
            None => return,
            Some(Surprise::Data) => Reason::Data,
            Some(Surprise::Ended) => Reason::Ended,
            Some(Surprise::Failed) => Reason::Failed,
        };
        drop(self.pool.closed(id, reason));
    }

    /// Ready when connections were overdue and are gone: there may be more to do.
    fn poll_expired(
        &self,
        watcher: &Watcher,
        worker: usize,
        timer: &mut Timer,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        match self.pool.next_expiry(worker) {
            Some(at) => timer.set(at),
            None => {
                timer.clear();
                watcher.asleep.store(true, Ordering::Release);
                // One may have been put back before that could be seen.
                if self.pool.next_expiry(worker).is_none() {
                    return Poll::Pending;
                }
                watcher.asleep.store(false, Ordering::Release);
                return Poll::Ready(());
            }
        }
        if timer.poll_expired(cx).is_pending() {
            return Poll::Pending;
        }
        self.pool.expire(worker, Instant::now());
        Poll::Ready(())
    }
}
