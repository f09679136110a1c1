//! A boxed stream is a stream, for places where its kind is only known at run time.

use std::io::{self, IoSlice};
use std::os::fd::RawFd;
use std::task::{Context, Poll};

use bytes::BytesMut;
use gorge_digest::{SocketDigest, TcpInfo};

use crate::Stream;

impl<S: Stream + ?Sized> Stream for Box<S> {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_readable(cx)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
        (**self).poll_read(cx, buf)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        (**self).poll_write(cx, bufs)
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_writable(cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_shutdown(cx)
    }

    fn abort(&mut self) {
        (**self).abort();
    }

    fn is_closed(&mut self) -> bool {
        (**self).is_closed()
    }

    fn is_watched(&self) -> bool {
        (**self).is_watched()
    }

    fn needs_shutdown(&self) -> bool {
        (**self).needs_shutdown()
    }

    fn raw_fd(&self) -> Option<RawFd> {
        (**self).raw_fd()
    }

    fn socket_digest(&self) -> SocketDigest {
        (**self).socket_digest()
    }

    fn tcp_info(&self) -> Option<TcpInfo> {
        (**self).tcp_info()
    }

    fn poll_write_buf(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<()>> {
        (**self).poll_write_buf(cx, buf)
    }
}
