//! Addresses at which nobody answers.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// An address that refuses every connection. The port stays taken, so that nobody else can begin to listen on it.
pub struct RefusedPort {
    addr: SocketAddr,
    _bound: Socket,
}

/// An address whose backlog is full: a connect is neither accepted nor refused.
pub struct DeafPort {
    addr: SocketAddr,
    _listening: Socket,
    _queued: Vec<TcpStream>,
}

impl RefusedPort {
    /// Takes an ephemeral port of loopback without listening on it.
    ///
    /// # Panics
    /// When loopback cannot be bound.
    #[allow(clippy::new_without_default, reason = "it takes a port, which a default should not")]
    pub fn new() -> Self {
        let (bound, addr) = bound();
        Self { addr, _bound: bound }
    }

    /// The address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl DeafPort {
    /// Listens on an ephemeral port of loopback and fills its backlog.
    ///
    /// # Panics
    /// When loopback cannot be bound.
    #[allow(clippy::new_without_default, reason = "it takes a port, which a default should not")]
    pub fn new() -> Self {
        let (listening, addr) = bound();
        listening.listen(0).expect("a bound socket can listen");
        let mut queued = Vec::new();
        // The first ones fit into the backlog; the one that no longer does times out.
        while let Ok(stream) = TcpStream::connect_timeout(&addr, Duration::from_millis(100)) {
            queued.push(stream);
        }
        Self { addr, _listening: listening, _queued: queued }
    }

    /// The address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

fn bound() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a TCP socket");
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any.into()).expect("an ephemeral port of loopback");
    let addr = socket.local_addr().ok().and_then(|addr| addr.as_socket());
    (socket, addr.expect("a bound IPv4 socket has an address"))
}
