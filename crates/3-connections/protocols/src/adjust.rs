//! Other options for sockets that listen already: in place, or by more sockets beside them.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use gorge_error::{Kind, OrErr, Result};
use socket2::{SockRef, Socket};

use crate::accept::WorkerListener;
use crate::listen::bind_another;
use crate::{Address, ListenOptions, Listener, SocketOptions};

/// What TCP assumes where no keep-alive times are set (Linux).
const KERNEL_KEEPALIVE: crate::Keepalive =
    crate::Keepalive { idle: Duration::from_secs(7200), interval: Duration::from_secs(75), probes: 9 };

impl ListenOptions {
    /// Whether sockets bound with these options can be given `next` while they listen
    /// ([`WorkerListener::adjust`]). If not, the address has to be bound anew.
    ///
    /// What cannot be changed on a socket: whether it is one of several (`reuse_port`), whether it takes
    /// IPv4 as well (`ipv6_only`), and buffers back to what the kernel chooses.
    pub fn can_become(&self, next: &ListenOptions, address: &Address) -> bool {
        let tuned_again = |was: Option<usize>, is: Option<usize>| was.is_some() && is.is_none();
        let buffers = tuned_again(self.socket.receive_buffer, next.socket.receive_buffer)
            || tuned_again(self.socket.send_buffer, next.socket.send_buffer);
        let bound = matches!(address, Address::Ip(_))
            && (self.reuse_port != next.reuse_port || self.ipv6_only != next.ipv6_only);
        !buffers && !bound
    }
}

impl WorkerListener {
    /// Gives a listening socket other options, which connections accepted from now on have: the length
    /// of its queue, what they inherit, and the permissions of a Unix socket's file. Nothing that waits
    /// in the queue is lost. See [`ListenOptions::can_become`] for what stays as it is.
    ///
    /// # Errors
    /// What the system reports; options set before that stay set.
    pub fn adjust(&self, options: &ListenOptions) -> io::Result<()> {
        let Some((address, socket)) = self.socket() else { return Ok(()) };
        match address {
            Address::Ip(addr) => adjust_tcp(socket, addr.is_ipv6(), options)?,
            Address::Unix(path) => {
                adjust_buffers(socket, &options.socket)?;
                fs::set_permissions(path, fs::Permissions::from_mode(options.mode))?;
            }
            _ => adjust_buffers(socket, &options.socket)?,
        }
        socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))
    }

    /// Lets other sockets of this process share the address from now on; see
    /// [`Listener::bind_beside`].
    ///
    /// # Errors
    /// What the system reports.
    pub fn share_address(&self) -> io::Result<()> {
        match self.socket() {
            Some((Address::Ip(_), socket)) => socket.set_reuse_port(true),
            _ => Ok(()),
        }
    }
}

fn adjust_buffers(socket: &Socket, options: &SocketOptions) -> io::Result<()> {
    options.apply_unix(&SockRef::from(socket))
}

fn adjust_tcp(socket: &Socket, ipv6: bool, options: &ListenOptions) -> io::Result<()> {
    adjust_buffers(socket, &options.socket)?;
    socket.set_reuse_address(options.reuse_address)?;
    socket.set_tcp_nodelay(options.socket.nodelay)?;
    let keepalive = options.socket.keepalive.unwrap_or(KERNEL_KEEPALIVE);
    let values = socket2::TcpKeepalive::new()
        .with_time(keepalive.idle)
        .with_interval(keepalive.interval)
        .with_retries(keepalive.probes);
    socket.set_tcp_keepalive(&values)?;
    socket.set_keepalive(options.socket.keepalive.is_some())?;
    let class = u32::from(options.socket.dscp.unwrap_or(0) & 63) << 2;
    if ipv6 {
        socket.set_tclass_v6(class)?
    } else {
        socket.set_tos_v4(class)?
    }
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_user_timeout(options.socket.user_timeout)?;
        let queue = options.fast_open.map_or(0, |queue| i32::try_from(queue).unwrap_or(i32::MAX));
        let fast_open = libc::TCP_FASTOPEN;
        crate::options::set_flag(&SockRef::from(socket), libc::IPPROTO_TCP, fast_open, queue)?;
    }
    Ok(())
}

impl Listener {
    /// Binds more sockets to an IP address that this process listens on already, after
    /// [`WorkerListener::share_address`] on those it has: one per worker, or a single one without
    /// [`ListenOptions::reuse_port`]. The old ones can be closed then, once they are empty.
    ///
    /// It proves nothing: another process of the same user may share the address, so call it only for
    /// one that is held.
    ///
    /// # Errors
    /// [`Kind::BindFailed`].
    pub fn bind_beside(
        address: &Address,
        options: &ListenOptions,
        workers: usize,
    ) -> Result<Vec<WorkerListener>> {
        let sockets = if options.reuse_port { workers.max(1) } else { 1 };
        let bind = |_| {
            let Address::Ip(addr) = address else { return Err(io::ErrorKind::Unsupported.into()) };
            let socket = bind_another(*addr, options)?;
            Ok(WorkerListener::new(socket, address, !options.reuse_port, None))
        };
        let sockets: io::Result<Vec<_>> = (0..sockets).map(bind).collect();
        sockets.or_err_with(Kind::BindFailed, || format!("listen on {address} again"))
    }
}
