//! Accepting connections on one worker.

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use gorge_async_io::AcceptedTcp;
use gorge_digest::PeerAddr;
use socket2::{SockAddr, SockRef, Socket};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::{UnixListener, UnixStream};

use crate::unix_path::SocketFile;
use crate::{Address, Transport, VirtualListener};

/// A listening socket on its way to the worker that will serve it.
#[derive(Debug)]
pub struct WorkerListener {
    kind: Idle,
    address: Option<Address>,
    shared: bool,
    file: Option<Arc<SocketFile>>,
}

#[derive(Debug)]
enum Idle {
    Tcp(Socket),
    Unix(Socket),
    Virtual(VirtualListener),
}

impl WorkerListener {
    pub(crate) fn new(
        socket: Socket,
        address: &Address,
        shared: bool,
        file: Option<Arc<SocketFile>>,
    ) -> Self {
        let kind = if matches!(address, Address::Ip(_)) { Idle::Tcp(socket) } else { Idle::Unix(socket) };
        WorkerListener { kind, address: Some(address.clone()), shared, file }
    }

    /// A second hold on the same socket, so that a worker that has to begin anew can accept again.
    /// The socket closes, and resets what is queued on it, with the last hold.
    ///
    /// # Errors
    /// When the system has no more descriptors.
    pub fn try_clone(&self) -> io::Result<Self> {
        let kind = match &self.kind {
            Idle::Tcp(socket) => Idle::Tcp(socket.try_clone()?),
            Idle::Unix(socket) => Idle::Unix(socket.try_clone()?),
            Idle::Virtual(listener) => Idle::Virtual(listener.clone()),
        };
        Ok(WorkerListener {
            kind,
            address: self.address.clone(),
            shared: self.shared,
            file: self.file.clone(),
        })
    }

    /// The address and the socket; `None` for one in memory.
    pub(crate) fn socket(&self) -> Option<(&Address, &Socket)> {
        match (&self.kind, &self.address) {
            (Idle::Tcp(socket) | Idle::Unix(socket), Some(address)) => Some((address, socket)),
            _ => None,
        }
    }

    /// Whether this is the only socket of the address; see [`Acceptor::is_shared`].
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Registers the socket with the reactor of this worker, to accept from it here.
    ///
    /// # Errors
    /// What the registration reports.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(self) -> io::Result<Acceptor> {
        let local = match &self.address {
            Some(address) if !address.is_wildcard() => Some(PeerAddr::from(address)),
            _ => None,
        };
        let socket = match self.kind {
            Idle::Tcp(socket) => {
                // SAFETY: a `Socket` has one descriptor, which it owns and never changes.
                let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?;
                Listening::Tcp(socket)
            }
            Idle::Unix(socket) => Listening::Unix(UnixListener::from_std(socket.into())?),
            Idle::Virtual(listener) => Listening::Virtual(listener),
        };
        Ok(Acceptor { socket, local, shared: self.shared, file: self.file })
    }
}

impl From<VirtualListener> for WorkerListener {
    /// In memory there is nothing to bind: one listener, shared by all workers.
    fn from(listener: VirtualListener) -> Self {
        WorkerListener { kind: Idle::Virtual(listener), address: None, shared: true, file: None }
    }
}

/// Accepts connections from one listening socket.
///
/// An accepted connection has the options set on the listener, so that accepting costs one system
/// call; one over TCP is not even registered with the reactor before it has to wait
/// ([`AcceptedTcp`]).
#[derive(Debug)]
pub struct Acceptor {
    socket: Listening,
    local: Option<PeerAddr>,
    shared: bool,
    file: Option<Arc<SocketFile>>,
}

#[derive(Debug)]
enum Listening {
    Tcp(AsyncFd<Socket>),
    Unix(UnixListener),
    Virtual(VirtualListener),
}

