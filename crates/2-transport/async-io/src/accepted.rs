//! A TCP connection that was just accepted.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::task::{Context, Poll, ready};

use bytes::{BufMut, BytesMut};
use gorge_digest::{PeerAddr, SocketDigest, TcpInfo};
use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::TcpStream;

use crate::{Stream, poll};

/// A TCP connection that meets the reactor only when it has to wait, and only for what it waits for.
///
/// On a busy worker the request lies in the socket by the time a new connection has its turn, and
/// the answer mostly fits into it: a connection that carries no more than that is read, written and
/// closed without ever being registered. On an idle worker the request is still on its way; then
/// the connection waits to become readable. That it may be written to is only asked for after a
/// write that did not fit, for every connection begins writable and would be reported for nothing.
pub struct AcceptedTcp(State);

enum State {
    Unregistered {
        socket: Socket,
        /// The last read took all there was.
        dry: bool,
    },
    /// Registered for reading. Writes are tried.
    Reading(AsyncFd<Socket>),
    /// Registered for both.
    Full(TcpStream),
    /// Registering failed; the socket is closed.
    Lost,
}

/// After a first look that found nothing, so many connections of this thread wait for the reactor
/// without one: the worker is faster than its clients.
const LOOKS_SPARED: u8 = 32;

thread_local! {
    static SPARED: Cell<u8> = const { Cell::new(0) };
}

/// Whether to look into a new connection before it is registered.
fn looks_first() -> bool {
    SPARED.with(|spared| {
        let left = spared.get();
        spared.set(left.saturating_sub(1));
        left == 0
    })
}

impl AcceptedTcp {
    /// From a connected socket that does not block.
    #[must_use]
    pub fn new(socket: Socket) -> Self {
        Self(State::Unregistered { socket, dry: false })
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
            State::Unregistered { socket, .. } => TcpStream::from_std(socket.into()),
            State::Reading(fd) => TcpStream::from_std(fd.into_inner().into()),
            State::Full(stream) => Ok(stream),
            State::Lost => Err(lost()),
        }
    }

    /// The same connection, known to no reactor: to be used on another worker.
    ///
    /// # Errors
    /// What taking it out of its reactor reports.
    pub fn unregistered(self) -> io::Result<Self> {
        let socket = match self.0 {
            State::Unregistered { socket, .. } => socket,
            State::Reading(fd) => fd.into_inner(),
            State::Full(stream) => stream.into_std()?.into(),
            State::Lost => return Err(lost()),
        };
        Ok(Self(State::Unregistered { socket, dry: false }))
    }

    /// Registers it for reading, if it is not registered.
    fn register(&mut self) -> io::Result<&mut State> {
        if let State::Unregistered { .. } = self.0
            && let State::Unregistered { socket, .. } = std::mem::replace(&mut self.0, State::Lost)
        {
            // SAFETY: a `Socket` has one descriptor, which it owns and never changes.
            self.0 = State::Reading(unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?);
        }
        Ok(&mut self.0)
    }

    /// Registers it for both directions.
    fn register_fully(&mut self) -> io::Result<&mut TcpStream> {
        if !matches!(self.0, State::Full(_)) {
            let this = Self(std::mem::replace(&mut self.0, State::Lost));
            self.0 = State::Full(this.into_tokio()?);
        }
        match &mut self.0 {
            State::Full(stream) => Ok(stream),
            _ => Err(lost()),
        }
    }

    fn socket(&self) -> Option<SockRef<'_>> {
        match &self.0 {
            State::Unregistered { socket, .. } => Some(SockRef::from(socket)),
            State::Reading(fd) => Some(SockRef::from(fd.get_ref())),
            State::Full(stream) => Some(SockRef::from(stream)),
            State::Lost => None,
        }
    }
}

fn lost() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

/// Reads into the spare capacity, and tells whether there was room for more.
fn read_now(socket: &Socket, buf: &mut BytesMut) -> io::Result<(usize, bool)> {
    let spare = buf.spare_capacity_mut();
    let room = spare.len();
    if room == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no room left in the read buffer"));
    }
    let read = socket.recv(spare)?;
    // SAFETY: `recv` has written so many bytes to the front of the spare capacity.
    unsafe { buf.advance_mut(read) };
    Ok((read, read < room))
}

/// Writes without waiting and without a signal if the peer is gone.
fn write_now(socket: &Socket, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    const QUIETLY: libc::c_int = libc::MSG_NOSIGNAL;
    #[cfg(not(target_os = "linux"))]
    const QUIETLY: libc::c_int = 0;
    match bufs {
        [one] => socket.send_with_flags(one, QUIETLY),
        _ => socket.send_vectored_with_flags(bufs, QUIETLY),
    }
}

fn would_block<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

impl Stream for AcceptedTcp {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.0, State::Unregistered { dry: false, .. }) && looks_first() {
            return Poll::Ready(Ok(()));
        }
        match self.register()? {
            State::Reading(fd) => fd.poll_read_ready(cx).map_ok(drop),
            State::Full(stream) => stream.poll_readable(cx),
            _ => Poll::Ready(Err(lost())),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
        if let State::Unregistered { socket, dry } = &mut self.0 {
            let read = read_now(socket, buf);
            if !would_block(&read) {
                return Poll::Ready(read.map(|(read, short)| {
                    // As tokio does: a read that left room found the end of what there was. The
                    // end of the stream goes on being found.
                    *dry = short && read > 0;
                    read
                }));
            }
            SPARED.set(LOOKS_SPARED);
        }
        match self.register()? {
            State::Reading(fd) => loop {
                let mut ready = ready!(fd.poll_read_ready(cx))?;
                if let Ok(read) = ready.try_io(|fd| read_now(fd.get_ref(), buf)) {
                    let (read, short) = read?;
                    if short && read > 0 {
                        ready.clear_ready();
                    }
                    return Poll::Ready(Ok(read));
                }
            },
            State::Full(stream) => stream.poll_read(cx, buf),
            _ => Poll::Ready(Err(lost())),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let tried = match &self.0 {
            State::Unregistered { socket, .. } => write_now(socket, bufs),
            State::Reading(fd) => write_now(fd.get_ref(), bufs),
            State::Full(_) | State::Lost => Err(io::ErrorKind::WouldBlock.into()),
        };
        if would_block(&tried) {
            return self.register_fully()?.poll_write(cx, bufs);
        }
        Poll::Ready(tried)
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.register_fully()?.poll_writable(cx)
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
        let seen = match &mut self.0 {
            State::Unregistered { socket, .. } => poll::peek(socket.as_fd()),
            State::Reading(fd) => fd.try_io(Interest::READABLE, |socket| poll::peek(socket.as_fd())),
            State::Full(stream) => return stream.is_closed(),
            State::Lost => return true,
        };
        !would_block(&seen)
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
