//! The one trait that stands between a socket and a protocol.

use std::io::{self, IoSlice};
use std::os::fd::RawFd;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use gorge_digest::{SocketDigest, TcpInfo};

/// A duplex byte stream: a socket, TLS over one, or a pair in memory.
///
/// The trait is poll-based and every call says what it costs, because a proxy holds tens of
/// thousands of streams of which nearly all wait: a waiting reader calls [`poll_readable`] and holds
/// no buffer, and takes one only once there is something to put into it. Buffers belong to the
/// caller and are never zeroed.
///
/// No call loses a byte when its future is dropped: what [`poll_read`] returned is in the caller's
/// buffer, what it did not return is still in the stream.
///
/// A protocol is generic over `S: Stream`; where the kind of stream is only known at run time,
/// `Box<dyn Stream>` is one too.
///
/// [`poll_readable`]: Stream::poll_readable
/// [`poll_read`]: Stream::poll_read
pub trait Stream: Send + Unpin + 'static {
    /// Ready once data, the end or an error is there to be read.
    ///
    /// It needs no buffer and makes no system call. `Ready` is a hint: the read that follows may
    /// still find nothing and return `Pending`, as the first on an accepted connection often does
    /// (tokio takes those for readable unasked). Give the buffer back then.
    ///
    /// # Errors
    /// Only when the runtime that drives the stream is gone; errors of the peer come out of
    /// [`poll_read`](Stream::poll_read).
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Reads once into the spare capacity of `buf`, and returns how many bytes were added; 0 is the
    /// end of the stream.
    ///
    /// The buffer is neither grown nor zeroed.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] when `buf` has no spare capacity, for a 0 would then read as
    /// the end; otherwise what the stream reports.
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>>;

    /// Writes as much of `bufs` as fits, in order, and returns how many bytes were taken.
    ///
    /// # Errors
    /// What the stream reports; [`io::ErrorKind::BrokenPipe`] and
    /// [`io::ErrorKind::ConnectionReset`] when the peer is gone.
    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Ready once a write is likely to take something. Like [`poll_readable`](Stream::poll_readable)
    /// it is a hint and makes no system call.
    ///
    /// # Errors
    /// As for [`poll_readable`](Stream::poll_readable).
    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ready once everything written has left this layer. Sockets hold nothing back, so the default
    /// is ready at once; layers with a buffer of their own (TLS) override it.
    ///
    /// # Errors
    /// What the write of the rest reports.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = cx;
        Poll::Ready(Ok(()))
    }

    /// Ends the writing half: the peer reads what was written and then the end. Reading goes on.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] when the peer is gone, or what the flush before it reports.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Makes the drop that follows reset the connection, so that the peer cannot take a body cut
    /// short for a whole one.
    ///
    /// TCP sends a reset (`SO_LINGER` 0). A Unix socket knows no reset: there the peer reads the end.
    fn abort(&mut self);

    /// Whether a connection that ought to be quiet is not: the end, an error or data nobody asked
    /// for is there. It is what to ask of an idle pooled connection before use.
    ///
    /// The answer comes from the readiness the reactor has recorded; there is no system call while
    /// the connection is quiet, and one (a peek) when something happened on it.
    fn is_closed(&mut self) -> bool;

    /// Whether waiting for this stream costs nothing but the waiting. False while it would first
    /// have to be registered with the reactor, as with a connection just accepted: who only wants to
    /// know whether the peer is still there then does well to let a little time pass.
    fn is_watched(&self) -> bool {
        true
    }

    /// Whether to the other side a drop without [`poll_shutdown`](Stream::poll_shutdown) looks as if
    /// somebody had cut the connection. TLS is so; of a socket the kernel says the end by itself.
    fn needs_shutdown(&self) -> bool {
        false
    }

    /// The descriptor underneath, if there is one.
    fn raw_fd(&self) -> Option<RawFd> {
        None
    }

    /// The addresses of both ends. Two system calls on a socket, so ask once and keep the answer.
    fn socket_digest(&self) -> SocketDigest {
        SocketDigest::default()
    }

    /// What the kernel knows of a TCP connection: one system call. `None` for everything else.
    fn tcp_info(&self) -> Option<TcpInfo> {
        None
    }

    /// Writes from the front of `buf` and takes off what was written, until it is empty.
    ///
    /// # Errors
    /// As for [`poll_write`](Stream::poll_write), and [`io::ErrorKind::WriteZero`] when the stream
    /// takes nothing more.
    fn poll_write_buf(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<()>> {
        while !buf.is_empty() {
            let written = ready!(self.poll_write(cx, &[IoSlice::new(buf)]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            bytes::Buf::advance(buf, written);
        }
        Poll::Ready(Ok(()))
    }
}
