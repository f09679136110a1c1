//! A known key allocates nothing, on the way in and on the way out.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    time::{Duration, Instant},
};

use gorge_pool::{Entry, Options, Pool};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches only a
// thread-local that needs neither initialisation nor destruction.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are the ones asked for here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_known_key_allocates_nothing() {
    let pool = Pool::new(2, Options { max_idle: 2, ..Options::default() });
    let keys: Vec<String> = (0..100).map(|number| format!("http://peer-{number}:80")).collect();
    let mut now = Instant::now();
    let mut round = || {
        for key in &keys {
            // Also where the connection taken is the only one of its key, and where one is evicted.
            for conn in 0..3 {
                pool.put(0, key, Entry::new(conn, now), now, |_, _| true);
            }
            assert_eq!(pool.get(0, key, now).map(|taken| taken.from), Some(0));
            assert_eq!(pool.get(1, key, now).map(|taken| taken.from), Some(0));
            assert!(pool.get(1, key, now).is_none());
            assert!(pool.get(0, key, now).is_none());
        }
        now += Duration::from_millis(100);
    };
    round();
    let before = ALLOCATIONS.get();
    (0..100).for_each(|_| round());
    assert_eq!(ALLOCATIONS.get() - before, 0);
}
