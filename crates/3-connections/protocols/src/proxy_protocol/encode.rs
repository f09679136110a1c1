//! Writing headers.

use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bytes::{BufMut, BytesMut};
use gorge_digest::PeerAddr;

use super::tlv::{FRAME, sum};
use super::v2::{FIXED, Family, SIGNATURE, UNIX_NAME};
use super::{Tlv, TlvKind};

/// Writes a header of version 1, at most 107 bytes.
///
/// A connection that version 1 has no words for, as one over Unix sockets or one whose `source` nobody
/// knows, is `UNKNOWN`. An unknown `destination` is written as the unspecified address. If the
/// families differ, the IPv4 address is written as IPv6 (`::ffff:192.0.2.1`).
pub fn encode_v1(source: Option<&PeerAddr>, destination: Option<&PeerAddr>, out: &mut BytesMut) {
    let Some((source, destination)) = internet(source, destination) else {
        return out.put_slice(b"PROXY UNKNOWN\r\n");
    };
    let protocol = if source.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (source.ip(), destination.ip());
    out.reserve(super::v1::LONGEST);
    // Writing to a `BytesMut` fails only beyond the size of memory.
    let _ = write!(out, "PROXY {protocol} {from} {to} {} {}\r\n", source.port(), destination.port());
}

/// Writes a header of version 2 with `tlvs`. Among them [`TlvKind::CRC32C`] stands for the checksum,
/// which is put in here, whatever its value.
///
/// Without a `source` the command is LOCAL, for a connection of the proxy's own. Addresses go as in
/// [`encode_v1`]; Unix sockets have a family of their own, and an end without a name an empty one. What
/// fits together in no family is written without addresses.
///
/// # Errors
/// [`Oversized`]: more than 65535 bytes of addresses and TLVs. Then nothing is written.
pub fn encode_v2(
    source: Option<&PeerAddr>,
    destination: Option<&PeerAddr>,
    tlvs: &[Tlv<'_>],
    out: &mut BytesMut,
) -> Result<(), Oversized> {
    let ends = Ends::of(source, destination);
    let values: usize = tlvs.iter().map(|tlv| FRAME + value(tlv).len()).sum();
    let len = u16::try_from(ends.family().len() + values).map_err(|_| Oversized)?;
    if tlvs.iter().filter(|tlv| tlv.kind == TlvKind::CRC32C).count() > 1 {
        return Err(Oversized);
    }
    let start = out.len();
    out.reserve(FIXED + usize::from(len));
    out.put_slice(SIGNATURE);
    out.put_u8(if source.is_some() { 0x21 } else { 0x20 });
    out.put_u8(ends.code());
    out.put_u16(len);
    ends.write(out);
    let mut checksum = None;
    for tlv in tlvs {
        let value = value(tlv);
        out.put_u8(tlv.kind.0);
        // The sum of all lengths fits, so each does.
        out.put_u16(value.len() as u16);
        if tlv.kind == TlvKind::CRC32C {
            checksum = Some(out.len() - start);
        }
        out.put_slice(value);
    }
    if let Some(place) = checksum {
        let header = &mut out[start..];
        let sum = sum(header, place);
        header[place..place + 4].copy_from_slice(&sum.to_be_bytes());
    }
    Ok(())
}

/// The value to write; of the checksum room for it.
fn value<'a>(tlv: &Tlv<'a>) -> &'a [u8] {
    if tlv.kind == TlvKind::CRC32C { &[0; 4] } else { tlv.value }
}

/// Both ends in one family, if they are internet addresses.
fn internet(source: Option<&PeerAddr>, destination: Option<&PeerAddr>) -> Option<(SocketAddr, SocketAddr)> {
    let source = source?.socket_addr()?;
    let unknown = match source {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let destination = match destination {
        Some(destination) => destination.socket_addr()?,
        None => SocketAddr::new(unknown, 0),
    };
    if source.is_ipv4() == destination.is_ipv4() {
        return Some((source, destination));
    }
    Some((as_v6(source), as_v6(destination)))
}

fn as_v6(addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), addr.port()),
        IpAddr::V6(_) => addr,
    }
}

/// Both ends as version 2 writes them.
enum Ends<'a> {
    Unspecified,
    Ip(SocketAddr, SocketAddr),
    Unix(&'a [u8], &'a [u8]),
}

impl<'a> Ends<'a> {
    fn of(source: Option<&'a PeerAddr>, destination: Option<&'a PeerAddr>) -> Self {
        if let Some((source, destination)) = internet(source, destination) {
            return Ends::Ip(source, destination);
        }
        match (source, destination) {
            (Some(PeerAddr::Unix(source)), Some(PeerAddr::Unix(destination))) => {
                Ends::unix(source.as_deref(), destination.as_deref())
            }
            (Some(PeerAddr::Unix(source)), None) => Ends::unix(source.as_deref(), None),
            _ => Ends::Unspecified,
        }
    }

    fn unix(source: Option<&'a Path>, destination: Option<&'a Path>) -> Self {
        let name = |path: Option<&'a Path>| path.map_or(&[][..], |path| path.as_os_str().as_bytes());
        let (source, destination) = (name(source), name(destination));
        if source.len().max(destination.len()) > UNIX_NAME {
            return Ends::Unspecified;
        }
        Ends::Unix(source, destination)
    }

    fn family(&self) -> Family {
        match self {
            Ends::Unspecified => Family::Unspecified,
            Ends::Ip(SocketAddr::V4(_), _) => Family::V4,
            Ends::Ip(SocketAddr::V6(_), _) => Family::V6,
            Ends::Unix(..) => Family::Unix,
        }
    }

    /// Family and transport, which is always a stream.
    fn code(&self) -> u8 {
        match self.family() {
            Family::Unspecified => 0x00,
            Family::V4 => 0x11,
            Family::V6 => 0x21,
            Family::Unix => 0x31,
        }
    }

    fn write(&self, out: &mut BytesMut) {
        match self {
            Ends::Unspecified => {}
            Ends::Ip(source, destination) => {
                for end in [source, destination] {
                    match end.ip() {
                        IpAddr::V4(ip) => out.put_slice(&ip.octets()),
                        IpAddr::V6(ip) => out.put_slice(&ip.octets()),
                    }
                }
                out.put_u16(source.port());
                out.put_u16(destination.port());
            }
            Ends::Unix(source, destination) => {
                for name in [source, destination] {
                    out.put_slice(name);
                    out.put_bytes(0, UNIX_NAME - name.len());
                }
            }
        }
    }
}

/// A header of version 2 would have more than 65535 bytes of addresses and TLVs, or two checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Oversized;

impl fmt::Display for Oversized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more TLVs than a PROXY header can hold")
    }
}

impl std::error::Error for Oversized {}
