//! The word that it is time to end, for every task to watch.

use std::fmt;
use std::future::poll_fn;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// Watches for the request to come to an end. Each task holds one of its own, by `clone`.
///
/// Asking is a plain load of memory that only ever changes once. Waiting takes the lock of one
/// worker's watch, so that a connection that falls idle shares nothing with other workers; the place
/// of its waker is kept until the drop.
pub struct Shutdown {
    watch: Arc<Watch>,
    slot: Option<NonZeroU32>,
}

/// Makes the request; see [`Shutdown`]. Clones make the same one.
#[derive(Clone)]
pub struct Trigger(Arc<[Arc<Watch>]>);

/// What the tasks of one worker watch; in cache lines of its own, as the count of its holders changes
/// with every connection.
#[repr(align(128))]
#[derive(Default)]
struct Watch {
    requested: AtomicBool,
    waiting: Mutex<Waiting>,
}

/// Wakers by slot. A slot belongs to one `Shutdown` until that is dropped.
#[derive(Default)]
struct Waiting {
    wakers: Vec<Option<Waker>>,
    free: Vec<NonZeroU32>,
}

impl Trigger {
    /// A trigger with a watch for each of `workers` workers, and at least one.
    pub fn new(workers: usize) -> Self {
        Trigger((0..workers.max(1)).map(|_| Arc::default()).collect())
    }

    /// The watch of `worker`, for tasks there. Numbers beyond the last begin again at the first.
    pub fn watch(&self, worker: usize) -> Shutdown {
        Shutdown { watch: self.0[worker % self.0.len()].clone(), slot: None }
    }

    /// Requests the end, and wakes all who wait for it. Doing it twice changes nothing.
    pub fn request(&self) {
        for watch in self.0.iter() {
            watch.requested.store(true, Ordering::Release);
            let wakers: Vec<_> = watch.waiting.lock().wakers.iter_mut().filter_map(Option::take).collect();
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    /// Whether the end was requested.
    pub fn requested(&self) -> bool {
        self.0[0].requested.load(Ordering::Relaxed)
    }
}

impl Shutdown {
    /// A watch and the trigger for it.
    pub fn new() -> (Trigger, Shutdown) {
        let trigger = Trigger::new(1);
        let shutdown = trigger.watch(0);
        (trigger, shutdown)
    }

    /// A watch for which no request ever comes.
    pub fn never() -> Shutdown {
        Trigger::new(1).watch(0)
    }

    /// Whether it is time to end.
    #[inline]
    pub fn requested(&self) -> bool {
        self.watch.requested.load(Ordering::Relaxed)
    }

    /// Ready once it is time to end.
    pub fn poll_requested(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.requested() {
            return Poll::Ready(());
        }
        let mut waiting = self.watch.waiting.lock();
        // The request is stored before the wakers are taken: seen from here, it either shows now or
        // will find the waker.
        if self.watch.requested.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        let slot = *self.slot.get_or_insert_with(|| waiting.slot());
        let place = &mut waiting.wakers[index(slot)];
        if !place.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *place = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Waits until it is time to end.
    pub fn wait(&mut self) -> impl Future<Output = ()> + Send {
        poll_fn(|cx| self.poll_requested(cx))
    }
}

fn index(slot: NonZeroU32) -> usize {
    slot.get() as usize - 1
}

impl Waiting {
    fn slot(&mut self) -> NonZeroU32 {
        self.free.pop().unwrap_or_else(|| {
            self.wakers.push(None);
            // Four billion watches would fill the memory of the machine long before this saturates.
            u32::try_from(self.wakers.len()).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX)
        })
    }
}

impl Clone for Shutdown {
    fn clone(&self) -> Self {
        Shutdown { watch: self.watch.clone(), slot: None }
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            let mut waiting = self.watch.waiting.lock();
            waiting.wakers[index(slot)] = None;
            waiting.free.push(slot);
        }
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").field("requested", &self.requested()).finish()
    }
}

impl fmt::Debug for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trigger").field("requested", &self.requested()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_request_wakes_every_watch_once() {
        let trigger = Trigger::new(2);
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let cx = &mut Context::from_waker(&waker);
        let mut watches: Vec<_> = (0..5).map(|i| trigger.watch(i)).collect();
        for watch in &mut watches {
            assert!(watch.poll_requested(cx).is_pending());
            assert!(watch.poll_requested(cx).is_pending());
        }
        trigger.request();
        trigger.request();
        assert_eq!(count.0.load(Ordering::SeqCst), 5);
        assert!(watches.iter_mut().all(|watch| watch.poll_requested(cx).is_ready()));
    }

    #[test]
    fn a_dropped_watch_gives_its_slot_back() {
        let trigger = Trigger::new(1);
        let cx = &mut Context::from_waker(Waker::noop());
        for _ in 0..100 {
            let (mut a, b) = (trigger.watch(0), trigger.watch(0));
            assert!(a.poll_requested(cx).is_pending());
            assert!(a.clone().poll_requested(cx).is_pending());
            drop(b);
        }
        assert_eq!(trigger.0[0].waiting.lock().wakers.len(), 2);
    }

    #[test]
    fn never_never_comes() {
        let mut never = Shutdown::never();
        assert!(!never.requested());
        assert!(never.poll_requested(&mut Context::from_waker(Waker::noop())).is_pending());
    }

    #[test]
    fn a_watch_is_two_words() {
        assert_eq!(size_of::<Shutdown>(), 2 * size_of::<usize>());
    }
}
