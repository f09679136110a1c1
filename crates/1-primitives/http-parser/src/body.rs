//! Reading bodies.

use bytes::BytesMut;
use gorge_http::Chunk;

use crate::chunked::Chunked;
use crate::{Framing, Limits, Reason, Reject};

/// Cuts the content of one message out of the bytes of its connection.
///
/// Content is split off the buffer without copying. A byte beyond the end of the
/// message is never touched: it is the beginning of the next one.
#[derive(Debug)]
pub struct BodyDecoder {
    state: State,
    /// Whether `End` was given.
    ended: bool,
}

#[derive(Debug)]
enum State {
    /// So many bytes were announced, and so many are still to come.
    Length {
        announced: u64,
        remaining: u64,
    },
    Chunked(Chunked),
    /// All that comes; `true` after the end of the connection.
    UntilClose(bool),
}

impl BodyDecoder {
    /// A decoder for the body that follows a head with that framing. Of `limits`, those on
    /// bodies, chunks and trailers are used.
    pub const fn new(framing: Framing, limits: Limits) -> Self {
        let state = match framing {
            Framing::None => State::Length { announced: 0, remaining: 0 },
            Framing::Length(length) => State::Length { announced: length, remaining: length },
            Framing::Chunked => State::Chunked(Chunked::new(limits)),
            Framing::UntilClose | Framing::Tunnel => State::UntilClose(false),
        };
        BodyDecoder { state, ended: false }
    }

    /// The next piece of content at the front of `buf`: `Data` (never empty), perhaps one
    /// `Trailers`, then `End` exactly once.
    ///
    /// `None` asks for more bytes behind those in `buf`, which must stay and may be up to
    /// [`Limits::trailers`] many; after `End` it is always `None`.
    ///
    /// Trailer fields that frame, route or authenticate a message, and others that mean
    /// nothing after the content, are dropped (RFC 9110 6.5.1).
    ///
    /// # Errors
    /// The rule that the framing of the body broke.
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Chunk>, Reject> {
        let data = match &mut self.state {
            _ if self.ended => return Ok(None),
            State::Length { remaining: 0, .. } | State::UntilClose(true) => return Ok(self.end()),
            State::Length { remaining, .. } => {
                // Cut to the buffer, so the cast back loses nothing.
                let len = (*remaining).min(buf.len() as u64);
                *remaining -= len;
                buf.split_to(len as usize)
            }
            State::UntilClose(false) => buf.split(),
            State::Chunked(chunked) => match chunked.decode(buf)? {
                Some(Chunk::End) => return Ok(self.end()),
                other => return Ok(other),
            },
        };
        Ok((!data.is_empty()).then(|| Chunk::Data(data.freeze())))
    }

    fn end(&mut self) -> Option<Chunk> {
        self.ended = true;
        Some(Chunk::End)
    }

    /// Tells that the connection ended: call it when `decode` gave `None` and no more bytes
    /// will come. After `Ok`, a body until close gives its `End`.
    ///
    /// # Errors
    /// [`Reason::Truncated`] if the body is not complete.
    pub fn eof(&mut self) -> Result<(), Reject> {
        let taken = match &mut self.state {
            State::UntilClose(closed) => {
                *closed = true;
                return Ok(());
            }
            State::Length { remaining: 0, .. } => return Ok(()),
            State::Length { announced, remaining } => (*announced - *remaining) as usize,
            State::Chunked(chunked) if chunked.is_finished() => return Ok(()),
            State::Chunked(chunked) => chunked.offset(),
        };
        Err(Reject::new(Reason::Truncated, taken))
    }

    /// Whether the last byte of the body was taken from the buffer. `decode` may still owe
    /// trailers and `End`.
    pub const fn is_finished(&self) -> bool {
        match &self.state {
            State::Length { remaining, .. } => *remaining == 0,
            State::Chunked(chunked) => chunked.is_finished(),
            State::UntilClose(closed) => *closed,
        }
    }

    /// How many bytes of content are still to come, where the framing says so.
    pub const fn remaining(&self) -> Option<u64> {
        match &self.state {
            State::Length { remaining, .. } => Some(*remaining),
            State::Chunked(chunked) if chunked.is_finished() => Some(0),
            State::UntilClose(true) => Some(0),
            State::Chunked(_) | State::UntilClose(false) => None,
        }
    }
}
