//! Tasks: counted, and contained when they panic.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use gorge_error::{Error, Kind, Result};
use pin_project_lite::pin_project;
use tokio::task::JoinHandle;

use crate::worker::{self, Worker};

/// Spawns `future` on this worker. It is counted until it ends, and a drain waits for it.
///
/// It costs one allocation, which holds the future itself. A panic ends the task alone: it is counted
/// ([`Handle::panics`](crate::Handle::panics)), and whoever awaits the [`Task`] gets an error.
///
/// On a thread that is no worker the current tokio runtime runs it, uncounted.
///
/// # Panics
/// Outside any tokio runtime.
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    Task(tokio::spawn(Contained::new(own_worker(), true, future)))
}

/// Like [`spawn`], for a task that lives as long as the worker does: no drain waits for it, and it is
/// dropped at the end.
///
/// # Panics
/// Outside any tokio runtime.
pub fn spawn_background<F>(future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    Task(tokio::spawn(Contained::new(own_worker(), false, future)))
}

/// Spawns `future` on `worker`, counted there. Numbers beyond the last begin again at the first. With
/// work stealing any worker may run it.
///
/// On a thread that is no worker this is [`spawn`]; from there use
/// [`Handle::spawn_on`](crate::Handle::spawn_on).
///
/// # Panics
/// Outside any tokio runtime.
pub fn spawn_on<F>(worker: usize, future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    match worker::current() {
        Some(handle) => handle.spawn_on(worker, future),
        None => spawn(future),
    }
}

fn own_worker() -> Option<Arc<Worker>> {
    worker::with_current(|shared| shared.map(|shared| shared.workers[worker::worker_id()].clone()))
}

/// A spawned task, to be awaited for its result. Dropping it lets the task run on.
#[derive(Debug)]
pub struct Task<T>(pub(crate) JoinHandle<T>);

impl<T> Task<T> {
    /// Ends the task at its next `.await`.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl<T> Future for Task<T> {
    /// [`Kind::Panic`] if it panicked, [`Kind::Internal`] if it was aborted or its worker ended.
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(ready!(Pin::new(&mut self.0).poll(cx)).map_err(|err| {
            let kind = if err.is_panic() { Kind::Panic } else { Kind::Internal };
            Error::because(kind, "a task did not finish", err).into_internal()
        }))
    }
}

pin_project! {
    /// A future whose end and whose panic are counted.
    pub(crate) struct Contained<F> {
        #[pin]
        future: F,
        // Behind `future`, so that a task counts until all it held is dropped.
        guard: Guard,
    }
}

struct Guard {
    worker: Option<Arc<Worker>>,
    counted: bool,
}

impl<F> Contained<F> {
    pub(crate) fn new(worker: Option<Arc<Worker>>, counted: bool, future: F) -> Self {
        if let (Some(worker), true) = (&worker, counted) {
            worker.task_begins();
        }
        Contained { future, guard: Guard { worker, counted } }
    }
}

impl<F: Future> Future for Contained<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let future = this.future;
        // After a panic the future is only dropped, never polled again.
        catch_unwind(AssertUnwindSafe(|| future.poll(cx))).unwrap_or_else(|panic| {
            if let Some(worker) = &this.guard.worker {
                worker.panics.fetch_add(1, Ordering::Relaxed);
            }
            // Tokio contains it and hands it to whoever awaits the task.
            resume_unwind(panic)
        })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let (Some(worker), true) = (&self.worker, self.counted) {
            worker.task_ends();
        }
    }
}
