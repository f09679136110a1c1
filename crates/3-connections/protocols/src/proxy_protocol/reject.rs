//! Why bytes are no PROXY header.

use std::fmt;

/// Why bytes are no PROXY header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reject {
    /// Version 1: an address is none of its family, or not written in the one way it may be.
    Address,
    /// The checksum is another, or there are two.
    Checksum,
    /// Version 2: neither LOCAL nor PROXY.
    Command,
    /// Version 2: an address family or transport that the standard does not know, or a pair of them.
    Family,
    /// Version 2: too short for the addresses of its family.
    Length,
    /// Version 1: a line feed without a carriage return, or one of them within the line.
    LineEnd,
    /// It does not begin as a header of either version does.
    Missing,
    /// Version 1: a port is no number up to 65535, or has a sign or a leading zero.
    Port,
    /// Version 1: neither TCP4, TCP6 nor UNKNOWN.
    Protocol,
    /// Version 1: not exactly one space between the parts, a part too few or too many.
    Spacing,
    /// Version 2: a TLV that does not fit into the header, or whose value is not as its type wants.
    Tlv,
    /// Version 1: no end of the line within 107 bytes.
    TooLong,
    /// Version 2 by its signature, but another version by its number.
    Version,
}

impl Reject {
    /// The word for logs and metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Reject::Address => "address",
            Reject::Checksum => "checksum",
            Reject::Command => "command",
            Reject::Family => "family",
            Reject::Length => "length",
            Reject::LineEnd => "line_end",
            Reject::Missing => "missing",
            Reject::Port => "port",
            Reject::Protocol => "protocol",
            Reject::Spacing => "spacing",
            Reject::Tlv => "tlv",
            Reject::TooLong => "too_long",
            Reject::Version => "version",
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reject::Address => "invalid address in a PROXY header",
            Reject::Checksum => "wrong checksum of a PROXY header",
            Reject::Command => "unknown command in a PROXY header",
            Reject::Family => "unknown address family or transport in a PROXY header",
            Reject::Length => "PROXY header too short for its addresses",
            Reject::LineEnd => "PROXY header not ended by CRLF",
            Reject::Missing => "no PROXY header",
            Reject::Port => "invalid port in a PROXY header",
            Reject::Protocol => "unknown protocol in a PROXY header",
            Reject::Spacing => "parts missing or not set apart by one space in a PROXY header",
            Reject::Tlv => "invalid TLV in a PROXY header",
            Reject::TooLong => "PROXY header longer than 107 bytes",
            Reject::Version => "unknown version of a PROXY header",
        })
    }
}

impl std::error::Error for Reject {}
