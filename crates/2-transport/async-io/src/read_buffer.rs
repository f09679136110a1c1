//! The receiving side of a connection: a buffer that exists only while bytes are in it.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use gorge_allocators::buffers;

use crate::Stream;

/// How much room a read should find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// 8 KiB: enough for nearly every head of a request.
    Head,
    /// 64 KiB: for bodies, and for a response whose body comes with its head.
    Body,
}

impl Room {
    fn take(self) -> BytesMut {
        match self {
            Self::Head => buffers::take_small(),
            Self::Body => buffers::take_large(),
        }
    }

    fn size(self) -> usize {
        match self {
            Self::Head => buffers::SMALL,
            Self::Body => buffers::LARGE,
        }
    }
}

/// Bytes received and not yet consumed.
///
/// The buffer is taken from the worker's pool when the stream is readable, not before, and goes
/// back as soon as it is empty: a connection that waits holds none.
#[derive(Debug, Default)]
pub struct ReadBuffer {
    buf: BytesMut,
}

impl ReadBuffer {
    /// An empty one, holding no memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes received, for a parser to consume from the front.
    pub fn bytes(&mut self) -> &mut BytesMut {
        &mut self.buf
    }

    /// True when nothing received waits to be consumed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buf.is_empty()
    }

    /// How many bytes wait to be consumed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buf.len()
    }

    /// Reads once and adds what came; 0 is the end of the stream.
    ///
    /// A full buffer doubles: who calls this bounds how much may gather, by the limits of what is
    /// being parsed.
    ///
    /// # Errors
    /// What the stream reports.
    pub fn poll_fill<S: Stream>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        room: Room,
    ) -> Poll<io::Result<usize>> {
        let readable = stream.poll_readable(cx);
        if readable.is_pending() {
            self.release();
        }
        ready!(readable)?;
        self.make_room(room);
        let read = stream.poll_read(cx, &mut self.buf);
        if read.is_pending() {
            self.release();
        }
        read
    }

    /// Gives the buffer back if nothing is in it.
    pub fn release(&mut self) {
        if self.buf.is_empty() && self.buf.capacity() > 0 {
            buffers::give(std::mem::take(&mut self.buf));
        }
    }

    fn make_room(&mut self, room: Room) {
        if self.buf.is_empty() {
            // An emptied buffer has lost its front to the bytes consumed: trade it for a whole one.
            self.release();
            self.buf = room.take();
        } else if self.buf.len() == self.buf.capacity() {
            let more = self.buf.len().max(room.size());
            self.buf.reserve(more);
        }
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        self.buf.clear();
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixStream;

    use super::*;

    #[tokio::test]
    async fn holds_no_memory_while_waiting() {
        let (mut near, mut far) = UnixStream::pair().unwrap();
        let mut buffer = ReadBuffer::new();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(buffer.poll_fill(&mut near, &mut cx, Room::Head).is_pending());
        assert_eq!(buffer.buf.capacity(), 0);

        far.write_all(b"hello").await.unwrap();
        let read = std::future::poll_fn(|cx| buffer.poll_fill(&mut near, cx, Room::Head)).await.unwrap();
        assert_eq!((read, &buffer.bytes()[..]), (5, &b"hello"[..]));
        buffer.bytes().clear();
        buffer.release();
        assert_eq!(buffer.buf.capacity(), 0);
    }

    #[tokio::test]
    async fn grows_when_it_is_full_and_keeps_what_it_has() {
        let (mut near, mut far) = UnixStream::pair().unwrap();
        let sent: Vec<u8> = (0..40_000_u32).map(|i| i as u8).collect();
        far.write_all(&sent).await.unwrap();
        drop(far);
        let mut buffer = ReadBuffer::new();
        while std::future::poll_fn(|cx| buffer.poll_fill(&mut near, cx, Room::Head)).await.unwrap() > 0 {}
        assert_eq!(&buffer.bytes()[..], &sent[..]);
    }
}
