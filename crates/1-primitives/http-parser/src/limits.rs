//! How much of a message is read before it is refused.

/// The bounds of a message; each one stops a peer from making something grow.
///
/// All are in bytes unless the field says otherwise. [`Limits::new`] (also
/// `Default`) gives the safe values named at each field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A whole head, from its first byte to the end of its empty line: 64 KiB.
    /// More is [`HeadTooLarge`](crate::Reason::HeadTooLarge), status 431.
    pub head: usize,
    /// Field lines of a head, and of a trailer section: 128 (a count). More is
    /// [`TooManyFields`](crate::Reason::TooManyFields), status 431. Above 128
    /// the parser needs a heap allocation per head.
    pub fields: usize,
    /// The request target: 16 KiB. More is
    /// [`UriTooLong`](crate::Reason::UriTooLong), status 414.
    pub uri: usize,
    /// One chunk-size line with its extensions, without its CRLF: 8 KiB. More is
    /// [`ChunkLineTooLong`](crate::Reason::ChunkLineTooLong), status 400.
    pub chunk_line: usize,
    /// All chunk extensions of one body together: 4 KiB. They are skipped, never
    /// forwarded; more is
    /// [`ChunkExtensionsTooLong`](crate::Reason::ChunkExtensionsTooLong), status 400.
    pub chunk_extensions: usize,
    /// A trailer section with its empty line: 64 KiB. More is
    /// [`TrailersTooLarge`](crate::Reason::TrailersTooLarge), status 400.
    pub trailers: usize,
    /// The content of one body: no limit (`u64::MAX`). More is
    /// [`BodyTooLarge`](crate::Reason::BodyTooLarge), status 413: at the head
    /// when Content-Length says so, else at the chunk that passes it.
    pub body: u64,
}

impl Limits {
    /// The defaults.
    pub const fn new() -> Self {
        Limits {
            head: 64 * 1024,
            fields: 128,
            uri: 16 * 1024,
            chunk_line: 8 * 1024,
            chunk_extensions: 4 * 1024,
            trailers: 64 * 1024,
            body: u64::MAX,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::new()
    }
}
