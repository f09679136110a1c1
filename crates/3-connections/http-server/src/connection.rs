//! One HTTP/1 connection, seen from the server.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use gorge_async_io::{ReadBuffer, Room, Stream, WriteQueue};
use gorge_error::{Error, Kind, Result};
use gorge_filter::{Announce, BodyLength, BodySink, BodySource, ServerStream};
use gorge_http::{Chunk, Known, Method, RequestHead, ResponseHead, Status, Version, date};
use gorge_http_parser::{
    BodyDecoder, BodyEncoder, Expect, Framing, HeadParser, Persist, RequestFraming, WireFraming, encode_response,
};

use crate::{Settings, reject};

/// One HTTP/1 connection, seen from the server: reads a request, writes its response, and so on.
///
/// Pipelined requests wait in the receive buffer until the one before is answered. One request
/// goes: [`poll_idle`](Self::poll_idle), [`poll_head`](Self::poll_head), then the
/// [`ServerStream`] calls, then [`poll_finish`](Self::poll_finish). It keeps no time: whoever
/// drives it holds the timer.
pub struct Connection<S> {
    stream: S,
    read: ReadBuffer,
    write: WriteQueue,
    parser: HeadParser,
    decoder: BodyDecoder,
    encoder: BodyEncoder,
    settings: Arc<Settings>,
    request: Request,
    answer: Answer,
    /// Requests whose head was read.
    requests: u32,
    /// Nothing but a close can follow the present response.
    closing: bool,
    /// Body bytes discarded after the response.
    drained: u64,
    lingering: bool,
}

/// What the response needs to know of its request.
#[derive(Clone, Copy, Default)]
struct Request {
    head_only: bool,
    http10: bool,
    keep_alive: bool,
    /// The client waits for a 100 before it sends the body.
    expects: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Awaited,
    Begun,
    /// As `Begun`, but its data is not sent: an answer to HEAD, or a status without a body.
    Bodiless,
    /// As `Begun`, and only the end of the connection ends the body.
    UntilClose,
    Tunnel,
}

impl<S: Stream> Connection<S> {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(stream: S, settings: Arc<Settings>) -> Self {
        Self {
            stream,
            read: ReadBuffer::new(),
            write: WriteQueue::new(),
            parser: HeadParser::new(),
            decoder: BodyDecoder::new(Framing::None, settings.limits),
            encoder: BodyEncoder::length(0),
            settings,
            request: Request::default(),
            answer: Answer::Awaited,
            requests: 0,
            closing: false,
            drained: 0,
            lingering: false,
        }
    }

