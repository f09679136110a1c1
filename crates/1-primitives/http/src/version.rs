//! The version of HTTP that a message came in.

use std::fmt;

/// A version of HTTP that gorge speaks. Later ones compare greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1; the default
    #[default]
    Http11,
    /// HTTP/2 (RFC 9113)
    Http2,
    /// HTTP/3 (RFC 9114)
    Http3,
}

impl Version {
    /// As written in a log or a start line: `HTTP/1.1`.
    #[inline]
    pub const fn as_str(self) -> &'static str {
        match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
            Version::Http2 => "HTTP/2",
            Version::Http3 => "HTTP/3",
        }
    }

    /// As written in Via and Forwarded: `1.1` (RFC 9110 7.6.3).
    pub const fn number(self) -> &'static str {
        match self {
            Version::Http10 => "1.0",
            Version::Http11 => "1.1",
            Version::Http2 => "2",
            Version::Http3 => "3",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
