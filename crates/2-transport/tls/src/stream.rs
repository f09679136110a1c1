//! A stream whose bytes are encrypted on their way.

use std::io::{self, IoSlice};
use std::os::fd::RawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{BufMut, BytesMut};
use gorge_allocators::buffers;
use gorge_async_io::Stream;
use gorge_digest::{SocketDigest, TcpInfo, TlsDigest};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;

use crate::wire::Wire;
use crate::{client, ffi};

/// Plaintext of a record at most (RFC 8446 5.1).
const RECORD: usize = 16 * 1024;

/// Plaintext taken by one write: as many whole records as fit into a large buffer with what they add.
const WRITE: usize = 3 * RECORD;

/// Plaintext of which the records fit into a small buffer.
const SMALL_WRITE: usize = buffers::SMALL - 256;

/// TLS over a stream of any kind.
///
/// It reads 0, the end, only when the other side has said so; a connection that ends without a word is an
/// error, [`io::ErrorKind::UnexpectedEof`], for somebody on the way may have cut it. While it waits it
/// holds no buffer.
pub struct TlsStream<S> {
    inner: SslStream<Wire<S>>,
    digest: Arc<TlsDigest>,
    /// The end of our side was said.
    ended: bool,
    /// The end of the other side, or an error, was found behind what was read last; it is found again.
    over: bool,
}

impl<S: Stream> TlsStream<S> {
    /// After the handshake.
    pub(crate) fn new(inner: SslStream<Wire<S>>, digest: TlsDigest) -> Self {
        Self { inner, digest: Arc::new(digest), ended: false, over: false }
    }

    /// What was agreed on.
    #[must_use]
    pub fn tls_digest(&self) -> &Arc<TlsDigest> {
        &self.digest
    }

    /// Puts another stream below, made from the one that is there: the same connection, known to another
    /// reactor.
    ///
    /// # Errors
    /// What `change` reports; the connection is lost then.
    pub fn map(mut self, change: impl FnOnce(S) -> io::Result<S>) -> io::Result<Self> {
        self.wire().map(change)?;
        Ok(self)
    }

    fn wire(&mut self) -> &mut Wire<S> {
        self.inner.get_mut()
    }

    fn has_buffered(&self) -> bool {
        self.over || !self.inner.get_ref().is_drained() || self.inner.ssl().pending() > 0
    }

    /// One record at most.
    fn poll_record(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
        let mut into = ReadBuf::uninit(buf.spare_capacity_mut());
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut into))
            .map_err(|error| client::explain_read(error, self.inner.ssl()))?;
        let read = into.filled().len();
        // SAFETY: so many bytes at the front of the spare capacity were filled.
        unsafe { buf.advance_mut(read) };
        Poll::Ready(Ok(read))
    }

    /// Makes one record. The wire takes all of it, so this is never pending for want of room.
    fn poll_encrypt(&mut self, cx: &mut Context<'_>, plain: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, plain)
    }

    /// Makes records of `bufs`, [`WRITE`] bytes at most; small pieces share one.
    fn poll_encrypt_all(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut taken = 0;
        let mut gathered = None;
        let mut pieces = bufs.iter().map(|buf| &buf[..]).filter(|buf| !buf.is_empty()).peekable();
        while let Some(piece) = pieces.next() {
            let piece = &piece[..piece.len().min(WRITE - taken)];
            taken += piece.len();
            let alone = gathered.is_none() && (piece.len() >= RECORD || pieces.peek().is_none());
            if alone {
                ready!(self.poll_encrypt(cx, piece))?;
            } else {
                gathered.get_or_insert_with(buffers::take_large).extend_from_slice(piece);
            }
            if taken == WRITE {
                break;
            }
        }
        if let Some(gathered) = gathered {
            let made = self.poll_encrypt(cx, &gathered);
            buffers::give(gathered);
            ready!(made)?;
        }
        Poll::Ready(Ok(taken))
    }
}

impl<S: Stream> Stream for TlsStream<S> {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_buffered() {
            return Poll::Ready(Ok(()));
        }
        let readable = self.wire().stream_mut()?.poll_readable(cx);
        if readable.is_pending() {
            // An error of it will be found by the read or write that comes next.
            let _ = self.wire().poll_send(cx);
        }
        readable
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
        if buf.capacity() == buf.len() {
            let full = io::Error::new(io::ErrorKind::InvalidInput, "no room left in the read buffer");
            return Poll::Ready(Err(full));
        }
        let mut total = ready!(self.poll_record(cx, buf))?;
        // Records that have arrived too come along, as far as there is room.
        while total > 0 && buf.capacity() > buf.len() && self.has_buffered() {
            match self.poll_record(cx, buf) {
                Poll::Ready(Ok(0) | Err(_)) => {
                    self.over = true;
                    break;
                }
                Poll::Pending => break,
                Poll::Ready(Ok(more)) => total += more,
            }
        }
        Poll::Ready(Ok(total))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        // What the last write left comes first; then nothing is taken that could not be sent.
        let wanted: usize = bufs.iter().map(|buf| buf.len()).sum();
        if wanted > SMALL_WRITE {
            ready!(self.wire().poll_send(cx))?;
            self.wire().expect_much();
        } else if self.wire().is_backed_up() {
            ready!(self.wire().poll_send(cx))?;
        }
        let taken = ready!(self.poll_encrypt_all(cx, bufs))?;
        match self.wire().poll_send(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // What did not fit waits for the flush, or for the next write.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(taken)),
        }
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.wire().poll_send(cx))?;
        self.wire().stream_mut()?.poll_writable(cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.wire().poll_send(cx))?;
        self.wire().stream_mut()?.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.ended {
            self.ended = true;
            // Makes the record that says so, and does not wait for the same from the other side.
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
        }
        ready!(self.wire().poll_send(cx))?;
        self.wire().stream_mut()?.poll_shutdown(cx)
    }

    fn abort(&mut self) {
        if let Ok(stream) = self.wire().stream_mut() {
            stream.abort();
        }
    }

    fn is_closed(&mut self) -> bool {
        let quiet = match self.wire().stream_mut() {
            Ok(stream) => !stream.is_closed(),
            Err(_) => return true,
        };
        if quiet && !self.has_buffered() {
            return false;
        }
        // What came may be the library's own business, such as a session ticket.
        let mut cx = Context::from_waker(Waker::noop());
        Pin::new(&mut self.inner).poll_peek(&mut cx, &mut [0]).is_ready()
    }

    fn is_watched(&self) -> bool {
        self.inner.get_ref().stream().is_none_or(Stream::is_watched)
    }

    fn needs_shutdown(&self) -> bool {
        !self.ended
    }

    fn raw_fd(&self) -> Option<RawFd> {
        self.inner.get_ref().stream()?.raw_fd()
    }

    fn socket_digest(&self) -> SocketDigest {
        self.inner.get_ref().stream().map(Stream::socket_digest).unwrap_or_default()
    }

    fn tcp_info(&self) -> Option<TcpInfo> {
        self.inner.get_ref().stream()?.tcp_info()
    }
}

impl<S> Drop for TlsStream<S> {
    fn drop(&mut self) {
        ffi::keep_session(self.inner.ssl());
    }
}

impl<S> std::fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsStream").field("digest", &self.digest).finish_non_exhaustive()
    }
}
