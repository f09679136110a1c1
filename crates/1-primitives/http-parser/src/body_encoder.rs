//! The framing of a body on its way out.

use bytes::{Bytes, BytesMut};
use gorge_http::{Chunk, Headers};

use crate::{encode_chunk_start, encode_last_chunk};

/// Frames the chunks of one body, and counts them against the length that was announced.
#[derive(Debug)]
pub struct BodyEncoder {
    framing: Outgoing,
    trailers: Option<Box<Headers>>,
    ended: bool,
}

#[derive(Clone, Copy, Debug)]
enum Outgoing {
    Chunked,
    Length(u64),
    Raw,
}

/// What to send for one chunk, behind the prefix that was written: the data, then the suffix.
#[derive(Debug)]
pub struct Piece {
    /// The payload, unchanged.
    pub data: Bytes,
    /// What closes it.
    pub suffix: &'static [u8],
}

/// A body that does not fit its announced length. Its message can only be broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthMismatch {
    /// More bytes than announced.
    TooLong,
    /// The end came before as many bytes as announced.
    TooShort,
}

impl std::fmt::Display for LengthMismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the body is longer than its announced length",
            Self::TooShort => "the body is shorter than its announced length",
        })
    }
}

impl std::error::Error for LengthMismatch {}

impl BodyEncoder {
    /// A body in the chunked coding (RFC 9112 7.1).
    #[must_use]
    pub fn chunked() -> Self {
        Self { framing: Outgoing::Chunked, trailers: None, ended: false }
    }

    /// A body of exactly so many bytes; 0 for none.
    #[must_use]
    pub fn length(length: u64) -> Self {
        Self { framing: Outgoing::Length(length), trailers: None, ended: false }
    }

    /// Bytes as they come: a body until close, or a tunnel.
    #[must_use]
    pub fn raw() -> Self {
        Self { framing: Outgoing::Raw, trailers: None, ended: false }
    }

    /// True once `End` was encoded.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Frames one chunk: what goes before its data is written to `prefix`.
    ///
    /// Trailers wait for the end, and are dropped where the framing has no place for them.
    ///
    /// # Errors
    /// The chunk contradicts the announced length; nothing of it is to be sent.
    pub fn encode(&mut self, chunk: Chunk, prefix: &mut BytesMut) -> Result<Piece, LengthMismatch> {
        match chunk {
            Chunk::Data(data) if data.is_empty() => Ok(Piece { data, suffix: b"" }),
            Chunk::Data(data) => self.data(data, prefix),
            Chunk::Trailers(trailers) => {
                self.trailers = Some(trailers);
                Ok(Piece { data: Bytes::new(), suffix: b"" })
            }
            Chunk::End => self.end(prefix),
        }
    }

    fn data(&mut self, data: Bytes, prefix: &mut BytesMut) -> Result<Piece, LengthMismatch> {
        match &mut self.framing {
            Outgoing::Chunked => {
                encode_chunk_start(data.len(), prefix);
                Ok(Piece { data, suffix: b"\r\n" })
            }
            Outgoing::Length(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or(LengthMismatch::TooLong)?;
                Ok(Piece { data, suffix: b"" })
            }
            Outgoing::Raw => Ok(Piece { data, suffix: b"" }),
        }
    }

    fn end(&mut self, prefix: &mut BytesMut) -> Result<Piece, LengthMismatch> {
        match self.framing {
            Outgoing::Chunked if !self.ended => encode_last_chunk(self.trailers.as_deref(), prefix),
            Outgoing::Length(left) if left > 0 => return Err(LengthMismatch::TooShort),
            _ => {}
        }
        self.ended = true;
        Ok(Piece { data: Bytes::new(), suffix: b"" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(encoder: &mut BodyEncoder, chunks: Vec<Chunk>) -> Result<String, LengthMismatch> {
        let mut out = BytesMut::new();
        for chunk in chunks {
            let piece = encoder.encode(chunk, &mut out)?;
            out.extend_from_slice(&piece.data);
            out.extend_from_slice(piece.suffix);
        }
        Ok(String::from_utf8(out.to_vec()).unwrap())
    }

    fn data(text: &'static str) -> Chunk {
        Chunk::Data(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn chunks_carry_their_size_and_trailers_come_last() {
        let mut trailers = Headers::new();
        trailers.append("X-Sum", "1").unwrap();
        let chunks = vec![data("hello"), data(""), Chunk::Trailers(Box::new(trailers)), Chunk::End];
        let mut encoder = BodyEncoder::chunked();
        assert_eq!(send(&mut encoder, chunks).unwrap(), "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n");
        assert!(encoder.is_ended());
    }

    #[test]
    fn an_announced_length_is_held_to() {
        assert_eq!(send(&mut BodyEncoder::length(5), vec![data("hello"), Chunk::End]).unwrap(), "hello");
        let long = send(&mut BodyEncoder::length(4), vec![data("hello")]);
        assert_eq!(long.unwrap_err(), LengthMismatch::TooLong);
        let short = send(&mut BodyEncoder::length(6), vec![data("hello"), Chunk::End]);
        assert_eq!(short.unwrap_err(), LengthMismatch::TooShort);
    }

    #[test]
    fn raw_bytes_have_no_frame_and_no_trailers() {
        let chunks = vec![data("a"), Chunk::Trailers(Box::default()), data("b"), Chunk::End];
        assert_eq!(send(&mut BodyEncoder::raw(), chunks).unwrap(), "ab");
    }
}
