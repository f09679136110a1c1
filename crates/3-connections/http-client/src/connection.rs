//! One HTTP/1 connection, seen from the client.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use gorge_async_io::{ReadBuffer, Room, Stream, WriteQueue};
use gorge_error::{Error, Kind, Result};
use gorge_filter::{Announce, BodyLength, BodySink, BodySource, ClientStream, Progress};
use gorge_http::{Chunk, Method, RequestHead, ResponseHead, Status};
use gorge_http_parser::{
    BodyDecoder, BodyEncoder, Framing, HeadParser, Limits, Persist, ResponseFraming, WireFraming, encode_request,
};

/// Interim heads before the final one, at most.
const INTERIM_HEADS: u32 = 32;

/// One HTTP/1 connection, seen from the client: writes a request, reads its response.
///
/// The upload and the response move independently: an answer that comes while the body is still
/// being sent is delivered at once. It keeps no time: whoever drives it holds the timer.
pub struct Connection<S> {
    stream: S,
    read: ReadBuffer,
    write: WriteQueue,
    parser: HeadParser,
    decoder: BodyDecoder,
    encoder: BodyEncoder,
    limits: Arc<Limits>,
    method: Asked,
    upgrade: bool,
    response: Response,
    interim: u32,
    keep_alive: Option<Duration>,
    reusable: bool,
    uses: u32,
    /// What the write queue had written when this exchange began.
    written_before: u64,
}

/// What the response needs to know of the method (RFC 9112 6.3).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Head,
    Other,
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
enum Response {
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
            method: Asked::Other,
            upgrade: false,
            response: Response::Awaited,
            interim: 0,
            keep_alive: None,
            reusable: true,
            uses: 0,
            written_before: 0,
        }
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
        ready!(self.read.poll_fill(&mut self.stream, cx, Room::Head)).map_or(
            Poll::Ready(Surprise::Failed),
            |read| Poll::Ready(if read == 0 { Surprise::Ended } else { Surprise::Data }),
        )
    }

    fn finish_head(&mut self, framing: ResponseFraming, status: Status) -> Result<BodyLength> {
        if status.is_informational() && status != Status::SWITCHING_PROTOCOLS {
            self.interim += 1;
            if self.interim > INTERIM_HEADS {
                return Err(broken("the upstream sends interim responses without end"));
            }
            return Ok(BodyLength::Empty);
        }
        if status == Status::SWITCHING_PROTOCOLS {
            return self.switch();
        }
        self.response = Response::Body;
        self.keep_alive = framing.keep_alive_timeout;
        self.reusable &= framing.keep_alive && framing.clean && framing.body != Framing::UntilClose;
        self.decoder = BodyDecoder::new(framing.body, *self.limits);
        Ok(match framing.body {
            Framing::None => BodyLength::Empty,
            Framing::Length(n) => BodyLength::Known(n),
            Framing::Chunked | Framing::UntilClose | Framing::Tunnel => BodyLength::Unknown,
        })
    }

    /// A 101: from here on both directions are opaque, if that is what was asked for.
    fn switch(&mut self) -> Result<BodyLength> {
        if !self.upgrade {
            return Err(broken("the upstream switches protocols without having been asked"));
        }
        self.response = Response::Tunnel;
        self.reusable = false;
        self.decoder = BodyDecoder::new(Framing::Tunnel, *self.limits);
        self.encoder = BodyEncoder::raw();
        Ok(BodyLength::Tunnel)
    }
}

impl<S: Stream> BodySource for Connection<S> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Chunk>> {
        loop {
            match self.decoder.decode(self.read.bytes()) {
                Ok(Some(chunk)) => return Poll::Ready(Ok(chunk)),
                Ok(None) if self.decoder.is_finished() => return Poll::Ready(Ok(Chunk::End)),
                Ok(None) => {}
                Err(reject) => {
                    self.reusable = false;
                    let error = Error::because(Kind::FramingInvalid, "the response body is broken", reject);
                    return Poll::Ready(Err(error.into_upstream()));
                }
            }
            match ready!(self.read.poll_fill(&mut self.stream, cx, Room::Body)) {
                Ok(0) => {
                    self.reusable = false;
                    return Poll::Ready(match self.decoder.eof() {
                        Ok(()) => Ok(Chunk::End),
                        Err(_) => Err(closed("the upstream closed inside a response body")),
                    });
                }
                Ok(_) => {}
                Err(error) => {
                    self.reusable = false;
                    return Poll::Ready(Err(read_failed(error)));
                }
            }
        }
    }
}

