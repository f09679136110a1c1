//! The buffers of this thread, small and large: what the path of a request uses.

use std::cell::RefCell;

use bytes::BytesMut;

use crate::shared::{ASKED, Shared};

/// Room in a small buffer, in bytes: a head, or a small message as a whole.
pub const SMALL: usize = 8 * 1024;

/// Room in a large buffer, in bytes: a piece of a body.
pub const LARGE: usize = 64 * 1024;

/// Buffers of each list that a thread keeps at most.
const KEPT: usize = 64;

/// Bytes above which a buffer that grew in use is not kept.
const MAX_SIZE: usize = 2 * LARGE;

/// Two lists of ready buffers, last in, first out, and one of those whose size cannot be told while they are shared:
/// a shared buffer shows only what is left of it.
struct Buffers {
    small: Vec<BytesMut>,
    large: Vec<BytesMut>,
    shared: Shared,
}

impl Buffers {
    fn take_small(&mut self) -> Option<BytesMut> {
        if let Some(buffer) = self.small.pop() {
            return Some(buffer);
        }
        let mut budget = ASKED;
        while let Some(mut buffer) = self.shared.ask(SMALL, &mut budget) {
            if !buffer.try_reclaim(LARGE) {
                return Some(buffer);
            }
            keep(&mut self.large, buffer);
        }
        None
    }

    fn take_large(&mut self) -> Option<BytesMut> {
        self.large.pop().or_else(|| self.shared.ask(LARGE, &mut { ASKED }))
    }

    fn give(&mut self, mut buffer: BytesMut) {
        if !buffer.is_empty() {
            buffer.clear();
        }
        // Nearly all come back untouched or used up in place; for these one comparison does.
        match buffer.capacity() {
            SMALL => return keep(&mut self.small, buffer),
            LARGE => return keep(&mut self.large, buffer),
            _ => {}
        }
        if buffer.try_reclaim(MAX_SIZE + 1) {
            return;
        }
        if buffer.try_reclaim(LARGE) {
            keep(&mut self.large, buffer);
        } else if buffer.try_reclaim(SMALL) && buffer.capacity() < 2 * SMALL {
            keep(&mut self.small, buffer);
        } else {
            self.shared.push(buffer, KEPT);
        }
    }

    fn clear(&mut self) {
        self.small.clear();
        self.large.clear();
        self.shared.clear();
    }
}

fn keep(list: &mut Vec<BytesMut>, buffer: BytesMut) {
    if list.len() < KEPT {
        list.push(buffer);
    }
}

thread_local! {
    static BUFFERS: RefCell<Buffers> =
        const { RefCell::new(Buffers { small: Vec::new(), large: Vec::new(), shared: Shared::new() }) };
}

/// Runs `f` on this thread's buffers; `None` if the thread is ending.
fn with_buffers<R>(f: impl FnOnce(&mut Buffers) -> R) -> Option<R> {
    BUFFERS.try_with(|buffers| Some(f(&mut *buffers.try_borrow_mut().ok()?))).ok().flatten()
}

/// An empty buffer with room for at least [`SMALL`] bytes, which are not zeroed.
pub fn take_small() -> BytesMut {
    with_buffers(Buffers::take_small).flatten().unwrap_or_else(|| BytesMut::with_capacity(SMALL))
}

/// An empty buffer with room for at least [`LARGE`] bytes, which are not zeroed.
pub fn take_large() -> BytesMut {
    with_buffers(Buffers::take_large).flatten().unwrap_or_else(|| BytesMut::with_capacity(LARGE))
}

/// Takes back a buffer, whatever it holds and wherever it was taken; it goes to the list its size fits.
///
/// `Bytes` split off it may still be alive: it is used again once they are gone. A buffer that grew beyond twice
/// [`LARGE`] is freed.
pub fn give(buffer: BytesMut) {
    with_buffers(|buffers| buffers.give(buffer));
}

/// How many buffers this thread keeps, those still shared included.
pub fn kept() -> usize {
    with_buffers(|buffers| buffers.small.len() + buffers.large.len() + buffers.shared.len()).unwrap_or(0)
}

/// Frees what is idle on this thread.
pub fn shrink() {
    with_buffers(Buffers::clear);
}
