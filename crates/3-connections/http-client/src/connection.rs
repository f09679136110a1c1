//! One HTTP/1 connection, seen from the client: its state, and what each response head makes of it.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use gorge_async_io::{ReadBuffer, Room, Stream, WriteQueue};
use gorge_error::Result;
use gorge_filter::BodyLength;
use gorge_http::{Known, Method, ResponseHead, Status, Version};
use gorge_http_parser::{BodyDecoder, BodyEncoder, Framing, HeadParser, Limits, ResponseFraming};

use crate::fault;

/// Interim heads before the final one, at most.
const INTERIM_HEADS: u8 = 32;

/// One HTTP/1 connection, seen from the client: writes a request, reads its response.
///
/// The upload and the response move independently: an answer that comes while the body is still
/// being sent is delivered at once. It keeps no time: whoever drives it holds the timer.
pub struct Connection<S> {
    pub(crate) stream: S,
    pub(crate) read: ReadBuffer,
    pub(crate) write: WriteQueue,
    pub(crate) parser: HeadParser,
    pub(crate) decoder: BodyDecoder,
    pub(crate) encoder: BodyEncoder,
    pub(crate) limits: Arc<Limits>,
    /// What the write queue had written when this exchange began.
    pub(crate) written_before: u64,
    keep_alive: Option<Duration>,
    pub(crate) uses: u32,
    pub(crate) interim: u8,
    pub(crate) asked: Asked,
    /// The request asks for another protocol.
    pub(crate) upgrade: bool,
    pub(crate) response: Response,
    pub(crate) reusable: bool,
}

/// What the response needs to know of the method (RFC 9112 6.3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Connect,
    Head,
    Other,
}

impl Asked {
    pub(crate) fn of(method: &Method) -> Self {
        match method {
            method if *method == Method::HEAD => Self::Head,
            method if *method == Method::CONNECT => Self::Connect,
            _ => Self::Other,
        }
    }

    /// A method that stands for all of its kind.
    pub(crate) fn method(self) -> Method {
        match self {
            Self::Connect => Method::CONNECT,
            Self::Head => Method::HEAD,
            Self::Other => Method::GET,
        }
    }
}

/// What can come on a connection on which no exchange is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surprise {
    /// Bytes.
    Data,
    /// The other side closed it.
    Ended,
    /// An error.
    Failed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Response {
    /// Not one byte of it was seen.
    Awaited,
    /// Its head is being read.
    Begun,
    /// Its final head was read.
    Body,
    Tunnel,
}

impl<S: Stream> Connection<S> {
    /// A connection that carried nothing yet.
    #[must_use]
    pub fn new(stream: S, limits: Arc<Limits>) -> Self {
        Self {
            stream,
            read: ReadBuffer::new(),
            write: WriteQueue::new(),
            parser: HeadParser::new(),
            decoder: BodyDecoder::new(Framing::None, *limits),
            encoder: BodyEncoder::length(0),
            limits,
            written_before: 0,
            keep_alive: None,
            uses: 0,
            interim: 0,
            asked: Asked::Other,
            upgrade: false,
            response: Response::Awaited,
            reusable: true,
        }
    }

    /// A connection that is a tunnel from its first byte on: what was agreed on to make it one was said
    /// elsewhere.
    #[must_use]
    pub fn tunnel(stream: S, limits: Arc<Limits>) -> Self {
        let mut connection = Self::new(stream, limits);
        connection.become_tunnel();
        connection
    }

    /// Room for what goes out ahead of the first request, as a PROXY protocol header.
    pub fn preface(&mut self) -> &mut BytesMut {
        self.write.scratch()
    }

    /// The stream underneath.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Gives the stream back, for instance to move it to another worker.
    #[must_use]
    pub fn into_stream(self) -> S {
        self.stream
    }

    /// How many requests it carried, the present one included.
    #[must_use]
    pub fn uses(&self) -> u32 {
        self.uses
    }

    /// For a connection made from the stream of another: how many requests that one carried.
    pub fn set_uses(&mut self, uses: u32) {
        self.uses = uses;
    }

    /// True when another request may follow: both messages ended exactly, both sides agreed, and no
    /// byte came that nobody asked for (RFC 9112 9.3).
    #[must_use]
    pub fn is_reusable(&self) -> bool {
        self.reusable
            && self.response == Response::Body
            && self.decoder.is_finished()
            && self.encoder.is_ended()
            && self.write.is_empty()
            && self.read.is_empty()
    }

    /// For how long the server says it keeps the connection.
    #[must_use]
    pub fn keep_alive(&self) -> Option<Duration> {
        self.keep_alive
    }

    /// Gives back all memory while no exchange is running.
    pub fn rest(&mut self) {
        self.read.release();
    }

    /// For a connection at rest: ready when something comes that nobody asked for.
    pub fn poll_surprise(&mut self, cx: &mut Context<'_>) -> Poll<Surprise> {
        let read = ready!(self.read.poll_fill(&mut self.stream, cx, Room::Head));
        Poll::Ready(match read {
            Ok(0) => Surprise::Ended,
            Ok(_) => Surprise::Data,
            // TLS that ends without a word: between two exchanges nothing is lost by it.
            Err(cut) if cut.kind() == io::ErrorKind::UnexpectedEof => Surprise::Ended,
            Err(_) => Surprise::Failed,
        })
    }

    /// What a head that was just read makes of this connection.
    pub(crate) fn finish_head(
        &mut self,
        framing: ResponseFraming,
        head: &ResponseHead,
    ) -> Result<BodyLength> {
        if framing.body == Framing::Tunnel {
            return self.switch(head);
        }
        // A body until close leaves nothing alive, an anomaly nothing to be trusted.
        self.reusable &= framing.keep_alive && framing.clean && framing.keep_alive_max != Some(0);
        if head.status.is_informational() {
            self.interim += 1;
            if self.interim > INTERIM_HEADS {
                return Err(fault::broken("the upstream sends interim responses without end"));
            }
            return Ok(BodyLength::Empty);
        }
        self.response = Response::Body;
        self.keep_alive = framing.keep_alive_timeout;
        self.decoder = BodyDecoder::new(framing.body, *self.limits);
        Ok(match framing.body {
            Framing::None => BodyLength::Empty,
            Framing::Length(n) => BodyLength::Known(n),
            Framing::Chunked | Framing::UntilClose | Framing::Tunnel => BodyLength::Unknown,
        })
    }

    /// A 101, or success of a CONNECT: from here on both directions are opaque, if that is what was
    /// asked for (RFC 9110 7.8).
    fn switch(&mut self, head: &ResponseHead) -> Result<BodyLength> {
        self.reusable = false;
        if head.status == Status::SWITCHING_PROTOCOLS {
            if !self.upgrade {
                return Err(fault::broken("the upstream switches protocols without having been asked"));
            }
            if head.version != Version::Http11 || !head.headers.contains(Known::Upgrade) {
                return Err(fault::broken("the upstream switches to no protocol"));
            }
        }
        if !self.encoder.is_ended() {
            return Err(fault::broken("the upstream switches protocols before it has the whole request"));
        }
        self.become_tunnel();
        Ok(BodyLength::Tunnel)
    }

    fn become_tunnel(&mut self) {
        self.reusable = false;
        self.response = Response::Tunnel;
        self.decoder = BodyDecoder::new(Framing::Tunnel, *self.limits);
        self.encoder = BodyEncoder::raw();
    }
}
