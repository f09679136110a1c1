//! The connection as the server side of an exchange: request body in, response out.

use std::task::{Context, Poll, ready};

use gorge_async_io::{Room, Stream};
use gorge_digest::PeerAddr;
use gorge_error::{Error, Kind, Result};
use gorge_filter::{Announce, BodyLength, BodySink, BodySource, ServerStream};
use gorge_http::{Chunk, Known, ResponseHead, Status, date};
use gorge_http_parser::{BodyDecoder, BodyEncoder, Framing, Persist, WireFraming, encode_response};

use crate::connection::Answer;
use crate::{Connection, reject};

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
            match ready!(self.poll_fill(cx, Room::Body)) {
                Ok(0) => {
                    self.closing = true;
                    return Poll::Ready(match self.decoder.eof() {
                        Ok(()) => Ok(Chunk::End),
                        Err(_) => Err(self.cut_short("the client closed inside a request body")),
                    });
                }
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(self.read_failed(error))),
            }
        }
    }
}

impl<S: Stream> BodySink for Connection<S> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.write.is_full() { self.poll_flush(cx) } else { Poll::Ready(Ok(())) }
    }

    fn send_chunk(&mut self, chunk: Chunk) -> Result<()> {
        if self.answer == Answer::Bodiless && !chunk.is_end() {
            return Ok(());
        }
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
            self.broken = true;
            let kind = Kind::of_write(&error);
            let error = Error::because(kind, "writing to the client failed", error);
            return Poll::Ready(Err(error.into_downstream()));
        }
        if self.answer == Answer::Tunnel && self.encoder.is_ended() {
            // Half of a tunnel has ended; the client may already be gone, which the other half sees.
            let _ = ready!(self.stream.poll_shutdown(cx));
        }
        Poll::Ready(Ok(()))
    }

    fn written(&self) -> u64 {
        self.write.written()
    }
}

impl<S: Stream> ServerStream for Connection<S> {
    fn send_interim(&mut self, head: &ResponseHead) -> Result<()> {
        if !head.status.is_informational() || head.status == Status::SWITCHING_PROTOCOLS {
            return Err(misuse("this status is no interim one"));
        }
        if self.answer != Answer::Awaited || self.request.http10 || !self.settings.interim {
            return Ok(());
        }
        if head.status == Status::CONTINUE {
            self.request.expects = false;
        } else if self.write.is_full() {
            // The client does not read. This can be left out, and must not gather here.
            return Ok(());
        }
        encode_response(head, WireFraming::None, Persist::Default, self.write.scratch());
        Ok(())
    }

    fn send_head(&mut self, head: &mut ResponseHead, announce: Announce<'_>) -> Result<()> {
        self.check(head.status, announce.length)?;
        if !head.headers.contains(Known::Date) {
            // Cannot fail: a date holds no illegal byte.
            let _ = head.headers.append(Known::Date, date::now());
        }
        // Of a client that waits for a 100 nobody can tell whether it will send its body now. Where
        // the head was not understood, nothing that follows is.
        let unread = !self.decoder.is_finished();
        self.closing |= self.answer == Answer::Unasked
            || self.request.expects
            || unread && self.settings.close_on_early_answer;
        let (wire, encoder, answer) = self.frame(head.status, announce.length);
        self.closing |= matches!(answer, Answer::UntilClose | Answer::Tunnel);
        self.encoder = encoder;
        self.answer = answer;
        // Behind an interim head that was perhaps begun, nothing can be taken back.
        self.begun_at = if self.write.is_empty() { self.write.written() } else { u64::MAX };
        let persist = if answer == Answer::Tunnel {
            self.decoder = BodyDecoder::new(Framing::Tunnel, self.settings.limits);
            announce.upgrade.map_or(Persist::Default, Persist::Upgrade)
        } else if self.closing {
            Persist::Close
        } else if self.request.http10 {
            Persist::KeepAlive
        } else {
            Persist::Default
        };
        encode_response(head, wire, persist, self.write.scratch());
        Ok(())
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if !self.settings.abort_when_gone {
            return Poll::Pending;
        }
        // With pipelined bytes in the buffer no end can be seen behind them: reading on would gather
        // without bound.
        if !self.read.is_empty() {
            return Poll::Pending;
        }
        match ready!(self.poll_fill(cx, Room::Head)) {
            Ok(0) => Poll::Ready(self.cut_short("the client closed before it was answered")),
            Ok(_) => Poll::Pending,
            Err(error) => Poll::Ready(self.read_failed(error)),
        }
    }

