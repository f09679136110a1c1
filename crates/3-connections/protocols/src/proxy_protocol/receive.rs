//! Taking a header off a connection, and not one byte more.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use bytes::BytesMut;
use gorge_async_io::{Stream, StreamExt};
use gorge_digest::PeerAddr;
use gorge_timeout::timeout;
use socket2::SockRef;

use super::{Parsed, ReceivedHeader, Reject, parse};
use crate::{Networks, Transport};

/// Bytes looked at ahead: any header of version 1, and one of version 2 with short TLVs.
const AHEAD: usize = 256;

/// Requires a PROXY header at the start of each connection.
#[derive(Clone, Debug)]
pub struct ProxyProtocol {
    /// Who may send one; everybody if it is empty. A peer on a Unix socket always may, for there the
    /// permissions of the file decide.
    pub trusted: Networks,
    /// How long the whole header may take. Default 10 s.
    pub timeout: Duration,
    /// The longest header in bytes. Default 4096.
    pub max_len: usize,
}

impl Default for ProxyProtocol {
    fn default() -> Self {
        ProxyProtocol { trusted: Networks::default(), timeout: Duration::from_secs(10), max_len: 4096 }
    }
}

impl ProxyProtocol {
    /// Reads the header that `peer` must send first. What follows it, TLS or HTTP, is left in the
    /// connection to its first byte.
    ///
    /// # Errors
    /// [`HeaderRefused`]. The connection is of no use then; it is to be closed without an answer.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn receive(
        &self,
        transport: &mut Transport,
        peer: &PeerAddr,
    ) -> Result<ReceivedHeader, HeaderRefused> {
        if !self.trusted.is_empty() && peer.ip().is_some_and(|ip| !self.trusted.contains(ip)) {
            return Err(HeaderRefused::Untrusted);
        }
        match timeout(self.timeout, self.read(transport)).await {
            Ok(received) => received,
            Err(_) => Err(HeaderRefused::TimedOut),
        }
    }

    async fn read(&self, transport: &mut Transport) -> Result<ReceivedHeader, HeaderRefused> {
        let mut buf = BytesMut::with_capacity(AHEAD);
        loop {
            let need = match parse(&buf)? {
                Parsed::Complete(header, _) => return Ok(header.into()),
                Parsed::Incomplete { need } => need,
            };
            // The first bytes are waited for; of what has come with them some may be taken at once.
            let take = if buf.is_empty() { need } else { need.max(ahead(transport, &buf)?) };
            if buf.len() + take > self.max_len {
                return Err(HeaderRefused::TooLong);
            }
            read_up_to(transport, &mut buf, take).await?;
        }
    }
}

/// How many of the bytes that are there already belong to the header that `begun` begins.
fn ahead(transport: &Transport, begun: &[u8]) -> Result<usize, HeaderRefused> {
    let Some(room) = AHEAD.checked_sub(begun.len()).filter(|&room| room > 0) else { return Ok(0) };
    // Below a stream of unknown make the descriptor may carry other bytes than the stream gives.
    let (Transport::Accepted(_) | Transport::Tcp(_) | Transport::Unix(_)) = transport else { return Ok(0) };
    let Some(fd) = transport.raw_fd() else { return Ok(0) };
    // SAFETY: the descriptor belongs to `transport`, which is borrowed for longer than this.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    let mut seen = [MaybeUninit::uninit(); AHEAD];
    // The socket never blocks, but nothing here shall depend on it.
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    // What there is to say of an error or of the end, the read says.
    let Ok(count) = SockRef::from(&fd).recv_with_flags(&mut seen[..room], flags) else { return Ok(0) };
    let mut bytes = [0; AHEAD];
    bytes[..begun.len()].copy_from_slice(begun);
    for (byte, seen) in bytes[begun.len()..].iter_mut().zip(&seen[..count]) {
        // SAFETY: `recv` has written so many bytes.
        *byte = unsafe { seen.assume_init() };
    }
    match parse(&bytes[..begun.len() + count])? {
        Parsed::Complete(_, len) => Ok(len - begun.len()),
        Parsed::Incomplete { .. } => Ok(count),
    }
}

/// Reads once, at most `count` bytes.
async fn read_up_to(
    transport: &mut Transport,
    buf: &mut BytesMut,
    count: usize,
) -> Result<(), HeaderRefused> {
    buf.reserve(count);
    // A read fills what room there is, so there must be no more than that.
    let beyond = buf.split_off(buf.len() + count);
    let read = transport.read(buf).await;
    buf.unsplit(beyond);
    match read {
        Ok(0) => Err(HeaderRefused::Closed),
        Ok(_) => Ok(()),
        Err(err) => Err(HeaderRefused::Failed(err.kind())),
    }
}

/// Why a connection was closed that should have begun with a PROXY header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeaderRefused {
    /// It ended before the header did.
    Closed,
    /// Reading failed.
    Failed(io::ErrorKind),
    /// The header breaks the standard, or there is none ([`Reject::Missing`]).
    Malformed(Reject),
    /// The header did not arrive in time.
    TimedOut,
    /// The header is longer than [`ProxyProtocol::max_len`].
    TooLong,
    /// The peer is on no network that is trusted to send one.
    Untrusted,
}

impl HeaderRefused {
    /// How many names there are.
    pub const COUNT: usize = Self::NAMES.len();

    /// The words for logs and metric labels, in the order of [`index`](HeaderRefused::index).
    pub const NAMES: [&'static str; 7] =
        ["closed", "failed", "malformed", "missing", "timed_out", "too_long", "untrusted"];

    /// The place in an array of [`COUNT`](HeaderRefused::COUNT) counters.
    pub const fn index(self) -> usize {
        match self {
            HeaderRefused::Closed => 0,
            HeaderRefused::Failed(_) => 1,
            HeaderRefused::Malformed(Reject::Missing) => 3,
            HeaderRefused::Malformed(_) => 2,
            HeaderRefused::TimedOut => 4,
            HeaderRefused::TooLong => 5,
            HeaderRefused::Untrusted => 6,
        }
    }

    /// The word for logs and metric labels.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self.index()]
    }
}

impl From<Reject> for HeaderRefused {
    fn from(reject: Reject) -> Self {
        HeaderRefused::Malformed(reject)
    }
}

impl fmt::Display for HeaderRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderRefused::Closed => f.write_str("closed before the end of the PROXY header"),
            HeaderRefused::Failed(kind) => write!(f, "no PROXY header could be read: {kind}"),
            HeaderRefused::Malformed(reject) => reject.fmt(f),
            HeaderRefused::TimedOut => f.write_str("the PROXY header took too long"),
            HeaderRefused::TooLong => f.write_str("the PROXY header is too long"),
            HeaderRefused::Untrusted => f.write_str("the peer is not trusted to send a PROXY header"),
        }
    }
}

impl std::error::Error for HeaderRefused {}
