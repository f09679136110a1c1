//! The chunked transfer coding (RFC 9112 7.1).

use bytes::{Buf, BytesMut};
use gorge_http::{Chunk, Headers};

use crate::class::{self, VALUE};
use crate::scan::Scanner;
use crate::{Limits, Reason, Reject, trailers};

/// More hexadecimal digits than a 64-bit size has.
const MAX_DIGITS: usize = 16;

/// Where the reading of a chunked body stands.
#[derive(Debug)]
pub(crate) struct Chunked {
    state: State,
    /// Size of the chunk being read; while its data is read, what is left of it.
    size: u64,
    /// Bytes of the chunk-size line read so far.
    line: usize,
    /// Bytes of chunk extensions in the whole body.
    extensions: usize,
    /// Content that may still be announced.
    room: u64,
    /// Bytes of the body taken from the buffer.
    offset: usize,
    limits: Limits,
}

#[derive(Debug)]
enum State {
    Size,
    Extension,
    /// After the CR of a chunk-size line.
    SizeLf,
    Data,
    /// After the data of a chunk.
    DataCr,
    DataLf,
    /// After the last chunk: trailer fields, up to an empty line.
    Trailers(Scanner),
    /// All was read.
    End,
}

impl Chunked {
    pub(crate) const fn new(limits: Limits) -> Self {
        let room = limits.body;
        Chunked { state: State::Size, size: 0, line: 0, extensions: 0, room, offset: 0, limits }
    }

    /// How many bytes of the body were taken from the buffer.
    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }

    pub(crate) const fn is_finished(&self) -> bool {
        matches!(self.state, State::End)
    }

    pub(crate) fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Chunk>, Reject> {
        loop {
            match &self.state {
                State::End => return Ok(Some(Chunk::End)),
                State::Trailers(_) => return self.trailers(buf),
                State::Data => {
                    if buf.is_empty() {
                        return Ok(None);
                    }
                    return Ok(Some(self.data(buf)));
                }
                _ => {
                    let (used, checked) = self.line(buf);
                    self.offset = self.offset.saturating_add(used);
                    checked.map_err(|reason| self.reject(reason))?;
                    buf.advance(used);
                    if buf.is_empty() && !matches!(self.state, State::End) {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// A refusal at the byte behind those that were taken.
    fn reject(&self, reason: Reason) -> Reject {
        // Of a CR one learns only by the next byte that it stands alone.
        let back = usize::from(reason == Reason::BareCr);
        Reject::new(reason, self.offset - back)
    }

    /// Takes what is there of the chunk's data.
    fn data(&mut self, buf: &mut BytesMut) -> Chunk {
        // Cut to the buffer, so the cast back loses nothing.
        let len = self.size.min(buf.len() as u64);
        self.size -= len;
        if self.size == 0 {
            self.state = State::DataCr;
        }
        self.offset = self.offset.saturating_add(len as usize);
        Chunk::Data(buf.split_to(len as usize).freeze())
    }

    /// Reads the bytes between the data of two chunks: how many were used, and whether the
    /// one behind them is at fault.
    fn line(&mut self, bytes: &[u8]) -> (usize, Result<(), Reason>) {
        let mut used = 0;
        loop {
            match self.state {
                State::Data | State::Trailers(_) | State::End => break,
                State::Extension => used += self.extension(&bytes[used..]),
                _ => {}
            }
            let Some(&byte) = bytes.get(used) else { break };
            match self.step(byte) {
                Ok(next) => self.state = next,
                Err(reason) => return (used, Err(reason)),
            }
            used += 1;
        }
        (used, Ok(()))
    }

    /// How much of an extension is there, within the limits.
    fn extension(&mut self, bytes: &[u8]) -> usize {
        let of_line = self.limits.chunk_line.saturating_sub(self.line);
        let of_body = self.limits.chunk_extensions.saturating_sub(self.extensions);
        let run = class::run(bytes, VALUE).min(of_line).min(of_body);
        self.line += run;
        self.extensions += run;
        run
    }

    fn step(&mut self, byte: u8) -> Result<State, Reason> {
        match self.state {
            State::Size => self.size_byte(byte),
            State::Extension => match byte {
                b'\r' => Ok(State::SizeLf),
                b'\n' => Err(Reason::BareLf),
                // What `extension` has left of a legal run was over a limit.
                _ if class::is(byte, VALUE) => Err(self.over_limit()),
                _ => Err(Reason::ChunkExtensionInvalid),
            },
            State::SizeLf if byte == b'\n' => self.begin_data(),
            State::DataCr => match byte {
                b'\r' => Ok(State::DataLf),
                b'\n' => Err(Reason::BareLf),
                _ => Err(Reason::ChunkEndInvalid),
            },
            State::DataLf if byte == b'\n' => {
                (self.size, self.line) = (0, 0);
                Ok(State::Size)
            }
            _ => Err(Reason::BareCr),
        }
    }

    fn size_byte(&mut self, byte: u8) -> Result<State, Reason> {
        match (byte as char).to_digit(16) {
            Some(_) if self.line >= MAX_DIGITS => Err(Reason::ChunkSizeOverflow),
            Some(_) if self.line >= self.limits.chunk_line => Err(Reason::ChunkLineTooLong),
            Some(digit) => {
                self.size = self.size << 4 | u64::from(digit);
                self.line += 1;
                Ok(State::Size)
            }
            None => match byte {
                b'\n' => Err(Reason::BareLf),
                b'\r' if self.line > 0 => Ok(State::SizeLf),
                b';' if self.line > 0 => self.begin_extension(),
                _ => Err(Reason::ChunkSizeInvalid),
            },
        }
    }

    /// The semicolon counts as part of the extension.
    fn begin_extension(&mut self) -> Result<State, Reason> {
        if self.extensions >= self.limits.chunk_extensions || self.line >= self.limits.chunk_line {
            return Err(self.over_limit());
        }
        self.extensions += 1;
        self.line += 1;
        Ok(State::Extension)
    }

    fn over_limit(&self) -> Reason {
        if self.extensions >= self.limits.chunk_extensions {
            Reason::ChunkExtensionsTooLong
        } else {
            Reason::ChunkLineTooLong
        }
    }

    fn begin_data(&mut self) -> Result<State, Reason> {
        if self.size == 0 {
            return Ok(State::Trailers(Scanner::fields()));
        }
        self.room = self.room.checked_sub(self.size).ok_or(Reason::BodyTooLarge)?;
        Ok(State::Data)
    }

    fn trailers(&mut self, buf: &mut BytesMut) -> Result<Option<Chunk>, Reject> {
        let State::Trailers(scanner) = &mut self.state else { return Ok(None) };
        let limit = self.limits.trailers;
        let window = &buf[..buf.len().min(limit)];
        let end = match scanner.feed(window, &self.limits) {
            Ok(Some(end)) => end,
            Ok(None) if buf.len() >= limit => {
                return Err(Reject::new(Reason::TrailersTooLarge, self.offset).shifted(limit));
            }
            Ok(None) => return Ok(None),
            Err(reject) => return Err(reject.shifted(self.offset)),
        };
        self.state = State::End;
        self.offset = self.offset.saturating_add(end);
        if end == 2 {
            buf.advance(end);
            return Ok(Some(Chunk::End));
        }
        let mut fields = Headers::new();
        trailers::read(buf.split_to(end).freeze(), &mut fields);
        Ok(Some(if fields.is_empty() { Chunk::End } else { Chunk::Trailers(Box::new(fields)) }))
    }
}
