//! Between the TLS library and the stream below it: what was received and not yet asked for, and records
//! made and not yet sent.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use gorge_allocators::buffers;
use gorge_async_io::{ReadBuffer, Room, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The stream below, with a buffer each way, both of which exist only while something is in them.
///
/// The library asks for a record in two reads, its head and the rest; here that is one system call for
/// all that has arrived. What the library writes is gathered and leaves in one call, at the latest before
/// an answer is awaited; so the last flight of a handshake goes out with the first response.
pub(crate) struct Wire<S> {
    /// `None` once it was lost on the way to another worker.
    stream: Option<S>,
    inbox: ReadBuffer,
    outbox: BytesMut,
    room: Room,
    /// What the other side began with, and how many of these bytes there are.
    first: [u8; FIRST],
    first_len: u8,
}

/// Enough to tell what is spoken when it is not TLS.
const FIRST: usize = 5;

/// With more than this yet to be sent, nothing is read.
const UNSENT: usize = 2 * buffers::LARGE;

impl<S: Stream> Wire<S> {
    /// `preface` goes out before the first byte of TLS.
    pub(crate) fn new(stream: S, preface: &[u8]) -> Self {
        let mut wire = Self {
            stream: Some(stream),
            inbox: ReadBuffer::new(),
            outbox: BytesMut::new(),
            room: Room::Head,
            first: [0; FIRST],
            first_len: 0,
        };
        wire.queue(preface);
        wire
    }

    pub(crate) fn stream(&self) -> Option<&S> {
        self.stream.as_ref()
    }

    pub(crate) fn stream_mut(&mut self) -> io::Result<&mut S> {
        self.stream.as_mut().ok_or_else(lost)
    }

    /// What the other side began with: up to 5 bytes.
    pub(crate) fn first_bytes(&self) -> &[u8] {
        &self.first[..usize::from(self.first_len)]
    }

    /// Puts another stream in its place, made from it.
    pub(crate) fn map(&mut self, change: impl FnOnce(S) -> io::Result<S>) -> io::Result<()> {
        let stream = self.stream.take().ok_or_else(lost)?;
        self.stream = Some(change(stream)?);
        Ok(())
    }

    /// Nothing was received that the library has not taken.
    pub(crate) fn is_drained(&self) -> bool {
        self.inbox.is_empty()
    }

    /// So much waits to be sent that nothing should be added.
    pub(crate) fn is_backed_up(&self) -> bool {
        self.outbox.len() >= buffers::SMALL / 2
    }

    /// Much is about to be written.
    pub(crate) fn expect_much(&mut self) {
        if self.outbox.capacity() == 0 {
            self.outbox = buffers::take_large();
        }
    }

    /// Bytes to be sent behind those that wait.
    pub(crate) fn queue(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.outbox.capacity() == 0 {
            self.outbox = buffers::take_small();
        }
        self.outbox.extend_from_slice(bytes);
    }

    /// Drops what was not sent.
    pub(crate) fn unsay(&mut self) {
        self.outbox.clear();
    }

    /// Reads once; 0 is the end of the stream below. Before it waits, it sends.
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(Err(lost())) };
        let filled = self.inbox.poll_fill(stream, cx, self.room);
        match &filled {
            Poll::Pending => {
                if let Poll::Ready(Err(error)) = self.poll_send(cx) {
                    return Poll::Ready(Err(error));
                }
            }
            Poll::Ready(Ok(read)) => {
                self.room = if *read < buffers::SMALL { Room::Head } else { Room::Body };
                if usize::from(self.first_len) < FIRST {
                    self.remember_first(*read);
                }
            }
            Poll::Ready(Err(_)) => {}
        }
        filled
    }

    /// Of the bytes that were read last.
    fn remember_first(&mut self, read: usize) {
        let received = self.inbox.bytes();
        let new = &received[received.len() - read..];
        for byte in new.iter().take(FIRST - usize::from(self.first_len)) {
            self.first[usize::from(self.first_len)] = *byte;
            self.first_len += 1;
        }
    }

    /// Sends what waits.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outbox.is_empty() {
            let stream = self.stream.as_mut().ok_or_else(lost)?;
            let written = ready!(stream.poll_write(cx, &[IoSlice::new(&self.outbox)]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outbox.advance(written);
        }
        self.release();
        Poll::Ready(Ok(()))
    }

    /// Gives the buffer of what was sent back.
    fn release(&mut self) {
        if self.outbox.capacity() > 0 {
            buffers::give(std::mem::take(&mut self.outbox));
        }
    }
}

impl<S> Drop for Wire<S> {
    fn drop(&mut self) {
        if self.outbox.capacity() > 0 {
            self.outbox.clear();
            buffers::give(std::mem::take(&mut self.outbox));
        }
    }
}

fn lost() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

/// For the library alone.
impl<S: Stream> AsyncRead for Wire<S> {
    /// An end of the stream is an error: only the library's own word ends TLS (RFC 8446 6.1).
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.outbox.len() > UNSENT {
            // Who makes us answer without taking the answers waits for itself (key updates, RFC 8446 4.6.3).
            ready!(this.poll_send(cx))?;
        }
        if this.inbox.is_empty() && ready!(this.poll_receive(cx))? == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        let received = this.inbox.bytes();
        let count = received.len().min(buf.remaining());
        buf.put_slice(&received[..count]);
        received.advance(count);
        if received.is_empty() {
            this.inbox.release();
        }
        Poll::Ready(Ok(()))
    }
}

/// For the library alone. Everything is taken; [`Wire::poll_send`] sends it.
impl<S: Stream> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().queue(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
