//! What goes into a pool and comes out of it.

use std::time::Instant;

/// A connection and what decides whether it may be used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<C> {
    /// The connection.
    pub conn: C,
    /// When it was established.
    pub created: Instant,
    /// How many times it was used. Each [`get`](crate::Pool::get) adds one.
    pub uses: u32,
    /// When the other side has said it will close it (`Keep-Alive: timeout`); `None`: it said nothing.
    pub expires: Option<Instant>,
}

impl<C> Entry<C> {
    /// A connection in its first use, of which the other side has said nothing.
    pub fn new(conn: C, created: Instant) -> Self {
        Self { conn, created, uses: 1, expires: None }
    }
}

/// Names one connection during one stay in a pool.
///
/// It matches nothing once the connection has left, although its slot is used again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Id {
    /// The worker it is idle on.
    pub worker: usize,
    /// Its place there. Slots are dense and used again, so that a watcher can keep one waker per slot.
    pub slot: u32,
    /// Which of the stays in this slot it is.
    pub generation: u32,
}

/// What became of a [`put`](crate::Pool::put).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Put<C> {
    /// The name of the connection; `None` if it was not kept.
    pub kept: Option<Id>,
    /// A connection to be closed: the one put, if it was not kept, or the one that left for it.
    pub evicted: Option<C>,
    /// Whether [`next_expiry`](crate::Pool::next_expiry) of this worker has become earlier, or has come
    /// to be: whoever waits for it has to ask again.
    pub sooner: bool,
}

/// A connection that [`get`](crate::Pool::get) has found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taken<C> {
    /// The connection.
    pub entry: Entry<C>,
    /// The worker it was idle on. If that is not the one that asked, the connection is still known to
    /// the other's reactor and must be moved.
    pub from: usize,
}
