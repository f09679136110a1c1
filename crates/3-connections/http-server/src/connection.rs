//! One HTTP/1 connection, seen from the server: its state, and how a request head is read.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use gorge_async_io::{ReadBuffer, Room, Stream, WriteQueue};
use gorge_error::{Error, Kind, Result};
use gorge_http::{Method, RequestHead, Version};
use gorge_http_parser::{BodyDecoder, BodyEncoder, Expect, Framing, HeadParser, RequestFraming};

use crate::{Settings, reject};

/// One HTTP/1 connection, seen from the server: reads a request, writes its response, and so on.
///
/// Pipelined requests wait in the receive buffer until the one before is answered. One request
/// goes: [`poll_idle`](Self::poll_idle), [`poll_head`](Self::poll_head), then the
/// [`ServerStream`](gorge_filter::ServerStream) calls, then [`poll_finish`](Self::poll_finish). It
/// keeps no time: whoever drives it holds the timer.
pub struct Connection<S> {
    pub(crate) stream: S,
    pub(crate) read: ReadBuffer,
    pub(crate) write: WriteQueue,
    pub(crate) parser: HeadParser,
    pub(crate) decoder: BodyDecoder,
    pub(crate) encoder: BodyEncoder,
    pub(crate) settings: Arc<Settings>,
    /// Body bytes discarded after the response.
    pub(crate) drained: u64,
    /// How many bytes had been written when the final head was queued, first in the queue.
    pub(crate) begun_at: u64,
    /// Requests whose head was read.
    pub(crate) requests: u32,
    pub(crate) request: Request,
    pub(crate) answer: Answer,
    /// Nothing but a close can follow the present response.
    pub(crate) closing: bool,
    /// The response cannot be brought to its end: not even a clean close may follow.
    pub(crate) broken: bool,
    /// The client has ended its side.
    pub(crate) ended: bool,
    /// Our side is ended; what still comes is discarded.
    pub(crate) lingering: bool,
}

/// What the response needs to know of its request.
#[derive(Clone, Copy, Default)]
pub(crate) struct Request {
    pub(crate) head_only: bool,
    pub(crate) connect: bool,
    pub(crate) http10: bool,
    /// It asks for another protocol.
    pub(crate) upgrade: bool,
    /// The client itself said that this request is its last.
    pub(crate) last: bool,
    /// The client waits for a 100 before it sends the body.
    pub(crate) expects: bool,
}

/// How far the answer is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// No request head was read to its end yet: an answer now is to something that is none.
    Unasked,
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
            drained: 0,
            begun_at: 0,
            requests: 0,
            request: Request::default(),
            answer: Answer::Unasked,
            closing: false,
            broken: false,
            ended: false,
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

    /// Other settings, from the next request on. To be called between two requests.
    pub fn set_settings(&mut self, settings: &Arc<Settings>) {
        if !Arc::ptr_eq(&self.settings, settings) {
            self.settings = settings.clone();
        }
    }

    /// How many request heads were read.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// True while the client waits for a 100 before it sends the body of its request (RFC 9110
    /// 10.1.1).
    #[must_use]
    pub fn expects_continue(&self) -> bool {
        self.request.expects
    }

    /// Ready when a byte of the next request was read, or the connection has ended, in whatever way:
    /// between two requests an error is no more than that.
    ///
    /// Holds no buffer meanwhile.
    pub fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.read.is_empty() {
            // Reading, and not just asking whether one could, keeps a connection here that was only
            // opened: the reactor takes it for readable unasked.
            let read = ready!(self.poll_fill(cx, Room::Head));
            self.ended |= read.is_err();
        }
        Poll::Ready(())
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
            match ready!(self.poll_fill(cx, Room::Head)) {
                Ok(0) if self.read.is_empty() => return Poll::Ready(Ok(None)),
                Ok(0) => return Poll::Ready(Err(self.cut_short("the client closed inside a request head"))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(self.read_failed(error))),
            }
        }
    }

    fn begin(&mut self, head: &RequestHead, framing: RequestFraming) {
        self.requests = self.requests.saturating_add(1);
        self.drained = 0;
        self.answer = Answer::Awaited;
        self.decoder = BodyDecoder::new(framing.body, self.settings.limits);
        self.encoder = BodyEncoder::length(0);
        self.request = Request {
            head_only: head.method == Method::HEAD,
            connect: head.method == Method::CONNECT,
            http10: head.version == Version::Http10,
            upgrade: framing.upgrade,
            last: !framing.keep_alive,
            expects: framing.expect == Expect::Continue && !self.decoder.is_finished(),
        };
        let last = self.settings.requests != 0 && self.requests >= self.settings.requests;
        // Behind a CONNECT may already lie what was meant for the other end of the tunnel: if that is
        // refused, it must not be read as a request (RFC 9931).
        self.closing |= !framing.keep_alive || last || self.request.connect;
    }

    /// Says the end of our side, where a drop alone would look like a cut (TLS), unless the answer was
    /// broken off. To be called before the drop; it waits for nothing, so that a client which takes no more
    /// goes without.
    pub fn end(&mut self) {
        let between = matches!(self.answer, Answer::Unasked | Answer::Awaited) || self.encoder.is_ended();
        if between && !self.broken && self.write.is_empty() && self.stream.needs_shutdown() {
            let _ = self.stream.poll_shutdown(&mut Context::from_waker(Waker::noop()));
        }
    }

    /// Reads once. After the end of the client's side it is 0 at once, without a system call.
    ///
    /// A client that ends TLS without a word, as most do, has ended its side: the framing of a request
    /// tells whether it is whole. What passes through a tunnel has none.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>, room: Room) -> Poll<io::Result<usize>> {
        if self.ended {
            return Poll::Ready(Ok(0));
        }
        let read = match ready!(self.read.poll_fill(&mut self.stream, cx, room)) {
            Err(cut) if cut.kind() == io::ErrorKind::UnexpectedEof && self.answer != Answer::Tunnel => Ok(0),
            read => read,
        };
        self.ended = matches!(read, Ok(0));
        Poll::Ready(read)
    }

    /// The client ended its side too early.
    pub(crate) fn cut_short(&mut self, context: &'static str) -> Error {
        self.closing = true;
        Error::explain(Kind::ClosedEarly, context).into_downstream()
    }

    pub(crate) fn read_failed(&mut self, error: io::Error) -> Error {
        self.closing = true;
        let kind = Kind::of_read(&error);
        Error::because(kind, "reading from the client failed", error).into_downstream()
    }
}
