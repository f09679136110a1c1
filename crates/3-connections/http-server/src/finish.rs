//! From the end of a response to where the next request begins, or to the end of the connection.

use std::task::{Context, Poll, ready};

use gorge_async_io::{Room, Stream};
use gorge_filter::{BodySink, BodySource};
use gorge_http::Chunk;

use crate::Connection;
use crate::connection::{Answer, Request};

enum Drained {
    Whole,
    TooMuch,
    Broken,
}

impl<S: Stream> Connection<S> {
    /// Ends the exchange: what the client still sends of its body is discarded within bounds, and
    /// the answer tells whether another request can be read (true) or the connection is to be
    /// dropped (false).
    ///
    /// The caller bounds the time by [`Settings::drain_timeout`](crate::Settings::drain_timeout).
    pub fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.broken {
            // What was sent before the break may still go, if the client takes it at once.
            let _ = self.poll_flush(cx);
            return Poll::Ready(false);
        }
        if !self.encoder.is_ended()
            || matches!(self.answer, Answer::Unasked | Answer::Awaited | Answer::Tunnel)
        {
            return Poll::Ready(false);
        }
        if !self.write.is_empty() && ready!(self.poll_flush(cx)).is_err() {
            return Poll::Ready(false);
        }
        if !self.closing && !self.decoder.is_finished() {
            match ready!(self.poll_drain(cx)) {
                Drained::Whole => {}
                Drained::TooMuch => self.closing = true,
                Drained::Broken => return Poll::Ready(false),
            }
        }
        if self.closing {
            return self.poll_linger(cx).map(|()| false);
        }
        self.request = Request::default();
        self.answer = Answer::Unasked;
        Poll::Ready(true)
    }

    /// Discards the rest of the request body, so that the next request begins where it should.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Drained> {
        loop {
            let known = self.decoder.remaining().unwrap_or(0);
            if self.drained.saturating_add(known) > self.settings.drain {
                return Poll::Ready(Drained::TooMuch);
            }
            match ready!(self.poll_chunk(cx)) {
                Ok(Chunk::Data(data)) => self.drained += data.len() as u64,
                Ok(Chunk::Trailers(_)) => {}
                Ok(Chunk::End) => return Poll::Ready(Drained::Whole),
                Err(_) => return Poll::Ready(Drained::Broken),
            }
        }
    }

    /// Closes so that the answer is not lost: a socket dropped with unread bytes resets the
    /// connection, and the reset may overtake the answer (RFC 9112 9.6).
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.lingering {
            // Who said that this request is the last sends no other. Whoever did not may be sending
            // one at this moment.
            let quiet = self.request.last && self.decoder.is_finished() && self.read.is_empty();
            if quiet || self.ended {
                return Poll::Ready(());
            }
            let _ = ready!(self.stream.poll_shutdown(cx));
            self.lingering = true;
        }
        loop {
            self.read.bytes().clear();
            if !matches!(ready!(self.poll_fill(cx, Room::Body)), Ok(1..)) {
                return Poll::Ready(());
            }
        }
    }
}
