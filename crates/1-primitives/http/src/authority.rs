//! Host and port, as in the Host field and in request targets (RFC 3986 3.2, RFC 9112 3.2).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::grammar;
use crate::uri::InvalidUri;

/// A host, and a port if one was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Authority<'a> {
    host: &'a str,
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// The host as written: a name, an IPv4 address, or an IPv6 address in its brackets.
    #[inline]
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// The port, if one was written.
    #[inline]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The host if it is an address rather than a name.
    pub fn ip(&self) -> Option<IpAddr> {
        match self.host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(address) => address.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => self.host.parse().ok(),
        }
    }
}

impl fmt::Display for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Splits `bytes` into host and port, and refuses what is no authority: an empty host, userinfo, a
/// path, a bracketed host that is no IPv6 address, a colon without a port behind it, a port that is
/// no number up to 65535.
///
/// # Errors
/// [`InvalidUri::Host`], [`InvalidUri::Port`] or [`InvalidUri::Userinfo`].
pub fn validate(bytes: &[u8]) -> Result<Authority<'_>, InvalidUri> {
    let (host, digits) = split(bytes)?;
    let port = match digits {
        None => None,
        Some(digits) => match parse_port(digits) {
            Ok(port) => Some(port),
            Err(_) if digits.contains(&b'@') => return Err(InvalidUri::Userinfo),
            Err(error) => return Err(error),
        },
    };
    Ok(Authority { host, port })
}

/// Host and the digits of the port. The host has been judged, the port has not.
fn split(bytes: &[u8]) -> Result<(&str, Option<&[u8]>), InvalidUri> {
    let host_len = if bytes.first() == Some(&b'[') {
        let end = memchr::memchr(b']', bytes).ok_or(InvalidUri::Host)?;
        let address = std::str::from_utf8(&bytes[1..end]).map_err(|_| InvalidUri::Host)?;
        address.parse::<Ipv6Addr>().map_err(|_| InvalidUri::Host)?;
        end + 1
    } else {
        reg_name_len(bytes)?
    };
    let (host, rest) = bytes.split_at(host_len);
    // SAFETY: it is ASCII: either bytes that `reg_name_len` has let pass, or an IPv6 address, which
    // has been parsed, in brackets.
    let host = unsafe { std::str::from_utf8_unchecked(host) };
    match rest {
        [] => Ok((host, None)),
        [b':', port @ ..] => Ok((host, Some(port))),
        [b'@', ..] => Err(InvalidUri::Userinfo),
        _ => Err(InvalidUri::Host),
    }
}

/// The length of the registered name (or IPv4 address) that `bytes` begin with.
#[inline]
fn reg_name_len(bytes: &[u8]) -> Result<usize, InvalidUri> {
    let plain =
        |bytes: &[u8]| bytes.iter().position(|&byte| !grammar::is_reg_name_byte(byte)).unwrap_or(bytes.len());
    let mut len = plain(bytes);
    while bytes.get(len) == Some(&b'%') {
        match bytes.get(len + 1..len + 3) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => len += 3,
            _ => return Err(InvalidUri::Host),
        }
        len += plain(&bytes[len..]);
    }
    if len == 0 { Err(InvalidUri::Host) } else { Ok(len) }
}

fn parse_port(digits: &[u8]) -> Result<u16, InvalidUri> {
    if digits.is_empty() || digits.len() > 5 {
        return Err(InvalidUri::Port);
    }
    let mut port = 0u32;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return Err(InvalidUri::Port);
        }
        port = port * 10 + u32::from(digit - b'0');
    }
    u16::try_from(port).map_err(|_| InvalidUri::Port)
}
