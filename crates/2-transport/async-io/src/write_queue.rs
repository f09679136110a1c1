//! The sending side of a connection: small things gathered, large ones passed on without a copy.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use gorge_allocators::buffers;

use crate::Stream;

/// Data up to this size is copied behind what is already gathered: cheaper than a slice of its own.
const COPY_UP_TO: usize = 4 * 1024;

/// Above this many unsent bytes the queue asks to be flushed before it takes more.
const FULL: usize = 32 * 1024;

/// Slices per write call.
const SLICES: usize = 8;

/// Bytes waiting to be sent, in order. One write call takes a head, the body behind it and its end.
#[derive(Debug, Default)]
pub struct WriteQueue {
    /// Whole pieces, before `tail`.
    pieces: VecDeque<Bytes>,
    /// Where small things gather, behind the pieces.
    tail: BytesMut,
    /// Bytes in `pieces`.
    in_pieces: usize,
    /// Bytes handed to the stream so far.
    written: u64,
}

impl WriteQueue {
    /// An empty one, holding no memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where an encoder writes heads and other small things.
    pub fn scratch(&mut self) -> &mut BytesMut {
        if self.tail.capacity() == 0 {
            self.tail = buffers::take_small();
        }
        &mut self.tail
    }

    /// Queues data behind all that is there.
    pub fn push(&mut self, data: Bytes) {
        if data.is_empty() {
            return;
        }
        if data.len() <= COPY_UP_TO {
            self.scratch().extend_from_slice(&data);
            return;
        }
        if !self.tail.is_empty() {
            let head = self.tail.split().freeze();
            self.in_pieces += head.len();
            self.pieces.push_back(head);
        }
        self.in_pieces += data.len();
        self.pieces.push_back(data);
    }

    /// True when nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.in_pieces + self.tail.len()
    }

    /// True when so much waits that no more should be added before a flush.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() >= FULL
    }

    /// Bytes handed to the stream since the beginning.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Drops what waits.
    pub fn clear(&mut self) {
        self.pieces.clear();
        self.in_pieces = 0;
        self.tail.clear();
        self.release();
    }

    /// Writes until nothing waits; the memory then goes back to the worker's pool.
    ///
    /// # Errors
    /// What the stream reports; [`io::ErrorKind::WriteZero`] when it takes nothing more.
    pub fn poll_flush<S: Stream>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let written = ready!(self.poll_write_once(stream, cx))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.consume(written);
        }
        self.release();
        stream.poll_flush(cx)
    }

    fn poll_write_once<S: Stream>(&self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.pieces.is_empty() {
            return stream.poll_write(cx, &[IoSlice::new(&self.tail)]);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let all = self.pieces.iter().map(|piece| &piece[..]).chain([&self.tail[..]]);
        let mut used = 0;
        for (slice, bytes) in slices.iter_mut().zip(all.filter(|bytes| !bytes.is_empty())) {
            *slice = IoSlice::new(bytes);
            used += 1;
        }
        stream.poll_write(cx, &slices[..used])
    }

    fn consume(&mut self, mut written: usize) {
        self.written += written as u64;
        while let Some(piece) = self.pieces.front_mut() {
            let here = written.min(piece.len());
            piece.advance(here);
            self.in_pieces -= here;
            written -= here;
            if !piece.is_empty() {
                return;
            }
            self.pieces.pop_front();
        }
        self.tail.advance(written);
    }

    fn release(&mut self) {
        if self.tail.capacity() > 0 {
            buffers::give(std::mem::take(&mut self.tail));
        }
    }
}

impl Drop for WriteQueue {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::UnixStream;

    use super::*;

    #[tokio::test]
    async fn keeps_the_order_of_small_and_large() {
        let (mut near, mut far) = UnixStream::pair().unwrap();
        let mut queue = WriteQueue::new();
        let mut expected = Vec::new();
        for (i, size) in [10, 5000, 3, 70_000, 4096, 4097, 1].into_iter().enumerate() {
            let data = vec![i as u8; size];
            expected.extend_from_slice(&data);
            if size == 10 { queue.scratch().extend_from_slice(&data) } else { queue.push(data.into()) }
        }
        assert_eq!(queue.len(), expected.len());
        assert!(queue.is_full());

        let reader = tokio::spawn(async move {
            let mut got = Vec::new();
            far.read_to_end(&mut got).await.unwrap();
            got
        });
        std::future::poll_fn(|cx| queue.poll_flush(&mut near, cx)).await.unwrap();
        assert!(queue.is_empty());
        assert_eq!(queue.tail.capacity(), 0);
        assert_eq!(queue.written(), expected.len() as u64);
        drop(near);
        assert!(reader.await.unwrap() == expected);
    }
}
