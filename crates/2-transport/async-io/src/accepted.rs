//! A TCP connection that was just accepted.

use std::io::{self, IoSlice, Write};
use std::net::{Shutdown, TcpStream as Unregistered};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::task::{Context, Poll};

use bytes::{BufMut, BytesMut};
use gorge_digest::{PeerAddr, SocketDigest, TcpInfo};
use socket2::{SockRef, Socket};
use tokio::net::TcpStream;

use crate::{Stream, poll};

/// A TCP connection that meets the reactor only when it has to wait.
///
/// A request mostly lies in the socket when the connection is accepted, and its answer mostly fits
/// into it: a connection that carries no more than that is read, written and closed without ever
/// being registered, which saves two system calls and what the reactor allocates for it. The first
/// call that finds nothing to do registers it, and from then on it is a [`TcpStream`].
pub struct AcceptedTcp(State);

enum State {
    Unregistered {
        socket: Unregistered,
        /// The last read took all there was.
        dry: bool,
    },
    Registered(TcpStream),
    /// Registering failed; the socket is closed.
    Lost,
}

impl AcceptedTcp {
    /// From a connected socket that does not block.
    #[must_use]
    pub fn new(socket: Socket) -> Self {
        Self(State::Unregistered { socket: socket.into(), dry: false })
    }

    /// The stream, registered with the reactor of the runtime this is called in.
    ///
    /// # Errors
    /// What the registration reports.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn into_tokio(self) -> io::Result<TcpStream> {
        match self.0 {
            State::Unregistered { socket, .. } => TcpStream::from_std(socket),
            State::Registered(stream) => Ok(stream),
            State::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The same connection, known to no reactor: to be used on another worker.
    ///
    /// # Errors
    /// What taking it out of its reactor reports.
    pub fn unregistered(self) -> io::Result<Self> {
        let socket = match self.0 {
            State::Registered(stream) => stream.into_std()?,
            State::Unregistered { socket, .. } => socket,
            State::Lost => return Err(io::ErrorKind::NotConnected.into()),
        };
        Ok(Self(State::Unregistered { socket, dry: false }))
    }

    fn registered(&mut self) -> io::Result<&mut TcpStream> {
        if let State::Unregistered { .. } = self.0
            && let State::Unregistered { socket, .. } = std::mem::replace(&mut self.0, State::Lost)
        {
            self.0 = State::Registered(TcpStream::from_std(socket)?);
        }
        match &mut self.0 {
            State::Registered(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn socket(&self) -> Option<SockRef<'_>> {
        match &self.0 {
            State::Unregistered { socket, .. } => Some(SockRef::from(socket)),
            State::Registered(stream) => Some(SockRef::from(stream)),
            State::Lost => None,
        }
    }
}

/// Reads into the spare capacity; `None` if there is nothing. Tells how much there was room for.
fn read_now(socket: &Unregistered, buf: &mut BytesMut) -> io::Result<Option<(usize, usize)>> {
    let spare = buf.spare_capacity_mut();
    let room = spare.len();
    if room == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no room left in the read buffer"));
    }
    match SockRef::from(socket).recv(spare) {
        Ok(read) => {
            // SAFETY: `recv` has written so many bytes to the front of the spare capacity.
            unsafe { buf.advance_mut(read) };
            Ok(Some((read, room)))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

fn write_now(mut socket: &Unregistered, bufs: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
    let written = match bufs {
        [one] => socket.write(one),
        _ => socket.write_vectored(bufs),
    };
    match written {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        written => written.map(Some),
    }
}

impl Stream for AcceptedTcp {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {
            State::Unregistered { dry: false, .. } => Poll::Ready(Ok(())),
            _ => self.registered()?.poll_readable(cx),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
        if let State::Unregistered { socket, dry } = &mut self.0
            && let Some((read, room)) = read_now(socket, buf)?
        {
            // As tokio does: a read that left room found the end of what there was.
            *dry = read < room && read > 0;
            return Poll::Ready(Ok(read));
        }
        self.registered()?.poll_read(cx, buf)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if let State::Unregistered { socket, .. } = &self.0
            && let Some(written) = write_now(socket, bufs)?
        {
            return Poll::Ready(Ok(written));
        }
        self.registered()?.poll_write(cx, bufs)
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.registered()?.poll_writable(cx)
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket does it at once, registered or not.
        Poll::Ready(self.socket().map_or(Ok(()), |socket| socket.shutdown(Shutdown::Write)))
    }

    fn abort(&mut self) {
        if let Some(socket) = self.socket() {
            // It fails only on a socket that is no longer one, and then there is nothing to reset.
            let _ = socket.set_linger(Some(std::time::Duration::ZERO));
        }
    }

    fn is_closed(&mut self) -> bool {
        match &mut self.0 {
            State::Unregistered { socket, .. } => {
                !matches!(poll::peek(socket.as_fd()), Err(e) if e.kind() == io::ErrorKind::WouldBlock)
            }
            State::Registered(stream) => stream.is_closed(),
            State::Lost => true,
        }
    }

    fn is_watched(&self) -> bool {
        !matches!(self.0, State::Unregistered { .. })
    }

    fn raw_fd(&self) -> Option<RawFd> {
        self.socket().map(|socket| socket.as_raw_fd())
    }

    fn socket_digest(&self) -> SocketDigest {
        let Some(socket) = self.socket() else { return SocketDigest::default() };
        let ip = |addr: socket2::SockAddr| addr.as_socket().map(PeerAddr::Ip);
        SocketDigest {
            peer: socket.peer_addr().ok().and_then(ip),
            local: socket.local_addr().ok().and_then(ip),
            ..SocketDigest::default()
        }
    }

    fn tcp_info(&self) -> Option<TcpInfo> {
        #[cfg(target_os = "linux")]
        return self.socket().and_then(|socket| crate::info::of(socket.as_fd()));
        #[cfg(not(target_os = "linux"))]
        None
    }
}

impl std::fmt::Debug for AcceptedTcp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcceptedTcp")
            .field("fd", &self.raw_fd())
            .field("watched", &self.is_watched())
            .finish()
    }
}
