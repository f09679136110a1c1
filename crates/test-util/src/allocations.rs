//! How often a piece of code asks for memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, counting.
///
/// ```
/// use gorge_test_util::AllocationCounter;
///
/// #[global_allocator]
/// static ALLOCATOR: AllocationCounter = AllocationCounter::new();
///
/// let (made, value) = ALLOCATOR.of_thread(|| vec![1, 2, 3]);
/// assert_eq!((made, value.len()), (1, 3));
/// ```
#[derive(Debug)]
pub struct AllocationCounter {
    all: AtomicUsize,
}

thread_local! {
    /// Needs no destructor, so that it can be used while a thread ends.
    static OF_THREAD: Cell<usize> = const { Cell::new(0) };
}

impl AllocationCounter {
    /// A counter at zero, to stand in a `#[global_allocator]`.
    #[allow(clippy::new_without_default, reason = "a static needs a const constructor")]
    pub const fn new() -> Self {
        Self { all: AtomicUsize::new(0) }
    }

    /// Allocations of all threads since the start, reallocations included.
    pub fn count(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }

    /// Runs `code` and says how many allocations this thread made meanwhile.
    pub fn of_thread<T>(&self, code: impl FnOnce() -> T) -> (usize, T) {
        let before = self.count_of_thread();
        let value = code();
        (self.count_of_thread() - before, value)
    }

    /// Allocations of this thread since its start: what [`of_thread`](Self::of_thread) takes the
    /// difference of, for code that awaits in between.
    pub fn count_of_thread(&self) -> usize {
        OF_THREAD.get()
    }

    fn note(&self) {
        self.all.fetch_add(1, Ordering::Relaxed);
        OF_THREAD.set(OF_THREAD.get() + 1);
    }
}

// SAFETY: every call is handed to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for AllocationCounter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.note();
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.note();
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.note();
        // SAFETY: as in `alloc`; the block came from `System`, as all of ours do.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block came from `System`, as all of ours do.
        unsafe { System.dealloc(block, layout) }
    }
}
