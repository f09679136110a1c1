//! Waiting until no counted task is left.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Told by each task that ends, once somebody waits for the last one.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    watched: AtomicBool,
    ended: Notify,
}

impl Drain {
    /// Waits until `left` returns 0. The count and the flag are both sequentially consistent: a task
    /// that ends either sees the flag and tells, or was counted out before `left` ran.
    pub(crate) async fn wait(&self, left: impl Fn() -> usize) {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            self.watched.store(true, Ordering::SeqCst);
            if left() == 0 {
                return;
            }
            ended.await;
        }
    }

    /// A task has ended and is counted out.
    pub(crate) fn task_ended(&self) {
        if self.watched.load(Ordering::SeqCst) {
            self.ended.notify_waiters();
        }
    }
}
