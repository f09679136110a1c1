//! One piece of a body.

use bytes::Bytes;

use crate::Headers;

/// One piece of a body in flight: any number of `Data`, perhaps `Trailers`, then `End`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Bytes of content, without any framing.
    Data(Bytes),
    /// The trailer section (RFC 9110 6.5). Only `End` follows. Boxed, for it is rare, and every
    /// chunk of every body would be as large as it.
    Trailers(Box<Headers>),
    /// The body is complete.
    End,
}

impl Chunk {
    /// How many bytes of content it has.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Chunk::Data(data) => data.len(),
            Chunk::Trailers(_) | Chunk::End => 0,
        }
    }

    /// Whether it has no content.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the body is complete with it.
    #[inline]
    pub fn is_end(&self) -> bool {
        matches!(self, Chunk::End)
    }
}

impl From<Bytes> for Chunk {
    fn from(data: Bytes) -> Self {
        Chunk::Data(data)
    }
}
