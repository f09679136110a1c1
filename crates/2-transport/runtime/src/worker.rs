//! The worker a thread is, and its counts.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::drain::Drain;
use crate::runtime::{Handle, Shared};
use crate::shutdown::Shutdown;

/// One worker as the tasks on it know it. Only the threads of this worker write to it, in cache lines
/// of its own.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Worker {
    pub(crate) tasks: AtomicUsize,
    pub(crate) panics: AtomicU64,
    /// How often the loop itself had to be begun anew.
    pub(crate) replaced: AtomicU64,
    /// Tells the loop to end.
    pub(crate) end: Notify,
    pub(crate) drain: Arc<Drain>,
}

impl Worker {
    pub(crate) fn new(drain: Arc<Drain>) -> Self {
        Worker {
            tasks: AtomicUsize::new(0),
            panics: AtomicU64::new(0),
            replaced: AtomicU64::new(0),
            end: Notify::new(),
            drain,
        }
    }

    pub(crate) fn task_begins(&self) {
        self.tasks.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn task_ends(&self) {
        self.tasks.fetch_sub(1, Ordering::SeqCst);
        self.drain.task_ended();
    }
}

thread_local! {
    static ID: Cell<usize> = const { Cell::new(0) };
    static CURRENT: RefCell<Option<Arc<Shared>>> = const { RefCell::new(None) };
}

/// Makes the calling thread the worker `id`.
pub(crate) fn enter(shared: Arc<Shared>, id: usize) {
    ID.set(id);
    CURRENT.set(Some(shared));
}

/// The worker this thread is, from 0; on threads that are none, 0.
#[inline]
pub fn worker_id() -> usize {
    ID.get()
}

/// How many workers the runtime of this thread has; 1 on threads that are no worker.
pub fn worker_count() -> usize {
    with_current(|shared| shared.map_or(1, |shared| shared.workers.len()))
}

/// The runtime this thread belongs to.
pub fn current() -> Option<Handle> {
    with_current(|shared| shared.cloned().map(Handle))
}

/// The shutdown watch of this worker. On threads that are no worker it is one that never comes.
pub fn shutdown() -> Shutdown {
    with_current(|shared| shared.map(|shared| shared.trigger.watch(worker_id())))
        .unwrap_or_else(Shutdown::never)
}

pub(crate) fn with_current<T>(ask: impl FnOnce(Option<&Arc<Shared>>) -> T) -> T {
    CURRENT.with_borrow(|shared| ask(shared.as_ref()))
}
