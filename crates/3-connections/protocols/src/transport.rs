//! A connection of any kind, without a box.

use std::io::{self, IoSlice};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use gorge_async_io::{AcceptedTcp, Stream};
use gorge_digest::{SocketDigest, TcpInfo, TlsDigest};
#[cfg(feature = "openssl")]
use gorge_tls::TlsStream;
use tokio::net::{TcpStream, UnixStream};

use crate::VirtualStream;

/// A connection as a listener hands it out or a connector returns it: the usual kinds side by side,
/// so that a call costs a branch and no box, and [`Boxed`](Transport::Boxed) for the unusual ones.
#[non_exhaustive]
pub enum Transport {
    /// TCP, as a listener hands it out.
    Accepted(AcceptedTcp),
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
    /// One end of a pair in memory.
    Virtual(VirtualStream),
    /// TLS over any of these.
    #[cfg(feature = "openssl")]
    Tls(Box<TlsStream<Transport>>),
    /// Anything else.
    Boxed(Box<dyn Stream>),
}

impl Transport {
    /// Moves the connection to the reactor of the runtime this is called in, so that it can be used
    /// on this worker: two system calls for a socket, none for a pair in memory.
    ///
    /// The connection must be quiet: what was already awaited on the other worker is not carried over,
    /// while bytes the kernel holds are.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] for a boxed stream, of whose reactor nothing is known; it is
    /// lost then, as with any other error here.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn rebind(self) -> io::Result<Self> {
        Ok(match self {
            Transport::Accepted(stream) => Transport::Accepted(stream.unregistered()?),
            Transport::Tcp(stream) => Transport::Tcp(TcpStream::from_std(stream.into_std()?)?),
            Transport::Unix(stream) => Transport::Unix(UnixStream::from_std(stream.into_std()?)?),
            Transport::Virtual(stream) => Transport::Virtual(stream),
            #[cfg(feature = "openssl")]
            Transport::Tls(stream) => Transport::Tls(Box::new(stream.map(Transport::rebind)?)),
            Transport::Boxed(_) => {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "a boxed stream stays with the worker it was made on",
                ));
            }
        })
    }
}

impl Transport {
    /// What was agreed on with the other side, if this is TLS.
    #[must_use]
    pub fn tls_digest(&self) -> Option<&Arc<TlsDigest>> {
        match self {
            #[cfg(feature = "openssl")]
            Transport::Tls(stream) => Some(stream.tls_digest()),
            _ => None,
        }
    }
}

/// Calls `$call` on whichever stream it is.
macro_rules! each {
    ($transport:expr, $stream:ident => $call:expr) => {
        match $transport {
            Transport::Accepted($stream) => $call,
            Transport::Tcp($stream) => $call,
            Transport::Unix($stream) => $call,
            Transport::Virtual($stream) => $call,
            #[cfg(feature = "openssl")]
            Transport::Tls($stream) => $call,
            Transport::Boxed($stream) => $call,
        }
    };
}

impl Stream for Transport {
    #[inline]
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_readable(cx))
    }

    #[inline]
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_read(cx, buf))
    }

    #[inline]
    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write(cx, bufs))
    }

    #[inline]
    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_writable(cx))
    }

    #[inline]
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_shutdown(cx))
    }

    fn abort(&mut self) {
        each!(self, stream => stream.abort());
    }

    fn is_closed(&mut self) -> bool {
        each!(self, stream => stream.is_closed())
    }

    fn is_watched(&self) -> bool {
        each!(self, stream => stream.is_watched())
    }

    fn needs_shutdown(&self) -> bool {
        each!(self, stream => stream.needs_shutdown())
    }

    fn raw_fd(&self) -> Option<RawFd> {
        each!(self, stream => stream.raw_fd())
    }

    fn socket_digest(&self) -> SocketDigest {
        each!(self, stream => stream.socket_digest())
    }

    fn tcp_info(&self) -> Option<TcpInfo> {
        each!(self, stream => stream.tcp_info())
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Transport::Accepted(stream) => f.debug_tuple("Accepted").field(stream).finish(),
            Transport::Tcp(stream) => f.debug_tuple("Tcp").field(stream).finish(),
            Transport::Unix(stream) => f.debug_tuple("Unix").field(stream).finish(),
            Transport::Virtual(_) => f.write_str("Virtual"),
            #[cfg(feature = "openssl")]
            Transport::Tls(stream) => f.debug_tuple("Tls").field(stream).finish(),
            Transport::Boxed(_) => f.write_str("Boxed"),
        }
    }
}

impl From<TcpStream> for Transport {
    fn from(stream: TcpStream) -> Self {
        Transport::Tcp(stream)
    }
}

impl From<UnixStream> for Transport {
    fn from(stream: UnixStream) -> Self {
        Transport::Unix(stream)
    }
}

impl From<VirtualStream> for Transport {
    fn from(stream: VirtualStream) -> Self {
        Transport::Virtual(stream)
    }
}

#[cfg(feature = "openssl")]
impl From<TlsStream<Transport>> for Transport {
    fn from(stream: TlsStream<Transport>) -> Self {
        Transport::Tls(Box::new(stream))
    }
}

impl From<Box<dyn Stream>> for Transport {
    fn from(stream: Box<dyn Stream>) -> Self {
        Transport::Boxed(stream)
    }
}