    /// The stream underneath.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// How many request heads were read.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// Ready when a byte of the next request is there, or the end of the connection.
    ///
    /// Holds no buffer meanwhile.
    pub fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.read.is_empty() {
            return Poll::Ready(());
        }
        self.read.release();
        // An error will come out of the read that follows.
        self.stream.poll_readable(cx).map(drop)
    }

    /// Reads the next request head. `None`: the client closed, with no request begun.
    ///
    /// # Errors
    /// The request breaks the rules or a limit, or the connection broke inside the head. No further
    /// request is read; the error still can be answered.
    pub fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        head: &mut RequestHead,
    ) -> Poll<Result<Option<RequestFraming>>> {
        loop {
            if !self.read.is_empty() {
                match self.parser.request(self.read.bytes(), &self.settings.limits, head) {
                    Ok(Some(framing)) => {
                        self.begin(head, framing);
                        return Poll::Ready(Ok(Some(framing)));
                    }
                    Ok(None) => {}
                    Err(reject) => {
                        self.closing = true;
                        return Poll::Ready(Err(reject::error(reject)));
                    }
                }
            }
            match ready!(self.read.poll_fill(&mut self.stream, cx, Room::Head)) {
                Ok(0) if self.read.is_empty() => return Poll::Ready(Ok(None)),
                Ok(0) => {
                    self.closing = true;
                    return Poll::Ready(Err(closed("the client closed inside a request head")));
                }
                Ok(_) => {}
                Err(error) => {
                    self.closing = true;
                    return Poll::Ready(Err(read_failed(error)));
                }
            }
        }
    }

    /// Ends the exchange: what the client still sends of its body is discarded within bounds, and
    /// the answer tells whether another request can be read (true) or the connection is to be
    /// dropped (false).
    ///
    /// The caller bounds the time by [`Settings::drain_timeout`].
    pub fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.encoder.is_ended() && !self.closing && self.decoder.is_finished() {
            return Poll::Ready(true);
        }
        if self.answer == Answer::Tunnel || !self.encoder.is_ended() {
            return Poll::Ready(false);
        }
        if !self.closing {
            match ready!(self.poll_drain(cx)) {
                Drained::Whole => return Poll::Ready(true),
                Drained::TooMuch => self.closing = true,
                Drained::Broken => return Poll::Ready(false),
            }
        }
        self.poll_linger(cx)
    }

    /// Discards the rest of the request body, so that the next request begins where it should.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Drained> {
        // A client that waits for a 100 may or may not send its body now: nothing can be told.
        if self.request.expects {
            return Poll::Ready(Drained::TooMuch);
        }
        loop {
            match ready!(self.poll_chunk(cx)) {
                Ok(Chunk::Data(data)) => {
                    self.drained += data.len() as u64;
                    if self.drained > self.settings.drain {
                        return Poll::Ready(Drained::TooMuch);
                    }
                }
                Ok(Chunk::Trailers(_)) => {}
                Ok(Chunk::End) => return Poll::Ready(Drained::Whole),
                Err(_) => return Poll::Ready(Drained::Broken),
            }
        }
    }

    /// Closes so that the answer is not lost: a socket dropped with unread bytes resets the
    /// connection, and the reset may overtake the answer (RFC 9112 9.6).
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.decoder.is_finished() && self.read.is_empty() && !self.lingering && self.request.keep_alive_known() {
            return Poll::Ready(false);
        }
        if !self.lingering {
            let _ = ready!(self.stream.poll_shutdown(cx));
            self.lingering = true;
        }
        loop {
            self.read.bytes().clear();
            match ready!(self.read.poll_fill(&mut self.stream, cx, Room::Body)) {
                Ok(0) | Err(_) => return Poll::Ready(false),
                Ok(_) => {}
            }
        }
    }

    fn begin(&mut self, head: &RequestHead, framing: RequestFraming) {
        self.requests += 1;
        self.drained = 0;
        self.answer = Answer::Awaited;
        self.decoder = BodyDecoder::new(framing.body, self.settings.limits);
        self.encoder = BodyEncoder::length(0);
        let http10 = head.version == Version::Http10;
        self.request = Request {
            head_only: head.method == Method::HEAD,
            http10,
            keep_alive: framing.keep_alive,
            expects: framing.expect == Expect::Continue && !http10 && !self.decoder.is_finished(),
        };
        let last = self.settings.requests != 0 && self.requests >= self.settings.requests;
        self.closing |= !framing.keep_alive || last;
    }

    /// How the body of a response is framed, on the wire and for the encoder.
    fn frame(&mut self, status: Status, length: BodyLength) -> (WireFraming, BodyEncoder, Answer) {
        let bodiless = self.request.head_only || status.is_bodiless();
        match length {
            BodyLength::Tunnel => (WireFraming::None, BodyEncoder::raw(), Answer::Tunnel),
            BodyLength::Known(n) if self.request.head_only => {
                (WireFraming::Length(n), BodyEncoder::length(0), Answer::Bodiless)
            }
            _ if self.request.head_only || status == Status::NOT_MODIFIED => {
                (WireFraming::AsFields, BodyEncoder::length(0), Answer::Bodiless)
            }
            _ if bodiless => (WireFraming::None, BodyEncoder::length(0), Answer::Bodiless),
            BodyLength::Empty => (WireFraming::Length(0), BodyEncoder::length(0), Answer::Begun),
            BodyLength::Known(n) => (WireFraming::Length(n), BodyEncoder::length(n), Answer::Begun),
            BodyLength::Unknown if self.request.http10 => {
                self.closing = true;
                (WireFraming::UntilClose, BodyEncoder::raw(), Answer::UntilClose)
            }
            BodyLength::Unknown => (WireFraming::Chunked, BodyEncoder::chunked(), Answer::Begun),
        }
    }
}

enum Drained {
    Whole,
    TooMuch,
    Broken,
}

impl Request {
    /// False before any head was understood: then nothing is known of what else the client sent.
    fn keep_alive_known(self) -> bool {
        self.keep_alive || self.http10
    }
}

