//! The free lists of this thread, one per layout, that [`Recycled`](crate::Recycled) takes its memory from.

use std::alloc::{self, Layout};
use std::cell::RefCell;
use std::ptr::NonNull;

/// How many idle blocks of one layout a thread keeps; what comes back beyond is freed.
pub const KEPT: usize = 256;

/// A free block: its first word points to the next one, so that the list itself needs no memory.
struct Free {
    next: Option<NonNull<Free>>,
}

/// The idle blocks of one layout, last in, first out, as that one is likeliest still in the processor's cache.
struct List {
    layout: Layout,
    head: Option<NonNull<Free>>,
    len: usize,
}

impl List {
    fn pop(&mut self) -> Option<NonNull<u8>> {
        let block = self.head?;
        // SAFETY: every pointer in the list was put there by `push`, which wrote a `Free` into a block nobody else uses.
        self.head = unsafe { block.as_ref() }.next;
        self.len -= 1;
        Some(block.cast())
    }

    /// Takes the block unless there are enough.
    ///
    /// # Safety
    /// `block` was allocated with `self.layout` (at least one aligned pointer large) and is used by nobody.
    unsafe fn push(&mut self, block: NonNull<u8>) -> bool {
        if self.len == KEPT {
            return false;
        }
        let block = block.cast::<Free>();
        // SAFETY: by contract the block is ours, large and aligned enough for one pointer.
        unsafe { block.write(Free { next: self.head }) };
        self.head = Some(block);
        self.len += 1;
        true
    }

    fn clear(&mut self) {
        while let Some(block) = self.pop() {
            // SAFETY: blocks in this list were allocated by the global allocator with this layout.
            unsafe { alloc::dealloc(block.as_ptr(), self.layout) };
        }
    }
}

/// One list for each layout met so far. A program has few, so they are found by looking at them in turn.
struct Lists(Vec<List>);

impl Lists {
    fn of(&mut self, layout: Layout) -> Option<&mut List> {
        self.0.iter_mut().find(|list| list.layout == layout)
    }
}

impl Drop for Lists {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(List::clear);
    }
}

thread_local! {
    static LISTS: RefCell<Lists> = const { RefCell::new(Lists(Vec::new())) };
}

/// Runs `f` on the lists, unless the thread is ending: then the global allocator is used directly.
fn with_lists<R>(f: impl FnOnce(&mut Lists) -> Option<R>) -> Option<R> {
    LISTS.try_with(|lists| f(&mut *lists.try_borrow_mut().ok()?)).ok().flatten()
}

/// The layout really allocated for `layout`: large enough for the link of a free block.
fn block_layout(layout: Layout) -> Layout {
    let link = Layout::new::<Free>();
    match Layout::from_size_align(layout.size().max(link.size()), layout.align().max(link.align())) {
        Ok(block) => block,
        // Within a word of the address space's end: no allocator has such a block.
        Err(_) => alloc::handle_alloc_error(layout),
    }
}

/// An uninitialised block for a value of this (not zero-sized) layout.
pub(crate) fn take(layout: Layout) -> NonNull<u8> {
    debug_assert_ne!(layout.size(), 0);
    let block = block_layout(layout);
    with_lists(|lists| lists.of(block)?.pop()).unwrap_or_else(|| {
        // SAFETY: the layout is at least one pointer large.
        let fresh = unsafe { alloc::alloc(block) };
        NonNull::new(fresh).unwrap_or_else(|| alloc::handle_alloc_error(block))
    })
}

/// Takes back a block.
///
/// # Safety
/// `memory` came from [`take`] with the same layout, on whatever thread, and is used by nobody.
pub(crate) unsafe fn give(memory: NonNull<u8>, layout: Layout) {
    let block = block_layout(layout);
    let kept = with_lists(|lists| {
        if lists.of(block).is_none() {
            lists.0.push(List { layout: block, head: None, len: 0 });
        }
        // SAFETY: `take` allocated with `block`, and by contract nobody uses the memory.
        Some(unsafe { lists.of(block)?.push(memory) })
    });
    if kept != Some(true) {
        // SAFETY: allocated by the global allocator with `block`, and in no list.
        unsafe { alloc::dealloc(memory.as_ptr(), block) };
    }
}

/// How many idle blocks this thread keeps, of all layouts.
pub fn idle() -> usize {
    with_lists(|lists| Some(lists.0.iter().map(|list| list.len).sum())).unwrap_or(0)
}

/// Frees the idle blocks of this thread, as a worker may do when it has been quiet for a while.
pub fn shrink() {
    with_lists(|lists| {
        lists.0.iter_mut().for_each(List::clear);
        Some(())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_no_more_than_the_cap() {
        let layout = Layout::new::<[u64; 4]>();
        let blocks: Vec<_> = (0..KEPT + 10).map(|_| take(layout)).collect();
        for block in blocks {
            // SAFETY: taken above with this layout, given once.
            unsafe { give(block, layout) };
        }
        assert_eq!(idle(), KEPT);
        shrink();
        assert_eq!(idle(), 0);
    }

    #[test]
    fn smallest_values_still_hold_the_link() {
        let layout = Layout::new::<u8>();
        let first = take(layout);
        // SAFETY: taken above with this layout, given once.
        unsafe { give(first, layout) };
        assert_eq!(take(layout), first);
        // SAFETY: as above.
        unsafe { give(first, layout) };
    }
}
