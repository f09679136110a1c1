//! Counts heap allocations, to see that serving needs none (feature `count-allocations`).
//!
//! With `GORGE_COUNT_ALLOCATIONS=1` in the environment the number so far is written to standard
//! error as `allocations: N`, at the end and at each USR2.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

#[global_allocator]
static ALLOCATOR: Counting = Counting { count: AtomicU64::new(0) };

/// The system's allocator, counting. A reallocation counts as one more.
struct Counting {
    count: AtomicU64,
}

impl Counting {
    fn note(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is handed to the system's allocator unchanged, and counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
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

/// Reports when asked to by the environment: at each USR2, and when the returned value is dropped.
///
/// To be called before any other thread is started: they inherit that USR2 is left to the one that
/// waits for it.
pub(crate) fn report() -> Option<AtEnd> {
    if std::env::var_os("GORGE_COUNT_ALLOCATIONS").is_none_or(|value| value != "1") {
        return None;
    }
    let signals = usr2();
    // SAFETY: the set is initialised and only read; the old mask is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &signals, std::ptr::null_mut()) };
    let wait = move || {
        let mut signal = 0;
        // SAFETY: the set is initialised, and `signal` is there to be written to.
        while unsafe { libc::sigwait(&signals, &mut signal) } == 0 {
            write_count();
        }
    };
    // Without that thread the number at the end is still there.
    let _ = std::thread::Builder::new().name("gorge-usr2".into()).spawn(wait);
    Some(AtEnd)
}

/// The set of signals that holds USR2 alone.
fn usr2() -> libc::sigset_t {
    let mut set = std::mem::MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set, and sigaddset changes an initialised one; neither
    // fails for a signal that exists.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGUSR2);
        set.assume_init()
    }
}

/// Writes the number when it is dropped.
pub(crate) struct AtEnd;

impl Drop for AtEnd {
    fn drop(&mut self) {
        write_count();
    }
}

/// To be read while traffic runs, so the report itself allocates nothing.
fn write_count() {
    let count = ALLOCATOR.count.load(Ordering::Relaxed);
    // Standard error has no buffer. Nobody may be listening there.
    let _ = writeln!(io::stderr().lock(), "allocations: {count}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_allocated() {
        let before = ALLOCATOR.count.load(Ordering::Relaxed);
        drop(std::hint::black_box(Box::new(1)));
        assert!(ALLOCATOR.count.load(Ordering::Relaxed) > before);
    }
}