impl<S: Stream> BodySink for Connection<S> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.write.is_full() { self.poll_flush(cx) } else { Poll::Ready(Ok(())) }
    }

    fn send_chunk(&mut self, chunk: Chunk) -> Result<()> {
        let piece = self.encoder.encode(chunk, self.write.scratch()).map_err(|mismatch| {
            Error::because(Kind::Internal, "the request body does not fit", mismatch).into_internal()
        })?;
        self.write.push(piece.data);
        self.write.scratch().extend_from_slice(piece.suffix);
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if let Err(error) = ready!(self.write.poll_flush(&mut self.stream, cx)) {
            self.reusable = false;
            let kind = Kind::of_write(&error);
            return Poll::Ready(Err(
                Error::because(kind, "writing to the upstream failed", error).into_upstream()
            ));
        }
        if self.response == Response::Tunnel && self.encoder.is_ended() {
            // Half of a tunnel has ended; if the upstream is gone, the other half sees it.
            let _ = ready!(self.stream.poll_shutdown(cx));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream> ClientStream for Connection<S> {
    fn send_head(&mut self, head: &RequestHead, announce: Announce<'_>) -> Result<()> {
        self.uses += 1;
        self.method = if head.method == Method::HEAD { Asked::Head } else { Asked::Other };
        self.upgrade = announce.upgrade.is_some();
        self.response = Response::Awaited;
        self.interim = 0;
        self.written_before = self.write.written();
        let (wire, encoder) = match announce.length {
            BodyLength::Empty | BodyLength::Tunnel => (WireFraming::None, BodyEncoder::length(0)),
            BodyLength::Known(n) => (WireFraming::Length(n), BodyEncoder::length(n)),
            BodyLength::Unknown => (WireFraming::Chunked, BodyEncoder::chunked()),
        };
        self.encoder = encoder;
        let persist = announce.upgrade.map_or(Persist::Default, Persist::Upgrade);
        encode_request(head, wire, persist, self.write.scratch());
        Ok(())
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, head: &mut ResponseHead) -> Poll<Result<BodyLength>> {
        let method = if self.method == Asked::Head { Method::HEAD } else { Method::GET };
        loop {
            if !self.read.is_empty() {
                self.response = Response::Begun;
                match self.parser.response(self.read.bytes(), &self.limits, &method, head) {
                    Ok(Some(framing)) => return Poll::Ready(self.finish_head(framing, head.status)),
                    Ok(None) => {}
                    Err(reject) => {
                        self.reusable = false;
                        let kind = if reject.reason.status() == 431 { Kind::HeadTooLarge } else { Kind::HeadInvalid };
                        let error = Error::because(kind, "the response was rejected", reject);
                        return Poll::Ready(Err(error.into_upstream()));
                    }
                }
            }
            match ready!(self.read.poll_fill(&mut self.stream, cx, Room::Body)) {
                Ok(0) => {
                    self.reusable = false;
                    return Poll::Ready(Err(closed("the upstream closed before its response was complete")));
                }
                Ok(_) => {}
                Err(error) => {
                    self.reusable = false;
                    return Poll::Ready(Err(read_failed(error)));
                }
            }
        }
    }

    fn progress(&self) -> Progress {
        if self.response != Response::Awaited {
            Progress::Answered
        } else if self.write.written() > self.written_before {
            Progress::Sent
        } else {
            Progress::Nothing
        }
    }

    fn reset(&mut self) {
        self.reusable = false;
        self.write.clear();
        self.stream.abort();
    }
}

fn broken(context: &'static str) -> Error {
    Error::explain(Kind::HeadInvalid, context).into_upstream()
}

fn closed(context: &'static str) -> Error {
    Error::explain(Kind::ClosedEarly, context).into_upstream()
}

fn read_failed(error: std::io::Error) -> Error {
    let kind = Kind::of_read(&error);
    Error::because(kind, "reading from the upstream failed", error).into_upstream()
}
