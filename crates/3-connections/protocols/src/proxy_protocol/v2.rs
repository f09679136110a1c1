//! Version 2: binary.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use gorge_digest::PeerAddr;

use super::{Addresses, Command, Parsed, ProxyHeader, Reject, Tlvs, Version, tlv};

pub(super) const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family and transport, length.
pub(super) const FIXED: usize = 16;

pub(super) const UNIX_NAME: usize = 108;

/// The address family, in the high half of the fourteenth byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Unspecified,
    V4,
    V6,
    Unix,
}

impl Family {
    /// Bytes of both addresses.
    pub(super) const fn len(self) -> usize {
        match self {
            Family::Unspecified => 0,
            Family::V4 => 12,
            Family::V6 => 36,
            Family::Unix => 2 * UNIX_NAME,
        }
    }
}

// Inlined where it is used, all of the way from `parse`: the header is large to be handed back by value.
#[inline]
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed<'_>, Reject> {
    let Some(fixed) = bytes.first_chunk::<FIXED>() else { return incomplete(bytes) };
    if !fixed.starts_with(SIGNATURE) {
        return Err(Reject::Missing);
    }
    let command = command(fixed[12])?;
    let len = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    let (addresses, tlvs, end) = match command {
        // Whatever it carries is of no concern.
        Command::Local => (None, Tlvs::default(), FIXED + len),
        Command::Proxy => {
            let (family, datagram) = family(fixed[13])?;
            if len < family.len() {
                return Err(Reject::Length);
            }
            match bytes.get(..FIXED + len) {
                Some(header) => payload(header, family, datagram)?,
                None => (None, Tlvs::default(), FIXED + len),
            }
        }
    };
    if bytes.len() < end {
        return Ok(Parsed::Incomplete { need: end - bytes.len() });
    }
    Ok(Parsed::Complete(ProxyHeader { version: Version::V2, command, addresses, tlvs }, end))
}

/// Judges what is there of the fixed part.
#[cold]
fn incomplete(bytes: &[u8]) -> Result<Parsed<'_>, Reject> {
    let begun = bytes.len().min(SIGNATURE.len());
    if bytes[..begun] != SIGNATURE[..begun] {
        return Err(Reject::Missing);
    }
    if let Some(&byte) = bytes.get(12)
        && command(byte)? == Command::Proxy
        && let Some(&byte) = bytes.get(13)
    {
        family(byte)?;
    }
    Ok(Parsed::Incomplete { need: FIXED - bytes.len() })
}

#[inline]
fn command(byte: u8) -> Result<Command, Reject> {
    match (byte >> 4, byte & 15) {
        (2, 0) => Ok(Command::Local),
        (2, 1) => Ok(Command::Proxy),
        (2, _) => Err(Reject::Command),
        _ => Err(Reject::Version),
    }
}

/// The family, and whether it is a datagram socket.
#[inline]
fn family(byte: u8) -> Result<(Family, bool), Reject> {
    let family = match byte {
        0x00..=0x02 => Family::Unspecified,
        0x11 | 0x12 => Family::V4,
        0x21 | 0x22 => Family::V6,
        0x31 | 0x32 => Family::Unix,
        _ => return Err(Reject::Family),
    };
    Ok((family, byte & 15 == 2))
}

/// Addresses, TLVs, and where the header ends.
type Payload<'a> = (Option<Addresses<'a>>, Tlvs<'a>, usize);

/// `header` is whole, and long enough for its addresses.
#[inline]
fn payload(header: &[u8], family: Family, datagram: bool) -> Result<Payload<'_>, Reject> {
    let (addresses, tlvs) = header[FIXED..].split_at(family.len());
    let addresses = match family {
        Family::Unspecified => None,
        Family::V4 => Some(ip::<4>(addresses, |octets| Ipv4Addr::from(octets).into(), datagram)),
        Family::V6 => Some(ip::<16>(addresses, |octets| Ipv6Addr::from(octets).into(), datagram)),
        Family::Unix => {
            let (source, destination) = addresses.split_at(UNIX_NAME);
            let (source, destination) = (unix_name(source), unix_name(destination));
            Some(Addresses::Unix { source, destination, datagram })
        }
    };
    let tlvs = if tlvs.is_empty() { Tlvs::default() } else { tlv::judge(header, FIXED + family.len())? };
    Ok((addresses, tlvs, header.len()))
}

#[inline]
fn ip<const N: usize>(bytes: &[u8], address: fn([u8; N]) -> IpAddr, datagram: bool) -> Addresses<'_> {
    let octets = |at: usize| {
        let mut octets = [0; N];
        octets.copy_from_slice(&bytes[at..at + N]);
        address(octets)
    };
    let port = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    Addresses::Ip {
        source: SocketAddr::new(octets(0), port(2 * N)),
        destination: SocketAddr::new(octets(N), port(2 * N + 2)),
        datagram,
    }
}

/// A name without what fills it up. An abstract one begins with a NUL.
fn unix_name(field: &[u8]) -> &[u8] {
    let end = match field {
        [0, rest @ ..] => rest.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 2),
        _ => memchr::memchr(0, field).unwrap_or(field.len()),
    };
    &field[..end]
}

pub(super) fn unix(name: &[u8]) -> PeerAddr {
    PeerAddr::Unix((!name.is_empty()).then(|| Path::new(OsStr::from_bytes(name)).into()))
}