impl<S: Stream> BodySource for Connection<S> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Chunk>> {
        loop {
            match self.decoder.decode(self.read.bytes()) {
                Ok(Some(chunk)) => {
                    self.request.expects = false;
                    return Poll::Ready(Ok(chunk));
                }
                Ok(None) if self.decoder.is_finished() => return Poll::Ready(Ok(Chunk::End)),
                Ok(None) => {}
                Err(reject) => {
                    self.closing = true;
                    return Poll::Ready(Err(reject::body_error(reject)));
                }
            }
            match ready!(self.read.poll_fill(&mut self.stream, cx, Room::Body)) {
                Ok(0) => {
                    self.closing = true;
                    return Poll::Ready(match self.decoder.eof() {
                        Ok(()) => Ok(Chunk::End),
                        Err(_) => Err(closed("the client closed inside a request body")),
                    });
                }
                Ok(_) => {}
                Err(error) => {
                    self.closing = true;
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
        let chunk = match chunk {
            Chunk::Data(_) | Chunk::Trailers(_) if self.answer == Answer::Bodiless => return Ok(()),
            chunk => chunk,
        };
        let piece = self.encoder.encode(chunk, self.write.scratch()).map_err(|mismatch| {
            Error::because(Kind::Internal, "the response body does not fit", mismatch).into_internal()
        })?;
        self.write.push(piece.data);
        self.write.scratch().extend_from_slice(piece.suffix);
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if let Err(error) = ready!(self.write.poll_flush(&mut self.stream, cx)) {
            self.closing = true;
            let kind = Kind::of_write(&error);
            return Poll::Ready(Err(
                Error::because(kind, "writing to the client failed", error).into_downstream()
            ));
        }
        if self.answer == Answer::Tunnel && self.encoder.is_ended() {
            // Half of a tunnel has ended; the client may already be gone, which the other half sees.
            let _ = ready!(self.stream.poll_shutdown(cx));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream> ServerStream for Connection<S> {
    fn send_interim(&mut self, head: &ResponseHead) -> Result<()> {
        if self.request.http10 || !self.settings.interim || self.answer != Answer::Awaited {
            return Ok(());
        }
        if head.status == Status::CONTINUE {
            self.request.expects = false;
        }
        encode_response(head, WireFraming::None, Persist::Default, self.write.scratch());
        Ok(())
    }

    fn send_head(&mut self, head: &mut ResponseHead, announce: Announce<'_>) -> Result<()> {
        if !head.headers.contains(Known::Date) {
            // Cannot fail: a date holds no illegal byte.
            let _ = head.headers.append(Known::Date, date::now());
        }
        let (wire, encoder, answer) = self.frame(head.status, announce.length);
        self.encoder = encoder;
        self.answer = answer;
        let persist = match announce.upgrade {
            Some(protocol) if answer == Answer::Tunnel => {
                self.decoder = BodyDecoder::new(Framing::Tunnel, self.settings.limits);
                self.closing = true;
                Persist::Upgrade(protocol)
            }
            _ if self.closing => Persist::Close,
            _ if self.request.http10 => Persist::KeepAlive,
            _ => Persist::Default,
        };
        encode_response(head, wire, persist, self.write.scratch());
        Ok(())
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        // With pipelined bytes in the buffer no end can be seen behind them: reading on would gather
        // without bound.
        while self.read.is_empty() {
            if ready!(self.stream.poll_readable(cx)).is_err() {
                return Poll::Ready(closed("the connection to the client is gone"));
            }
            match ready!(self.read.poll_fill(&mut self.stream, cx, Room::Head)) {
                Ok(0) => return Poll::Ready(closed("the client closed before it was answered")),
                Ok(_) => {}
                Err(error) => return Poll::Ready(read_failed(error)),
            }
        }
        Poll::Pending
    }

    fn close_after_response(&mut self) {
        self.closing = true;
    }

    fn close_unless_read(&mut self) {
        self.closing |= !self.decoder.is_finished();
    }

    fn reset(&mut self) {
        self.closing = true;
        if self.answer == Answer::UntilClose {
            // A clean end would pass for the end of the body.
            self.write.clear();
            self.stream.abort();
        }
    }
}

fn closed(context: &'static str) -> Error {
    Error::explain(Kind::ClosedEarly, context).into_downstream()
}

fn read_failed(error: std::io::Error) -> Error {
    let kind = Kind::of_read(&error);
    Error::because(kind, "reading from the client failed", error).into_downstream()
}
