//! The sockets of the system: TCP, and Unix streams.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use gorge_digest::{PeerAddr, SocketDigest, TcpInfo};
use tokio::io::{AsyncWrite, Interest};
use tokio::net::{TcpStream, UnixStream, unix};

use crate::{Stream, poll};

/// What both do alike. A macro, for tokio has no trait over what the two offer under the same names.
macro_rules! as_a_socket {
    ($address:expr) => {
        fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll_read_ready(cx)
        }

        fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
            poll::read(self, cx, buf)
        }

        fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
            poll::write(self, cx, bufs)
        }

        fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll_write_ready(cx)
        }

        fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            AsyncWrite::poll_shutdown(Pin::new(self), cx)
        }

        fn is_closed(&mut self) -> bool {
            // `try_io` asks the recorded readiness first, and forgets it when the peek finds nothing.
            let seen = self.try_io(Interest::READABLE, || poll::peek(self.as_fd()));
            !matches!(seen, Err(e) if e.kind() == io::ErrorKind::WouldBlock)
        }

        fn raw_fd(&self) -> Option<RawFd> {
            Some(self.as_raw_fd())
        }

        fn socket_digest(&self) -> SocketDigest {
            SocketDigest {
                peer: self.peer_addr().ok().map($address),
                local: self.local_addr().ok().map($address),
                ..SocketDigest::default()
            }
        }
    };
}

impl Stream for TcpStream {
    as_a_socket!(PeerAddr::Ip);

    fn abort(&mut self) {
        // It fails only on a socket that is no longer one, and then there is nothing to reset.
        let _ = self.set_zero_linger();
    }

    fn tcp_info(&self) -> Option<TcpInfo> {
        #[cfg(target_os = "linux")]
        return crate::info::of(self.as_fd());
        #[cfg(not(target_os = "linux"))]
        None
    }
}

impl Stream for UnixStream {
    as_a_socket!(path);

    fn abort(&mut self) {
        // There is no reset between Unix sockets; the close itself is all the peer can be told.
    }
}

fn path(addr: unix::SocketAddr) -> PeerAddr {
    PeerAddr::Unix(addr.as_pathname().map(Into::into))
}
