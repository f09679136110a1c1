//! What the socket types have in common: reads into uninitialised memory, writes, and a quiet look.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One read into the spare capacity of `buf`.
///
/// It goes through tokio's `AsyncRead`, not through `try_read`: that path clears the readiness after
/// a read that did not fill the buffer, which saves the read that would only find `EAGAIN`.
pub(crate) fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    cx: &mut Context<'_>,
    buf: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    let spare = buf.spare_capacity_mut();
    if spare.is_empty() {
        return Poll::Ready(Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "no room left in the read buffer",
        )));
    }
    let mut into = ReadBuf::uninit(spare);
    ready!(Pin::new(stream).poll_read(cx, &mut into))?;
    let read = into.filled().len();
    // SAFETY: `into` lay over the spare capacity of `buf`, and `ReadBuf` counts as filled only what
    // has been written, from the start on.
    unsafe { buf.advance_mut(read) };
    Poll::Ready(Ok(read))
}

/// One write; a single slice takes the plain call, which is a little cheaper for the kernel.
pub(crate) fn write<S: AsyncWrite + Unpin>(
    stream: &mut S,
    cx: &mut Context<'_>,
    bufs: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    match bufs {
        [one] => Pin::new(stream).poll_write(cx, one),
        _ => Pin::new(stream).poll_write_vectored(cx, bufs),
    }
}

/// Looks at the next byte without taking it. `WouldBlock` means that nothing is there.
pub(crate) fn peek(socket: impl AsFd) -> io::Result<usize> {
    SockRef::from(&socket).peek(&mut [MaybeUninit::uninit()])
}
