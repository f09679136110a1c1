//! Why a message is refused: one reason per rule.

use std::fmt;

/// A refused message: the rule it broke and where.
///
/// After a `Reject` the place where the next message begins is in doubt, so the
/// connection carries no further message: answer (a request) or fail (a
/// response), then close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The rule.
    pub reason: Reason,
    /// Distance in bytes from the first byte of the head (a leading CRLF
    /// included), or of the body for what [`BodyDecoder`](crate::BodyDecoder)
    /// refuses, to the byte or field value at fault.
    pub offset: usize,
}

impl Reject {
    /// A refusal for `reason`, at `offset`.
    pub const fn new(reason: Reason, offset: usize) -> Self {
        Reject { reason, offset }
    }

    /// The status that answers a request so refused: [`Reason::status`].
    pub const fn status(&self) -> u16 {
        self.reason.status()
    }

    /// The same, `by` bytes further on.
    pub(crate) const fn shifted(self, by: usize) -> Self {
        Reject { reason: self.reason, offset: self.offset.saturating_add(by) }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.reason.as_str(), self.offset)
    }
}

impl std::error::Error for Reject {}

macro_rules! reasons {
    ($( $(#[$doc:meta])* $name:ident $status:literal $text:literal; )*) => {
        /// The rule that a refused message broke.
        ///
        /// Compared with `==` in tests and counted by name in metrics. The sections are
        /// those of RFC 9112 unless another RFC is named.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $( $(#[$doc])* $name, )*
        }

        impl Reason {
            /// Every reason, in the order of declaration.
            pub const ALL: &'static [Reason] = &[$( Reason::$name, )*];

            /// The status a server answers a request with: 400, 413, 414, 431, 501 or
            /// 505. (A response refused for any of them is a 502 for the proxy's client.)
            pub const fn status(self) -> u16 {
                match self { $( Reason::$name => $status, )* }
            }

            /// The rule as a sentence for a log.
            pub const fn as_str(self) -> &'static str {
                match self { $( Reason::$name => $text, )* }
            }
        }
    };
}

reasons! {
    /// A CR that no LF follows (2.2).
    BareCr 400 "a CR without LF";
    /// A line that ends in LF without CR (2.2: recognising it is optional, and
    /// two parsers that differ here can be played against each other).
    BareLf 400 "a line ends in LF without CR";
    /// The body is over [`Limits::body`](crate::Limits::body).
    BodyTooLarge 413 "the body is over the limit";
    /// A chunk's data is not followed by CRLF at once (7.1).
    ChunkEndInvalid 400 "chunk data is not followed by CRLF";
    /// A byte that cannot stand in a chunk extension (7.1.1).
    ChunkExtensionInvalid 400 "a chunk extension holds a control byte";
    /// Over [`Limits::chunk_extensions`](crate::Limits::chunk_extensions).
    ChunkExtensionsTooLong 400 "chunk extensions are over the limit";
    /// Over [`Limits::chunk_line`](crate::Limits::chunk_line).
    ChunkLineTooLong 400 "a chunk-size line is over the limit";
    /// The chunk size is missing or not plain hexadecimal digits: a sign, a
    /// space, `0x`, an underscore (7.1).
    ChunkSizeInvalid 400 "a chunk size is not plain hexadecimal digits";
    /// The chunk size has more than 16 digits.
    ChunkSizeOverflow 400 "a chunk size has more than 16 digits";
    /// A field line without colon (5).
    ColonMissing 400 "a field line has no colon";
    /// CONNECT with Transfer-Encoding or a Content-Length other than 0: content of a
    /// CONNECT request has no meaning (RFC 9110 9.3.6).
    ConnectContent 400 "a CONNECT request announces content";
    /// Content-Length without a value (RFC 9110 8.6).
    ContentLengthEmpty 400 "Content-Length is empty";
    /// Content-Length that is signed, spaced or otherwise not all digits.
    ContentLengthInvalid 400 "Content-Length is not digits only";
    /// Content-Length with a comma, even between equal numbers.
    ContentLengthListed 400 "Content-Length is a list";
    /// Content-Length above 2^64 - 1.
    ContentLengthOverflow 400 "Content-Length is too large a number";
    /// More than one Content-Length line, even if equal.
    ContentLengthRepeated 400 "Content-Length is repeated";
    /// A request with Content-Length beside Transfer-Encoding (6.1: the request
    /// smuggling case).
    ContentLengthWithTransferEncoding 400 "both Content-Length and Transfer-Encoding";
    /// NUL, DEL or another control byte.
    ControlByte 400 "a control byte";
    /// A field line that begins with a colon.
    FieldNameEmpty 400 "a field name is empty";
    /// A field name with a byte that is no token character (RFC 9110 5.1).
    FieldNameInvalid 400 "a field name holds an illegal byte";
    /// A head that is no head in a way that no other reason names.
    HeadInvalid 400 "not an HTTP/1 head";
    /// Over [`Limits::head`](crate::Limits::head).
    HeadTooLarge 431 "the head is over the limit";
    /// Host is empty or no `host [ ":" port ]` (3.2).
    HostInvalid 400 "Host is not a host with an optional port";
    /// An HTTP/1.1 request without Host (3.2).
    HostMissing 400 "Host is missing";
    /// More than one Host line (3.2).
    HostRepeated 400 "Host is repeated";
    /// More than one empty line before the request line (2.2), or any before a
    /// status line.
    LeadingEmptyLine 400 "empty lines before the head";
    /// The method is empty or holds a byte that is no token character (3.1).
    MethodInvalid 400 "the method is not a token";
    /// A field line that begins with white space: obsolete line folding (5.2), or
    /// white space before the first field (2.2).
    ObsFold 400 "a field line begins with white space";
    /// The request line ends after the method.
    RequestLineInvalid 400 "the request line is incomplete";
    /// White space between field name and colon (5.1).
    SpaceBeforeColon 400 "white space before a colon";
    /// The status is no number from 100 to 999 of three digits (4).
    StatusInvalid 400 "the status is not a three-digit number";
    /// The request target has an illegal byte, or none of the four forms (3.2), or a
    /// form the method does not go with.
    TargetInvalid 400 "the request target is invalid";
    /// Over [`Limits::fields`](crate::Limits::fields).
    TooManyFields 431 "the number of fields is over the limit";
    /// Over [`Limits::trailers`](crate::Limits::trailers).
    TrailersTooLarge 400 "the trailer section is over the limit";
    /// A registered coding below a final `chunked`, such as `gzip, chunked`:
    /// understood to be correct, but not decoded here (6.1).
    TransferCodingUnsupported 501 "a transfer coding other than chunked";
    /// Transfer-Encoding in HTTP/1.0 (6.1).
    TransferEncodingInHttp10 400 "Transfer-Encoding in HTTP/1.0";
    /// Transfer-Encoding that is not `chunked`, once and last (6.1, 6.3).
    TransferEncodingInvalid 400 "Transfer-Encoding is not chunked, once and last";
    /// More than one Transfer-Encoding line.
    TransferEncodingRepeated 400 "Transfer-Encoding is repeated";
    /// The connection ended within the message.
    Truncated 400 "the message is cut short";
    /// Over [`Limits::uri`](crate::Limits::uri).
    UriTooLong 414 "the request target is over the limit";
    /// Not `HTTP/` digit `.` digit where the version stands (2.3).
    VersionInvalid 400 "the HTTP version is malformed";
    /// A well-formed version other than 1.0 and 1.1; the HTTP/2 preface too.
    VersionUnsupported 505 "an HTTP version other than 1.0 and 1.1";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
