//! What can be set on sockets, and the defaults.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use crate::{Family, Resolver};

/// TCP keep-alive: the kernel asks a silent peer whether it is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Silence before the first probe; default 60 s.
    pub idle: Duration,
    /// Time between probes; default 10 s.
    pub interval: Duration,
    /// Unanswered probes after which the connection is given up; default 3.
    pub probes: u32,
}

impl Default for Keepalive {
    fn default() -> Self {
        Keepalive { idle: Duration::from_secs(60), interval: Duration::from_secs(10), probes: 3 }
    }
}

/// Options of a connection. On a listener they are set once, and accepted connections inherit them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    /// Send small segments at once (`TCP_NODELAY`); default on.
    pub nodelay: bool,
    /// Keep-alive probes; default on with [`Keepalive::default`].
    pub keepalive: Option<Keepalive>,
    /// How long sent data may stay unacknowledged (`TCP_USER_TIMEOUT`); default: the kernel's.
    pub user_timeout: Option<Duration>,
    /// Bytes of the kernel's receive buffer; default: tuned by the kernel.
    pub receive_buffer: Option<usize>,
    /// Bytes of the kernel's send buffer; default: tuned by the kernel.
    pub send_buffer: Option<usize>,
    /// Differentiated services code point, 0 to 63; default unset.
    pub dscp: Option<u8>,
}

impl Default for SocketOptions {
    fn default() -> Self {
        SocketOptions {
            nodelay: true,
            keepalive: Some(Keepalive::default()),
            user_timeout: None,
            receive_buffer: None,
            send_buffer: None,
            dscp: None,
        }
    }
}

impl SocketOptions {
    /// Sets the options that TCP and Unix sockets share.
    pub(crate) fn apply_unix(&self, socket: &SockRef<'_>) -> io::Result<()> {
        if let Some(size) = self.receive_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        if let Some(size) = self.send_buffer {
            socket.set_send_buffer_size(size)?;
        }
        Ok(())
    }

    /// Sets everything on a TCP socket, before it is bound or connected.
    pub(crate) fn apply_tcp(&self, socket: &SockRef<'_>, to: &SocketAddr) -> io::Result<()> {
        self.apply_unix(socket)?;
        if self.nodelay {
            socket.set_tcp_nodelay(true)?;
        }
        if let Some(keepalive) = self.keepalive {
            let values = TcpKeepalive::new()
                .with_time(keepalive.idle)
                .with_interval(keepalive.interval)
                .with_retries(keepalive.probes);
            socket.set_tcp_keepalive(&values)?;
        }
        #[cfg(target_os = "linux")]
        if self.user_timeout.is_some() {
            socket.set_tcp_user_timeout(self.user_timeout)?;
        }
        if let Some(dscp) = self.dscp {
            // The code point is the upper six bits of the former type-of-service byte.
            let class = u32::from(dscp & 63) << 2;
            match to {
                SocketAddr::V4(_) => socket.set_tos_v4(class)?,
                SocketAddr::V6(_) => socket.set_tclass_v6(class)?,
            }
        }
        Ok(())
    }
}

/// How to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenOptions {
    /// Connections that may wait to be accepted; default 65535. The kernel's own limit
    /// (`net.core.somaxconn`) caps it.
    pub backlog: u32,
    /// Bind although old connections of the address linger (`SO_REUSEADDR`); default on.
    pub reuse_address: bool,
    /// One listening socket per worker (`SO_REUSEPORT`); default on. Without it the one socket is
    /// shared by all workers.
    pub reuse_port: bool,
    /// An IPv6 wildcard takes no IPv4 connections; default off.
    pub ipv6_only: bool,
    /// Length of the queue of TCP fast-open requests; default off.
    pub fast_open: Option<u32>,
    /// Permissions of a Unix socket's file; default `0o660`.
    pub mode: u32,
    /// How often to try while the address is in use; default 30. At least one try is made.
    pub bind_tries: u32,
    /// Pause between these tries; default 1 s.
    pub bind_pause: Duration,
    /// Inherited by accepted connections.
    pub socket: SocketOptions,
}

impl Default for ListenOptions {
    fn default() -> Self {
        ListenOptions {
            backlog: 65_535,
            reuse_address: true,
            reuse_port: true,
            ipv6_only: false,
            fast_open: None,
            mode: 0o660,
            bind_tries: 30,
            bind_pause: Duration::from_secs(1),
            socket: SocketOptions::default(),
        }
    }
}

/// How to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectOptions {
    /// Time in which the connection must stand; default 5 s.
    pub timeout: Duration,
    /// Address and port to connect from; port 0 leaves the port to the kernel. Default: any.
    pub source: Option<SocketAddr>,
    /// Interface to connect through (`SO_BINDTODEVICE`, Linux only); default: as routed.
    pub interface: Option<String>,
    /// Send the first bytes with the handshake where the peer allows it; default off.
    pub fast_open: bool,
    /// Who knows the addresses of a name. Default `None`: [`Resolver::shared`].
    pub resolver: Option<Resolver>,
    /// Which addresses of a name are tried; default both families.
    pub family: Family,
    /// How long an address has to itself before the next one is tried beside it; default 250 ms, and
    /// never less than 10 ms (RFC 8305 5). Once one has failed the next follows at once.
    pub attempt_delay: Duration,
    /// Options of the connection.
    pub socket: SocketOptions,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        ConnectOptions {
            timeout: Duration::from_secs(5),
            source: None,
            interface: None,
            fast_open: false,
            resolver: None,
            family: Family::Both,
            attempt_delay: Duration::from_millis(250),
            socket: SocketOptions::default(),
        }
    }
}

/// Sets an option that `socket2` has no name for.
#[cfg(target_os = "linux")]
pub(crate) fn set_flag(socket: &SockRef<'_>, level: i32, name: i32, value: libc::c_int) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open while `socket` borrows it, and the kernel copies the int.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
