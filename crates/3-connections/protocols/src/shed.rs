//! Which of the connections that wait for a request are to go when others need their place.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use gorge_linked_list::LinkedList;
use gorge_timeout::clock;
use parking_lot::Mutex;

/// Connections looked at for one that can go. More are not asked for each place: under a flood of
/// new connections this is what one of them costs.
const LOOKED_AT: usize = 64;

/// The open connections of one worker, those at the tail unused for longest.
///
/// An exchange does not move its connection, it only leaves a mark; whoever looks for the oldest puts
/// those that bear one to the head again (the second chance of the CLOCK algorithm). So a place in
/// the list costs an exchange two plain stores and no lock.
#[derive(Debug, Default)]
pub(crate) struct Stays(Mutex<LinkedList<Arc<Stay>>>);

/// One connection as far as it can be let go.
#[derive(Debug)]
pub(crate) struct Stay {
    /// Since when it waits, in nanoseconds; [`BUSY`] while it does not.
    idle_since: AtomicU64,
    /// When it came to the head of the list.
    placed: AtomicU64,
    let_go: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

const BUSY: u64 = u64::MAX;

fn now() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let start = *START;
    // Fits for the next 500 years.
    clock::now().saturating_duration_since(start).as_nanos() as u64
}

impl Stay {
    pub(crate) fn wait(&self) {
        self.idle_since.store(now(), Ordering::Relaxed);
    }

    pub(crate) fn work(&self) {
        self.idle_since.store(BUSY, Ordering::Relaxed);
    }

    pub(crate) fn is_let_go(&self) -> bool {
        self.let_go.load(Ordering::Acquire)
    }

    pub(crate) fn poll_let_go(&self, cx: &mut Context<'_>) -> Poll<()> {
        {
            let mut waker = self.waker.lock();
            if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                *waker = Some(cx.waker().clone());
            }
        }
        if self.is_let_go() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Says that it is to go. False if it was said before.
    fn let_go(&self) -> bool {
        let first = !self.let_go.swap(true, Ordering::AcqRel);
        if first && let Some(waker) = self.waker.lock().take() {
            waker.wake();
        }
        first
    }
}

impl Stays {
    /// A place for one more connection, busy at first.
    pub(crate) fn begin(&self) -> (Arc<Stay>, u32) {
        let stay = Arc::new(Stay {
            idle_since: AtomicU64::new(BUSY),
            placed: AtomicU64::new(now()),
            let_go: AtomicBool::new(false),
            waker: Mutex::new(None),
        });
        let index = self.0.lock().push_head(stay.clone());
        (stay, index)
    }

    pub(crate) fn end(&self, index: u32) {
        self.0.lock().remove(index);
    }

    /// The connection that waits for longest, and since when, of those at the tail.
    fn oldest(&self) -> Option<(u64, Arc<Stay>)> {
        let mut list = self.0.lock();
        let mut best: Option<(u64, Arc<Stay>)> = None;
        for _ in 0..LOOKED_AT.min(list.len()) {
            let index = list.tail_index()?;
            let stay = list.promote(index)?;
            let since = stay.idle_since.load(Ordering::Relaxed);
            let placed = stay.placed.swap(now(), Ordering::Relaxed);
            if since == BUSY || stay.is_let_go() {
                continue;
            }
            let untouched = since <= placed;
            if best.as_ref().is_none_or(|(other, _)| since < *other) {
                best = Some((since, stay.clone()));
            }
            if untouched {
                // All that stand before it are younger.
                break;
            }
        }
        best
    }
}

/// Lets the connection go that waits for longest, of all workers. False if none waits.
pub(crate) fn oldest<'a>(workers: impl Iterator<Item = &'a Stays>) -> bool {
    let oldest = workers.filter_map(Stays::oldest).min_by_key(|(since, _)| *since);
    oldest.is_some_and(|(_, stay)| stay.let_go())
}