    fn local_address(&self) -> Option<PeerAddr> {
        self.stream.socket_digest().local
    }

    fn is_watched(&self) -> bool {
        self.stream.is_watched()
    }

    fn close_after_response(&mut self) {
        self.closing = true;
    }

    fn close_unless_read(&mut self) {
        self.closing |= !self.decoder.is_finished();
    }

    fn take_back(&mut self) -> bool {
        let begun = matches!(self.answer, Answer::Begun | Answer::Bodiless | Answer::UntilClose);
        let whole = begun && !self.broken && self.write.written() == self.begun_at;
        if whole {
            self.write.clear();
            self.encoder = BodyEncoder::length(0);
            self.answer = Answer::Awaited;
        }
        whole
    }

    fn reset(&mut self) {
        self.closing = true;
        self.broken = true;
        if matches!(self.answer, Answer::UntilClose | Answer::Tunnel) {
            // A clean end would pass for the end of the body, or of what passed through the tunnel.
            self.write.clear();
            self.stream.abort();
        }
    }
}

impl<S: Stream> Connection<S> {
    /// Whether such a final head may follow what went before.
    fn check(&self, status: Status, length: BodyLength) -> Result<()> {
        if !matches!(self.answer, Answer::Unasked | Answer::Awaited) {
            return Err(misuse("the final head was sent before"));
        }
        if length != BodyLength::Tunnel {
            let interim = status.is_informational();
            return if interim { Err(misuse("an interim status ends no exchange")) } else { Ok(()) };
        }
        let asked = match status {
            Status::SWITCHING_PROTOCOLS => self.request.upgrade,
            status => status.is_success() && self.request.connect,
        };
        if !asked {
            return Err(misuse("a tunnel that the client did not ask for"));
        }
        if !self.decoder.is_finished() {
            return Err(misuse("a tunnel before the request was read to its end"));
        }
        Ok(())
    }

    /// How the body of a response is framed, on the wire and for the encoder.
    fn frame(&self, status: Status, length: BodyLength) -> (WireFraming, BodyEncoder, Answer) {
        let none = BodyEncoder::length(0);
        match length {
            BodyLength::Tunnel => (WireFraming::None, BodyEncoder::raw(), Answer::Tunnel),
            // Of 204 and 304 the status says all; to HEAD belongs what GET would have brought.
            _ if status == Status::NOT_MODIFIED => (WireFraming::AsFields, none, Answer::Bodiless),
            _ if status.is_bodiless() => (WireFraming::None, none, Answer::Bodiless),
            BodyLength::Known(n) if self.request.head_only => {
                (WireFraming::Length(n), none, Answer::Bodiless)
            }
            _ if self.request.head_only => (WireFraming::AsFields, none, Answer::Bodiless),
            BodyLength::Empty => (WireFraming::Length(0), none, Answer::Begun),
            BodyLength::Known(n) => (WireFraming::Length(n), BodyEncoder::length(n), Answer::Begun),
            BodyLength::Unknown if self.request.http10 => {
                (WireFraming::UntilClose, BodyEncoder::raw(), Answer::UntilClose)
            }
            BodyLength::Unknown => (WireFraming::Chunked, BodyEncoder::chunked(), Answer::Begun),
        }
    }
}

/// Whoever answers went against the rules of HTTP.
fn misuse(context: &'static str) -> Error {
    Error::explain(Kind::Internal, context).into_internal()
}
