//! A buffer of this thread for text that is put together and copied at once.

use std::cell::Cell;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// More than this is not kept for the next one.
const KEPT: usize = 64 * 1024;

/// Lends an empty buffer, whose memory stays with the thread.
pub(super) fn with<T>(work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    // Whoever needs one inside of this gets a new one; so does the next after a panic.
    let mut buffer = BUFFER.take();
    buffer.clear();
    let result = work(&mut buffer);
    if buffer.capacity() <= KEPT {
        BUFFER.set(buffer);
    }
    result
}
