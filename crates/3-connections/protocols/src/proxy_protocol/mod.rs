//! The PROXY protocol, versions 1 and 2: how a proxy in front tells from where a connection really
//! comes, before its first byte.
//!
//! [`parse`], [`encode_v1`] and [`encode_v2`] work on bytes alone; [`ProxyProtocol::receive`] takes
//! the header off a connection.

mod crc32c;
mod encode;
mod header;
mod receive;
mod received;
mod reject;
mod tlv;
mod v1;
mod v2;

pub use encode::{Oversized, encode_v1, encode_v2};
pub use header::{Addresses, Command, Parsed, ProxyHeader, Version};
pub use receive::{HeaderRefused, ProxyProtocol};
pub use received::ReceivedHeader;
pub use reject::Reject;
pub use tlv::{Ssl, Tlv, TlvKind, Tlvs};

/// Reads a header from the front of `bytes`, of whichever version. It copies and allocates nothing.
///
/// However the bytes of a connection are split, asking again with more of them comes to the same end:
/// what is refused in part is refused in whole, for the same reason.
///
/// ```
/// use gorge_protocols::proxy_protocol::{Parsed, parse};
///
/// let bytes = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\nGET / HTTP/1.1\r\n";
/// let Parsed::Complete(header, len) = parse(bytes)? else { unreachable!() };
/// assert_eq!(header.source().unwrap().to_string(), "192.0.2.7:40000");
/// assert_eq!(&bytes[len..], b"GET / HTTP/1.1\r\n");
/// # Ok::<_, gorge_protocols::proxy_protocol::Reject>(())
/// ```
///
/// # Errors
/// [`Reject`]; there is nothing to answer, the connection is to be closed.
#[inline]
pub fn parse(bytes: &[u8]) -> Result<Parsed<'_>, Reject> {
    match bytes.first() {
        Some(b'P') => v1::parse(bytes),
        Some(b'\r') => v2::parse(bytes),
        Some(_) => Err(Reject::Missing),
        None => Ok(Parsed::Incomplete { need: v1::SHORTEST }),
    }
}
