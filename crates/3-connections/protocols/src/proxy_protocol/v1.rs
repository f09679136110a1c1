//! Version 1: one line of text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Addresses, Command, Parsed, ProxyHeader, Reject, Tlvs, Version};

const PREFIX: &[u8] = b"PROXY ";

/// The longest line, its end included.
pub(super) const LONGEST: usize = 107;

/// The shortest line, `PROXY UNKNOWN` with its end. Nor is a header of version 2 shorter.
pub(super) const SHORTEST: usize = 15;

pub(super) fn parse(bytes: &[u8]) -> Result<Parsed<'_>, Reject> {
    let begun = bytes.len().min(PREFIX.len());
    if bytes[..begun] != PREFIX[..begun] {
        return Err(Reject::Missing);
    }
    let within = &bytes[..bytes.len().min(LONGEST)];
    let Some(end) = memchr::memchr(b'\n', within) else {
        return if bytes.len() >= LONGEST { Err(Reject::TooLong) } else { Ok(incomplete(bytes)) };
    };
    // The line feed is not in the prefix, nor is a carriage return: the line holds all of it.
    let line = within[..end].strip_suffix(b"\r").ok_or(Reject::LineEnd)?;
    let addresses = addresses(&line[PREFIX.len()..])?;
    let header =
        ProxyHeader { version: Version::V1, command: Command::Proxy, addresses, tlvs: Tlvs::default() };
    Ok(Parsed::Complete(header, end + 1))
}

fn incomplete(bytes: &[u8]) -> Parsed<'static> {
    let end = if bytes.ends_with(b"\r") { 1 } else { 2 };
    Parsed::Incomplete { need: end.max(SHORTEST.saturating_sub(bytes.len())) }
}

/// What follows `PROXY `, without the end of the line.
fn addresses(rest: &[u8]) -> Result<Option<Addresses<'static>>, Reject> {
    if let Some(rest) = rest.strip_prefix(b"TCP4 ") {
        return ip(rest, v4).map(Some);
    }
    if let Some(rest) = rest.strip_prefix(b"TCP6 ") {
        return ip(rest, v6).map(Some);
    }
    match rest.strip_prefix(b"UNKNOWN") {
        // What follows is of no concern, but it has to be one line.
        Some(rest) if rest.contains(&b'\r') => Err(Reject::LineEnd),
        Some([] | [b' ', ..]) => Ok(None),
        _ => Err(Reject::Protocol),
    }
}

/// Reads an address from the front, and gives what is behind it.
type ReadAddress = fn(&[u8]) -> Option<(IpAddr, &[u8])>;

#[inline]
fn ip(rest: &[u8], address: ReadAddress) -> Result<Addresses<'static>, Reject> {
    let (source_ip, rest) = address(rest).ok_or(Reject::Address)?;
    let (destination_ip, rest) = address(space(rest)?).ok_or(Reject::Address)?;
    let (source_port, rest) = port(space(rest)?)?;
    let (destination_port, rest) = port(space(rest)?)?;
    if !rest.is_empty() {
        return Err(Reject::Spacing);
    }
    Ok(Addresses::Ip {
        source: SocketAddr::new(source_ip, source_port),
        destination: SocketAddr::new(destination_ip, destination_port),
        datagram: false,
    })
}

#[inline]
fn space(rest: &[u8]) -> Result<&[u8], Reject> {
    rest.strip_prefix(b" ").ok_or(Reject::Spacing)
}

/// A number of up to `digits` digits without a leading zero, and what is behind it.
#[inline]
fn number(bytes: &[u8], digits: usize) -> Option<(u32, &[u8])> {
    let mut value = 0;
    let mut len = 0;
    while let Some(digit) = bytes.get(len).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit <= 9) {
        if len == digits || (len > 0 && value == 0) {
            return None;
        }
        value = value * 10 + u32::from(digit);
        len += 1;
    }
    (len > 0).then(|| (value, &bytes[len..]))
}

#[inline]
fn port(bytes: &[u8]) -> Result<(u16, &[u8]), Reject> {
    let (value, rest) = number(bytes, 5).ok_or(Reject::Port)?;
    Ok((u16::try_from(value).map_err(|_| Reject::Port)?, rest))
}

#[inline]
fn v4(bytes: &[u8]) -> Option<(IpAddr, &[u8])> {
    let mut octets = [0; 4];
    let mut rest = bytes;
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let (value, behind) = number(rest, 3)?;
        *octet = u8::try_from(value).ok()?;
        rest = behind;
    }
    Some((Ipv4Addr::from(octets).into(), rest))
}

fn v6(bytes: &[u8]) -> Option<(IpAddr, &[u8])> {
    let len = bytes.iter().position(|&byte| byte == b' ').unwrap_or(bytes.len());
    let text = std::str::from_utf8(&bytes[..len]).ok()?;
    Some((text.parse::<Ipv6Addr>().ok()?.into(), &bytes[len..]))
}