impl Acceptor {
    /// The next connection and its peer.
    ///
    /// Tokio makes the reactor's turn come up by itself, even if connections never stop arriving.
    ///
    /// # Errors
    /// What the system reports. None of them ends the listener: [`is_exhausted`] asks for a pause,
    /// after all others the next connection can be accepted at once.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Transport, PeerAddr)>> {
        Poll::Ready(match &mut self.socket {
            Listening::Tcp(listener) => ready!(poll_accept_tcp(listener, cx)).map(tcp),
            Listening::Unix(listener) => ready!(listener.poll_accept(cx)).map(|(stream, peer)| {
                (Transport::Unix(stream), PeerAddr::Unix(peer.as_pathname().map(Into::into)))
            }),
            Listening::Virtual(listener) => ready!(listener.poll_accept(cx))
                .map(|stream| (Transport::Virtual(stream), PeerAddr::Unix(None))),
        })
    }

    /// Ready when a connection waits to be accepted: for whoever has to make room first. Takes a system
    /// call. Pending over Unix sockets and in memory, where nobody tells.
    ///
    /// # Errors
    /// What the system reports.
    pub fn poll_waiting(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Listening::Tcp(listener) = &self.socket else { return Poll::Pending };
        loop {
            let mut ready = ready!(listener.poll_read_ready(cx))?;
            // The reactor tells of what came, not of what is left.
            if let Ok(waiting) = ready.try_io(|listener| has_waiting(listener.get_ref())) {
                return Poll::Ready(waiting);
            }
        }
    }

    /// [`poll_accept`](Acceptor::poll_accept) to `.await`; dropping the future loses no connection.
    ///
    /// # Errors
    /// As for [`poll_accept`](Acceptor::poll_accept).
    pub fn accept(&mut self) -> impl Future<Output = io::Result<(Transport, PeerAddr)>> + Send {
        poll_fn(|cx| self.poll_accept(cx))
    }

    /// Lets no further connection begin, so that the queue can be emptied to the last before the
    /// socket is closed, however many clients go on trying.
    ///
    /// Over TCP (on Linux) handshakes that have begun go on and end in the queue; further ones are
    /// dropped, not refused: a client that tries again a second later finds whoever has the address
    /// then, or nobody. A Unix socket loses its file. Not to be called for a socket that another
    /// process goes on serving.
    pub fn refuse_new(&mut self) {
        match &mut self.socket {
            // If the kernel takes no filter, the queue is emptied as far as it can be.
            #[cfg(target_os = "linux")]
            Listening::Tcp(listener) => drop(listener.get_ref().attach_filter(&no_beginnings())),
            #[cfg(not(target_os = "linux"))]
            Listening::Tcp(_) => {}
            Listening::Unix(_) => {
                if let Some(file) = &self.file {
                    file.remove();
                }
            }
            Listening::Virtual(listener) => listener.refuse_new(),
        }
    }

    /// Accepts what is queued in the kernel at this moment, whatever the reactor has heard of it;
    /// `None` once nothing is left.
    ///
    /// Closing a listening socket resets the connections still queued on it, so call
    /// [`refuse_new`](Acceptor::refuse_new) and then this until it returns `None`, before the acceptor
    /// is dropped.
    ///
    /// # Errors
    /// As for [`poll_accept`](Acceptor::poll_accept).
    pub fn accept_queued(&mut self) -> io::Result<Option<(Transport, PeerAddr)>> {
        let accepted = match &mut self.socket {
            Listening::Tcp(listener) => {
                let accepted = accept_now(listener.get_ref().as_fd())?;
                return Ok(accepted.map(tcp));
            }
            Listening::Unix(listener) => accept_now(listener.as_fd())?,
            Listening::Virtual(listener) => {
                let accepted = listener.accept_queued();
                return Ok(accepted.map(|stream| (Transport::Virtual(stream), PeerAddr::Unix(None))));
            }
        };
        let Some((socket, peer)) = accepted else { return Ok(None) };
        let peer = PeerAddr::Unix(peer.as_pathname().map(Into::into));
        Ok(Some((Transport::Unix(UnixStream::from_std(socket.into())?), peer)))
    }

    /// The address connections arrive at: known for all of them, unless it is a wildcard (then ask
    /// the connection, [`Stream::socket_digest`](gorge_async_io::Stream::socket_digest)).
    pub fn local(&self) -> Option<&PeerAddr> {
        self.local.as_ref()
    }

    /// Whether this is the only acceptor of the address, whose connections are to be dealt out to
    /// all workers.
    pub fn is_shared(&self) -> bool {
        self.shared
    }
}

/// A packet filter that drops the first segment of a handshake, SYN without ACK, and nothing else. The
/// connections that come of those under way inherit it, and it takes nothing from them.
#[cfg(target_os = "linux")]
fn no_beginnings() -> [socket2::SockFilter; 5] {
    /// Where a TCP header has its flags (RFC 9293 3.1), and two of them.
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    // The code of an instruction has 16 bits, and the constants are too small to lose any.
    let one = |code: u32, jump_true, k| socket2::SockFilter::new(code as u16, jump_true, 0, k);
    [
        one(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, FLAGS),
        one(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, SYN | ACK),
        one(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, SYN),
        one(libc::BPF_RET | libc::BPF_K, 0, u32::MAX),
        one(libc::BPF_RET | libc::BPF_K, 0, 0),
    ]
}

/// Accepts as soon as the reactor says that there is something.
fn poll_accept_tcp(listener: &AsyncFd<Socket>, cx: &mut Context<'_>) -> Poll<io::Result<(Socket, SockAddr)>> {
    loop {
        let mut ready = ready!(listener.poll_read_ready(cx))?;
        if let Ok(accepted) = ready.try_io(|listener| accept(listener.get_ref())) {
            return Poll::Ready(accepted);
        }
    }
}

fn tcp((socket, peer): (Socket, SockAddr)) -> (Transport, PeerAddr) {
    let peer = peer.as_socket().map_or(PeerAddr::Unix(None), PeerAddr::Ip);
    (Transport::Accepted(AcceptedTcp::new(socket)), peer)
}

/// A connection that does not block, in one system call.
#[cfg(target_os = "linux")]
fn accept(listener: &Socket) -> io::Result<(Socket, SockAddr)> {
    listener.accept4(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)
}

#[cfg(not(target_os = "linux"))]
fn accept(listener: &Socket) -> io::Result<(Socket, SockAddr)> {
    let (socket, peer) = listener.accept()?;
    socket.set_nonblocking(true)?;
    Ok((socket, peer))
}

/// Whether the queue of a listening socket holds a connection; `WouldBlock` if not.
fn has_waiting(listener: &Socket) -> io::Result<()> {
    let mut asked = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure is passed, which lives until the call has returned; it does not wait.
    match unsafe { libc::poll(&raw mut asked, 1, 0) } {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        1.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn accept_now(listener: impl AsFd) -> io::Result<Option<(Socket, SockAddr)>> {
    match accept(&SockRef::from(&listener)) {
        Ok(accepted) => Ok(Some(accepted)),
        Err(err) if err.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(err) => Err(err),
    }
}

/// Whether an accept failed because descriptors or memory ran out: the connection is still queued,
/// and the next try fails the same way until something is closed, so a pause is due.
pub fn is_exhausted(err: &io::Error) -> bool {
    matches!(err.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}
