//! A client that sends any bytes.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::guard::LIMIT;
use crate::message::{Response, response_framing, start_line};
use crate::wire::{End, Wire};

/// A TCP connection to the proxy. Every read is given up with a panic after [`LIMIT`].
pub struct RawClient {
    wire: Wire,
}

impl RawClient {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens there.
    pub fn connect(to: SocketAddr) -> Self {
        let stream =
            TcpStream::connect_timeout(&to, LIMIT).unwrap_or_else(|e| panic!("connect to {to}: {e}"));
        Self { wire: Wire::new(stream, None) }
    }

    /// Connects with the smallest receive buffer there is, so that a client that does not read is felt at once.
    ///
    /// # Panics
    /// When nobody listens there.
    pub fn connect_narrow(to: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).expect("a TCP socket");
        socket.set_recv_buffer_size(1).expect("the kernel rounds the size up to its least");
        socket.connect_timeout(&to.into(), LIMIT).unwrap_or_else(|e| panic!("connect to {to}: {e}"));
        Self { wire: Wire::new(socket.into(), None) }
    }

    /// Its own end.
    pub fn local_addr(&self) -> SocketAddr {
        self.wire.local_addr()
    }

    /// Sends these bytes; false when the proxy has closed the connection.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.wire.send(bytes.as_ref())
    }

    /// Sends the bytes in pieces of `size`, each a packet of its own.
    pub fn send_in_pieces(&mut self, bytes: impl AsRef<[u8]>, size: usize) -> bool {
        bytes.as_ref().chunks(size).all(|piece| {
            let sent = self.wire.send(piece);
            // Lets the reader run between the pieces; what it then reads is up to the scheduler, and must not matter.
            std::thread::yield_now();
            sent
        })
    }

    /// The next answer, whole, to a request that was not HEAD. An interim one counts as an answer.
    ///
    /// # Panics
    /// When the connection ends before it, or what comes is no answer.
    pub fn response(&mut self) -> Response {
        self.response_to("GET")
    }

    /// The next answer, whole, to a request of this method.
    ///
    /// # Panics
    /// As [`RawClient::response`].
    pub fn response_to(&mut self, method: &str) -> Response {
        self.try_response_to(method).expect("the connection ended where an answer was due")
    }

    /// As [`RawClient::response`], but `None` when the connection ends instead.
    ///
    /// # Panics
    /// When what comes is no answer.
    pub fn try_response(&mut self) -> Option<Response> {
        self.try_response_to("GET")
    }

    /// As [`RawClient::response_to`], but `None` when the connection ends instead.
    ///
    /// # Panics
    /// When what comes is no answer.
    pub fn try_response_to(&mut self, method: &str) -> Option<Response> {
        let mut response = self.try_head()?;
        let framing = response_framing(method, response.status, &response.fields);
        let read = self.wire.body(framing);
        response.body = read.data;
        response.trailers = read.trailers;
        response.complete = read.complete;
        Some(response)
    }

    /// The head of the next answer; its body is left unread and `complete` false.
    ///
    /// # Panics
    /// As [`RawClient::response`].
    pub fn head(&mut self) -> Response {
        self.try_head().expect("the connection ended where an answer was due")
    }

    /// The head of the next answer, or `None` when the connection ends instead.
    ///
    /// # Panics
    /// When what comes is no head.
    pub fn try_head(&mut self) -> Option<Response> {
        let (line, fields) = self.wire.head()?;
        let (version, status, reason) =
            start_line(&line).unwrap_or_else(|| panic!("no status line: {line:?}"));
        Some(Response {
            version: version.to_owned(),
            status: status.parse().unwrap_or_else(|_| panic!("no status: {line:?}")),
            reason: reason.to_owned(),
            fields,
            body: Vec::new(),
            trailers: Default::default(),
            complete: false,
        })
    }

    /// Sends `block` over and over until the proxy has taken nothing for `quiet`, at most `most` times; how many bytes
    /// it took.
    ///
    /// The one place where time decides: that nothing more is read cannot be seen in any other way. A machine that
    /// stalls makes the count smaller, never larger.
    pub fn send_until_stalled(&mut self, block: impl AsRef<[u8]>, most: usize, quiet: Duration) -> usize {
        self.wire.send_until_stalled(block.as_ref(), most, quiet)
    }

    /// `count` bytes, or fewer when the connection ends first.
    pub fn exactly(&mut self, count: usize) -> Vec<u8> {
        self.wire.exactly(count)
    }

    /// The next bytes that come, at least one; empty at the end.
    pub fn some(&mut self) -> Vec<u8> {
        self.wire.some()
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        self.wire.rest()
    }

    /// Waits for the connection to end; true when nothing came before that.
    pub fn is_closed(&mut self) -> bool {
        self.wire.rest().is_empty()
    }

    /// Whether the connection, once ended, ended by a reset.
    pub fn was_reset(&self) -> bool {
        self.wire.end() == Some(End::Reset)
    }

    /// Ends the sending direction; answers can still be read.
    pub fn finish(&mut self) {
        self.wire.finish();
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        self.wire.reset();
    }
}
