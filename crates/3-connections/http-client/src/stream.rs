//! The connection as the client side of an exchange: request out, response in.

use std::task::{Context, Poll, ready};

use gorge_async_io::{Room, Stream};
use gorge_error::{Error, Kind, Result};
use gorge_filter::{Announce, BodyLength, BodySink, BodySource, ClientStream, Progress};
use gorge_http::{Chunk, RequestHead, ResponseHead};
use gorge_http_parser::{BodyEncoder, Persist, WireFraming, encode_request};

use crate::connection::{Asked, Response};
use crate::{Connection, fault};

impl<S: Stream> BodySource for Connection<S> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Chunk>> {
        loop {
            match self.decoder.decode(self.read.bytes()) {
                Ok(Some(chunk)) => return Poll::Ready(Ok(chunk)),
                Ok(None) if self.decoder.is_finished() => return Poll::Ready(Ok(Chunk::End)),
                Ok(None) => {}
                Err(reject) => {
                    self.reusable = false;
                    return Poll::Ready(Err(fault::body_rejected(reject)));
                }
            }
            match ready!(self.read.poll_fill(&mut self.stream, cx, Room::Body)) {
                Ok(0) => {
                    self.reusable = false;
                    return Poll::Ready(match self.decoder.eof() {
                        Ok(()) => Ok(Chunk::End),
                        Err(_) => Err(fault::closed("the upstream closed inside a response body")),
                    });
                }
                Ok(_) => {}
                Err(error) => {
                    self.reusable = false;
                    return Poll::Ready(Err(fault::read_failed(error)));
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
            return Poll::Ready(Err(fault::write_failed(error)));
        }
        if self.response == Response::Tunnel && self.encoder.is_ended() {
            // Half of a tunnel has ended; if the upstream is gone, the other half sees it.
            let _ = ready!(self.stream.poll_shutdown(cx));
        }
        Poll::Ready(Ok(()))
    }

    fn written(&self) -> u64 {
        self.write.written()
    }
}

impl<S: Stream> ClientStream for Connection<S> {
    fn send_head(&mut self, head: &RequestHead, announce: Announce<'_>) -> Result<()> {
        self.uses = self.uses.saturating_add(1);
        self.asked = Asked::of(&head.method);
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
        encode_request(head, announce.host, wire, persist, self.write.scratch());
        Ok(())
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, head: &mut ResponseHead) -> Poll<Result<BodyLength>> {
        let method = self.asked.method();
        loop {
            if !self.read.is_empty() {
                self.response = Response::Begun;
                match self.parser.response(self.read.bytes(), &self.limits, &method, head) {
                    Ok(Some(framing)) => return Poll::Ready(self.finish_head(framing, head)),
                    Ok(None) => {}
                    Err(reject) => {
                        self.reusable = false;
                        return Poll::Ready(Err(fault::head_rejected(reject)));
                    }
                }
            }
            match ready!(self.read.poll_fill(&mut self.stream, cx, Room::Body)) {
                Ok(0) => {
                    self.reusable = false;
                    return Poll::Ready(Err(fault::closed(
                        "the upstream closed before its response was complete",
                    )));
                }
                Ok(_) => {}
                Err(error) => {
                    self.reusable = false;
                    return Poll::Ready(Err(fault::read_failed(error)));
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
