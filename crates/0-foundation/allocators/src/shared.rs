//! Buffers that came back while `Bytes` split off them were still alive.

use std::collections::VecDeque;
use std::ptr;

use bytes::BytesMut;

/// How many buffers one `take` asks whether they are still shared.
pub(crate) const ASKED: usize = 8;

/// After so many questions a buffer is let go: its `Bytes` live long, or it is too small ever to be of use.
const PATIENCE: u8 = 64;

/// The waiting buffers, oldest first, as these are the likeliest to be free by now.
#[derive(Debug)]
pub(crate) struct Shared(VecDeque<(BytesMut, u8)>);

impl Shared {
    pub(crate) const fn new() -> Self {
        Shared(VecDeque::new())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a buffer; of more than `cap` the oldest is let go.
    pub(crate) fn push(&mut self, buffer: BytesMut, cap: usize) {
        if is_placeholder(&buffer) || cap == 0 {
            return;
        }
        if self.0.len() >= cap {
            self.0.pop_front();
        }
        self.0.push_back((buffer, 0));
    }

    /// The next buffer that can be made to hold `size` bytes without allocating. Each one asked costs one of `budget`.
    pub(crate) fn ask(&mut self, size: usize, budget: &mut usize) -> Option<BytesMut> {
        *budget = (*budget).min(self.0.len());
        while *budget > 0 {
            *budget -= 1;
            let (mut buffer, asked) = self.0.pop_front()?;
            if buffer.try_reclaim(size) {
                return Some(buffer);
            }
            // To the back, so that the next `take` asks others.
            if asked < PATIENCE {
                self.0.push_back((buffer, asked + 1));
            }
        }
        None
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Whether this is a `BytesMut::new()` that never had memory. Without capacity alone could also be a buffer that was
/// filled and split off as a whole; that one is worth waiting for.
fn is_placeholder(buffer: &BytesMut) -> bool {
    buffer.capacity() == 0 && ptr::eq(buffer.as_ptr(), ptr::dangling())
}
