//! Binding an address: proving it free, then one socket per worker.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use gorge_error::{Kind, OrErr, Result};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use crate::accept::WorkerListener;
use crate::unix_path::{self, SocketFile, Standing};
use crate::{Address, ListenOptions};

/// Binds addresses. The sockets belong to the process: bind them before the workers start, and hand
/// them out with [`BoundListener::for_workers`].
#[derive(Clone, Copy, Debug)]
pub struct Listener;

impl Listener {
    /// Binds `address` and listens on it.
    ///
    /// The address is proven to be free without `SO_REUSEPORT`, for with it a second process of the
    /// same user would share the address in silence. While it is in use the bind is tried again, up
    /// to [`ListenOptions::bind_tries`] times with [`ListenOptions::bind_pause`] between, and the
    /// calling thread sleeps meanwhile.
    ///
    /// A Unix socket's file that a dead process left behind is replaced; one that is served, or a
    /// file of another kind, is refused at once.
    ///
    /// # Errors
    /// [`Kind::BindFailed`], with the address and the system's reason.
    pub fn bind(address: &Address, options: &ListenOptions) -> Result<BoundListener> {
        let mut tries = options.bind_tries.max(1);
        loop {
            tries -= 1;
            match bind_once(address, options) {
                Err(err) if err.kind() == io::ErrorKind::AddrInUse && tries > 0 => {
                    thread::sleep(options.bind_pause);
                }
                bound => return bound.or_err_with(Kind::BindFailed, || format!("listen on {address}")),
            }
        }
    }
}

fn bind_once(address: &Address, options: &ListenOptions) -> io::Result<BoundListener> {
    let (socket, address, file) = match address {
        Address::Ip(addr) => {
            let (socket, addr) = bind_first(*addr, options)?;
            (socket, Address::Ip(addr), None)
        }
        // A name can mean several addresses, and other machines' too.
        Address::Name(..) => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a name is no address to listen on; give an IP address",
            ));
        }
        Address::Unix(path) => {
            make_way(path)?;
            let socket = bind_unix(path, options)?;
            fs::set_permissions(path, fs::Permissions::from_mode(options.mode))?;
            (socket, address.clone(), Some(Arc::new(SocketFile::at(path.clone())?)))
        }
        Address::Abstract(_) => {
            let name = address.unix_name().ok_or(io::ErrorKind::InvalidInput)?;
            (bind_unix(&name, options)?, address.clone(), None)
        }
    };
    Ok(BoundListener { socket, address, options: options.clone(), file })
}

/// The first socket of an IP address. It is bound without `SO_REUSEPORT`, and gets the option only
/// once the address is its own: there is no moment at which another process could slip in between
/// the proof and the use.
fn bind_first(addr: SocketAddr, options: &ListenOptions) -> io::Result<(Socket, SocketAddr)> {
    let socket = tcp_socket(addr, options)?;
    socket.bind(&addr.into())?;
    if options.reuse_port {
        socket.set_reuse_port(true)?;
    }
    listen(&socket, options)?;
    let bound = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
    Ok((socket, bound))
}

/// One more socket on an address this process holds already.
pub(crate) fn bind_another(addr: SocketAddr, options: &ListenOptions) -> io::Result<Socket> {
    let socket = tcp_socket(addr, options)?;
    socket.set_reuse_port(true)?;
    socket.bind(&addr.into())?;
    listen(&socket, options)?;
    Ok(socket)
}

fn tcp_socket(addr: SocketAddr, options: &ListenOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(options.reuse_address)?;
    if addr.is_ipv6() {
        socket.set_only_v6(options.ipv6_only)?;
    }
    options.socket.apply_tcp(&SockRef::from(&socket), &addr)?;
    Ok(socket)
}

fn listen(socket: &Socket, options: &ListenOptions) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if let Some(queue) = options.fast_open {
        let queue = i32::try_from(queue).unwrap_or(i32::MAX);
        crate::options::set_flag(&SockRef::from(socket), libc::IPPROTO_TCP, libc::TCP_FASTOPEN, queue)?;
    }
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))
}

/// Clears the way for a Unix socket, or says what is in it.
fn make_way(path: &Path) -> io::Result<()> {
    let refused = |why| Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    match unix_path::look(path)? {
        Standing::Free => Ok(()),
        Standing::Dead => fs::remove_file(path),
        Standing::Alive => refused("another process listens on this Unix socket"),
        Standing::Foreign => refused("a file that is not a socket is in the way"),
    }
}

fn bind_unix(name: &Path, options: &ListenOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    options.socket.apply_unix(&SockRef::from(&socket))?;
    restrict(&socket, options.mode)?;
    socket.bind(&SockAddr::unix(name)?)?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    Ok(socket)
}

/// Sets the permissions with which `bind` will make the file, so that nobody can connect before they
/// are in place. (The umask can still take some away; they are set once more afterwards.)
#[cfg(target_os = "linux")]
fn restrict(socket: &Socket, mode: u32) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open while `socket` lives.
    let done = unsafe { libc::fchmod(socket.as_raw_fd(), mode as libc::mode_t) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(not(target_os = "linux"))]
fn restrict(_: &Socket, _: u32) -> io::Result<()> {
    Ok(())
}

/// A bound and listening address. Connections queue in the kernel from now on.
#[derive(Debug)]
pub struct BoundListener {
    socket: Socket,
    address: Address,
    options: ListenOptions,
    file: Option<Arc<SocketFile>>,
}

impl BoundListener {
    /// The address, with the port the kernel chose if 0 was asked for.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The sockets to accept from: `workers` of them where each worker can have its own
    /// (`SO_REUSEPORT`), otherwise a single one, whose acceptor deals out what it accepts
    /// ([`Acceptor::is_shared`](crate::Acceptor::is_shared)). At least one.
    ///
    /// # Errors
    /// [`Kind::BindFailed`] when a further socket cannot be bound.
    pub fn for_workers(self, workers: usize) -> Result<Vec<WorkerListener>> {
        let shared = !matches!(self.address, Address::Ip(_)) || !self.options.reuse_port;
        let mut sockets = vec![self.socket];
        if let (Address::Ip(addr), false) = (&self.address, shared) {
            for _ in 1..workers {
                let socket = bind_another(*addr, &self.options)
                    .or_err_with(Kind::BindFailed, || format!("listen on {addr} for another worker"))?;
                sockets.push(socket);
            }
        }
        let listener = |socket| WorkerListener::new(socket, &self.address, shared, self.file.clone());
        Ok(sockets.into_iter().map(listener).collect())
    }
}
