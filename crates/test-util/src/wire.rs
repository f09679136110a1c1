//! One side of a connection: blocking reads with a limit, and HTTP/1.1 messages by their framing.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use crate::guard::LIMIT;
use crate::message::{self, Fields, Framing, latin1};

/// What bytes are shown to as they arrive.
pub(crate) type Tap = Box<dyn FnMut(&[u8]) + Send>;

/// A connected socket and what was read from it but not yet taken.
pub(crate) struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
    tap: Option<Tap>,
    end: Option<End>,
}

/// How the peer's direction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Clean,
    Reset,
}

/// A body and what came behind it.
pub(crate) struct BodyRead {
    pub(crate) data: Vec<u8>,
    pub(crate) trailers: Fields,
    pub(crate) complete: bool,
}

impl Wire {
    /// # Panics
    /// When the socket refuses its options.
    pub(crate) fn new(stream: TcpStream, tap: Option<Tap>) -> Self {
        stream.set_nodelay(true).expect("a fresh TCP socket takes TCP_NODELAY");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit above zero is valid");
        stream.set_write_timeout(Some(LIMIT)).expect("a limit above zero is valid");
        Self { stream, unread: Vec::new(), tap, end: None }
    }

    /// Its own end.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.stream.local_addr().expect("a connected socket has an address")
    }

    /// Writes all of it; false when the peer is gone.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        match self.stream.write_all(bytes) {
            Ok(()) => true,
            Err(e) if is_gone(&e) => false,
            Err(e) if is_timeout(&e) => {
                panic!("the peer read nothing for {LIMIT:?} while {} bytes were sent", bytes.len())
            }
            Err(e) => panic!("write: {e}"),
        }
    }

    /// Writes `block` over and over until the peer has taken nothing for `quiet`, at most `most` times; how many bytes
    /// it took.
    pub(crate) fn send_until_stalled(&mut self, block: &[u8], most: usize, quiet: Duration) -> usize {
        self.stream.set_write_timeout(Some(quiet)).expect("a limit above zero is valid");
        let mut sent = 0;
        let whole = (0..most).all(|_| self.send_within(block, &mut sent));
        debug_assert!(whole || sent < most * block.len());
        self.stream.set_write_timeout(Some(LIMIT)).expect("a limit above zero is valid");
        sent
    }

    /// Whether all of it was taken before the write timeout; `sent` counts what was.
    fn send_within(&mut self, mut bytes: &[u8], sent: &mut usize) -> bool {
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(taken) => {
                    *sent += taken;
                    bytes = &bytes[taken..];
                }
                Err(e) if is_timeout(&e) || is_gone(&e) => return false,
                Err(e) => panic!("write: {e}"),
            }
        }
        true
    }

    /// Ends this side's direction and leaves the other open.
    pub(crate) fn finish(&mut self) {
        // The peer may have closed first; then there is nothing left to end.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Makes the drop that follows a reset.
    pub(crate) fn reset(self) {
        SockRef::from(&self.stream)
            .set_linger(Some(Duration::ZERO))
            .expect("linger is a plain socket option");
    }

    /// Reads once into the unread bytes; false at the end.
    pub(crate) fn fill(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        let mut block = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut block) {
                Ok(0) => self.end = Some(End::Clean),
                Ok(count) => {
                    if let Some(tap) = &mut self.tap {
                        tap(&block[..count]);
                    }
                    self.unread.extend_from_slice(&block[..count]);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) if is_gone(&e) => self.end = Some(End::Reset),
                Err(e) if is_timeout(&e) => {
                    panic!("nothing came for {LIMIT:?}; unread: {:?}", latin1(&self.unread))
                }
                Err(e) => panic!("read: {e}"),
            }
            return self.end.is_none();
        }
    }

    /// How the peer's direction ended, when it has.
    pub(crate) fn end(&self) -> Option<End> {
        self.end
    }

    /// Whatever is unread, or the next bytes that come; empty at the end.
    pub(crate) fn some(&mut self) -> Vec<u8> {
        if self.unread.is_empty() {
            self.fill();
        }
        std::mem::take(&mut self.unread)
    }

    /// `count` bytes, or fewer when the connection ends first.
    pub(crate) fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count && self.fill() {}
        let count = count.min(self.unread.len());
        self.unread.drain(..count).collect()
    }

    /// Everything up to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.unread)
    }

    /// A start line and its fields; `None` when the connection ends before any byte of it.
    ///
    /// # Panics
    /// When what comes is no head, or ends within one.
    pub(crate) fn head(&mut self) -> Option<(String, Fields)> {
        let section = self.section()?;
        let (start, fields) = section.split_once("\r\n").unwrap_or((&section, ""));
        let fields = message::fields(fields).unwrap_or_else(|| panic!("no head: {section:?}"));
        Some((start.to_owned(), fields))
    }

    /// The lines up to the next empty one, which is taken too.
    fn section(&mut self) -> Option<String> {
        loop {
            if let Some(at) = find(&self.unread, b"\r\n\r\n") {
                let taken: Vec<u8> = self.unread.drain(..at + 4).collect();
                return Some(latin1(&taken[..at]));
            }
            if !self.fill() {
                assert!(self.unread.is_empty(), "ended within a head: {:?}", latin1(&self.unread));
                return None;
            }
        }
    }

    pub(crate) fn body(&mut self, framing: Framing) -> BodyRead {
        let mut read = BodyRead { data: Vec::new(), trailers: Fields::default(), complete: false };
        match framing {
            Framing::Length(length) => {
                read.data = self.exactly(length);
                read.complete = read.data.len() == length;
            }
            Framing::UntilEnd => {
                read.data = self.rest();
                read.complete = self.end == Some(End::Clean);
            }
            Framing::Chunked => self.chunks(&mut read),
        }
        read
    }

    fn chunks(&mut self, read: &mut BodyRead) {
        while let Some(line) = self.line() {
            let digits = line.split(';').next().unwrap_or_default();
            let size =
                usize::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("no chunk size: {line:?}"));
            if size == 0 {
                return self.trailers(read);
            }
            let data = self.exactly(size);
            let whole = data.len() == size;
            read.data.extend(data);
            if !whole || self.exactly(2) != b"\r\n" {
                return;
            }
        }
    }

    fn trailers(&mut self, read: &mut BodyRead) {
        let mut lines = String::new();
        while let Some(line) = self.line() {
            if line.is_empty() {
                read.trailers = message::fields(&lines).unwrap_or_else(|| panic!("no trailers: {lines:?}"));
                read.complete = true;
                return;
            }
            lines += &line;
            lines += "\r\n";
        }
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = find(&self.unread, b"\r\n") {
                let taken: Vec<u8> = self.unread.drain(..at + 2).collect();
                return Some(latin1(&taken[..at]));
            }
            if !self.fill() {
                return None;
            }
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn is_gone(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::NotConnected
    )
}

fn is_timeout(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
