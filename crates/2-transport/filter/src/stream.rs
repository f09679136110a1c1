//! The two sides of an exchange as the pump sees them, whatever HTTP version speaks.

use std::task::{Context, Poll};

use gorge_digest::PeerAddr;
use gorge_error::{Error, Result};
use gorge_http::{Chunk, RequestHead, ResponseHead};

use crate::Progress;

/// Where the chunks of one body come from.
pub trait BodySource: Send {
    /// The next chunk of the body.
    ///
    /// `Data` and at most one `Trailers` come first, then `End`, and `End` again if polled
    /// further. No buffer is held while this is pending, and nothing is read ahead of what the
    /// caller asks for, so that not polling is backpressure.
    ///
    /// # Errors
    /// The body broke before its end, was malformed, or its transport failed. The fault of the
    /// error says which side this is.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Chunk>>;
}

/// Where the chunks of one body go to.
pub trait BodySink: Send {
    /// Ready when another chunk may be given to [`send_chunk`](Self::send_chunk).
    ///
    /// A stream that already holds enough unsent bytes writes them first: this is where a slow
    /// receiver stops the other side.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>>;

    /// Takes one chunk. `End` must come last, exactly once; a body that ends without it is broken
    /// off, never completed.
    fn send_chunk(&mut self, chunk: Chunk) -> Result<()>;

    /// Ready when everything taken so far was handed to the transport.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>>;

    /// Bytes handed to the transport since the connection began: a receiver that is slow, but takes
    /// something, makes this grow.
    fn written(&self) -> u64;
}

/// How much of a body follows a head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyLength {
    /// No body, and no length is announced: a request without one, an answer to HEAD, 204, 304.
    #[default]
    Empty,
    /// Exactly so many bytes.
    Known(u64),
    /// As many as come before the end is marked.
    Unknown,
    /// No message body: from here on both directions are opaque bytes (101, RFC 9110 7.8).
    Tunnel,
}

impl BodyLength {
    /// True when no chunk but `End` will come.
    #[must_use]
    pub fn is_empty(self) -> bool {
        matches!(self, Self::Empty | Self::Known(0))
    }
}

/// What goes with a head, because it belongs to the connection and not to the message.
#[derive(Clone, Copy, Debug)]
pub struct Announce<'a> {
    /// The body that follows.
    pub length: BodyLength,
    /// The protocol that an `Upgrade` asks for or a 101 agrees to. `None`: no upgrade.
    pub upgrade: Option<&'a [u8]>,
    /// The authority that the request is sent to, in place of the head's. Only for requests.
    pub host: Option<&'a [u8]>,
}

impl Announce<'_> {
    /// A head with this body and no upgrade.
    #[must_use]
    pub fn body(length: BodyLength) -> Self {
        Self { length, upgrade: None, host: None }
    }
}

/// The downstream side of one exchange: reads a request body, writes a response.
///
/// Its errors carry the fault downstream.
pub trait ServerStream: BodySource + BodySink {
    /// Queues an interim (1xx) head. Dropped where the client cannot take one (HTTP/1.0).
    fn send_interim(&mut self, head: &ResponseHead) -> Result<()>;

    /// Queues the final head, after completing it with what every answer has (`Date`).
    ///
    /// Framing fields are the stream's own affair: those in `head` are not sent, save
    /// Content-Length where the answer has no body by definition (HEAD, 304).
    fn send_head(&mut self, head: &mut ResponseHead, announce: Announce<'_>) -> Result<()>;

    /// Ready when the client is gone, with the reason. Reads no body byte.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Error>;

    /// Which address the client reached, where nothing but the socket knows: this may ask the system.
    fn local_address(&self) -> Option<PeerAddr> {
        None
    }

    /// Whether [`poll_gone`](Self::poll_gone) costs nothing but the waiting. False where a fresh
    /// connection would first have to be registered for it: it is then asked only after a moment,
    /// by when most exchanges are over.
    fn is_watched(&self) -> bool {
        true
    }

    /// This is the last exchange of the connection; to be said before the head is sent, which then
    /// tells the client. Where exchanges are multiplexed it means nothing, and does nothing.
    fn close_after_response(&mut self) {}

    /// As [`close_after_response`](Self::close_after_response), unless the request was read to its
    /// end and its framing is beyond doubt.
    fn close_unless_read(&mut self) {}

    /// Takes the final head back, with all that follows it, if no byte of it has left yet: true if
    /// another answer can be given instead.
    fn take_back(&mut self) -> bool {
        false
    }

    /// Gives the exchange up: what was begun is visibly broken off, never cleanly ended.
    fn reset(&mut self);
}

/// The upstream side of one attempt: writes a request, reads its response.
///
/// Its errors carry the fault upstream.
pub trait ClientStream: BodySource + BodySink {
    /// Queues the request head.
    fn send_head(&mut self, head: &RequestHead, announce: Announce<'_>) -> Result<()>;

    /// The next head of the response: interim ones as they come (their length is `Empty`), the
    /// final one last. 101 is final and answers with [`BodyLength::Tunnel`].
    fn poll_head(&mut self, cx: &mut Context<'_>, head: &mut ResponseHead) -> Poll<Result<BodyLength>>;

    /// How far this attempt got: what was sent, and whether something came back.
    fn progress(&self) -> Progress;

    /// Gives the attempt up; the connection is not used again.
    fn reset(&mut self);
}
