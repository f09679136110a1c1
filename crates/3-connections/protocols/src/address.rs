//! Where to listen or to connect: an IP address or a name with a port, or a Unix socket.

use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use gorge_digest::PeerAddr;

/// The room of `sun_path`, without the final NUL of a path.
const UNIX_NAME_MAX: usize = 107;

/// The longest host name as text (RFC 1035 2.3.4), without a final dot.
const HOST_MAX: usize = 253;

/// The longest label, the part between two dots (RFC 1035 2.3.4).
const LABEL_MAX: usize = 63;

/// An address of a socket, written as `127.0.0.1:80`, `[::1]:80`, `example.com:80`, `unix:/path` or
/// `unix:@name` (Linux's abstract names, which have no file).
///
/// Cloning allocates nothing, so that an address can be part of a key. A name stays a name: it is
/// [`connect`](crate::connect) that asks for its addresses, and nothing listens on one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// TCP over IPv4 or IPv6.
    Ip(SocketAddr),
    /// TCP to whatever address the host has, and the port. [`Address::host`] makes one that is
    /// well-formed and in lower case, so that equal names are equal.
    Name(Arc<str>, u16),
    /// A Unix socket with a file.
    Unix(Arc<Path>),
    /// A Unix socket in the abstract namespace, without the leading NUL.
    Abstract(Arc<[u8]>),
}

impl Address {
    /// The address of a host that is an IP address (IPv6 with or without brackets) or a name.
    ///
    /// A name has letters, digits, `-`, `_` and `.`, and something besides digits and dots; it is
    /// kept in lower case. A final dot stays, and says that no search domain is to be added.
    ///
    /// # Errors
    /// [`InvalidAddress::Empty`], or [`InvalidAddress::NotAnAddress`] if it is neither.
    pub fn host(host: &str, port: u16) -> Result<Address, InvalidAddress> {
        if host.is_empty() {
            return Err(InvalidAddress::Empty);
        }
        let in_brackets = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let ip = match in_brackets {
            Some(v6) => v6.parse().map(IpAddr::V6),
            None => host.parse(),
        };
        if let Ok(ip) = ip {
            return Ok(Address::Ip(SocketAddr::new(ip, port)));
        }
        if !is_name(host) {
            return Err(InvalidAddress::NotAnAddress);
        }
        Ok(Address::Name(host.to_ascii_lowercase().into(), port))
    }

    /// Whether listening there means every address of the host, so that only the accepted
    /// connection knows which one the client asked for.
    pub fn is_wildcard(&self) -> bool {
        matches!(self, Address::Ip(addr) if addr.ip().is_unspecified())
    }

    /// The form in which Unix sockets are given to the system: abstract names begin with a NUL.
    pub(crate) fn unix_name(&self) -> Option<Arc<Path>> {
        match self {
            Address::Ip(_) | Address::Name(..) => None,
            Address::Unix(path) => Some(path.clone()),
            Address::Abstract(name) => {
                let mut bytes = Vec::with_capacity(name.len() + 1);
                bytes.push(0);
                bytes.extend_from_slice(name);
                Some(Path::new(OsStr::from_bytes(&bytes)).into())
            }
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(addr: SocketAddr) -> Self {
        Address::Ip(addr)
    }
}

impl From<&Address> for PeerAddr {
    fn from(address: &Address) -> Self {
        match address {
            Address::Ip(addr) => PeerAddr::Ip(*addr),
            Address::Name(host, port) => PeerAddr::Name(host.clone(), *port),
            Address::Unix(_) | Address::Abstract(_) => PeerAddr::Unix(address.unix_name()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Ip(addr) => addr.fmt(f),
            Address::Name(host, port) => write!(f, "{host}:{port}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
            Address::Abstract(name) => write!(f, "unix:@{}", name.escape_ascii()),
        }
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let Some(name) = text.strip_prefix("unix:") else {
            return text.parse().map(Address::Ip).or_else(|_| named(text));
        };
        if name.bytes().any(|b| b == 0) {
            return Err(InvalidAddress::Nul);
        }
        if name.len() > UNIX_NAME_MAX {
            return Err(InvalidAddress::NameTooLong);
        }
        match name.strip_prefix('@') {
            Some("") => Err(InvalidAddress::Empty),
            Some(name) => Ok(Address::Abstract(name.as_bytes().into())),
            None if name.is_empty() => Err(InvalidAddress::Empty),
            None => Ok(Address::Unix(Path::new(name).into())),
        }
    }
}

/// `example.com:80`, or which part of `text` keeps it from being that or an IP address with a port.
fn named(text: &str) -> Result<Address, InvalidAddress> {
    if text.is_empty() {
        return Err(InvalidAddress::Empty);
    }
    let is_host = |host: &str| host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() || is_name(host);
    if is_host(text) {
        return Err(InvalidAddress::NoPort);
    }
    Err(match text.rsplit_once(':') {
        Some((host, port)) if is_host(host) => match port.parse() {
            Ok(port) if is_name(host) => return Address::host(host, port),
            // The rest was not taken for an IP address with a port before.
            Ok(_) if host.contains(':') => InvalidAddress::NoBrackets,
            Ok(_) => InvalidAddress::NotAnAddress,
            Err(_) => InvalidAddress::Port,
        },
        Some((host, _)) if host.contains(':') && !host.starts_with('[') => InvalidAddress::NoBrackets,
        _ => InvalidAddress::NotAnAddress,
    })
}

/// Whether `host` is a host name as DNS and people write them (RFC 1123 2.1), `_` included, which
/// container networks and services use. Digits and dots alone are a mistyped IP address.
fn is_name(host: &str) -> bool {
    let labels = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    labels.len() <= HOST_MAX
        && labels.split('.').all(is_label)
        && labels.bytes().any(|b| !b.is_ascii_digit() && b != b'.')
}

/// Why a text is not an [`Address`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidAddress {
    /// There is nothing, or nothing behind `unix:`.
    Empty,
    /// A Unix name longer than the 107 bytes the system takes.
    NameTooLong,
    /// An IPv6 address with a port but without brackets.
    NoBrackets,
    /// An IP address or a name without a port.
    NoPort,
    /// Neither an IP address, nor a host name, nor `unix:`.
    NotAnAddress,
    /// A Unix name with a NUL in it.
    Nul,
    /// The port is not a number from 0 to 65535.
    Port,
}

impl fmt::Display for InvalidAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidAddress::Empty => "the address is empty",
            InvalidAddress::NameTooLong => "a Unix socket's name has at most 107 bytes",
            InvalidAddress::NoBrackets => "an IPv6 address with a port needs brackets, as in [::1]:80",
            InvalidAddress::NoPort => "the port is missing, as in 127.0.0.1:80 or example.com:80",
            InvalidAddress::NotAnAddress => {
                "neither an IP address or a name with a port, nor unix:/path or unix:@name"
            }
            InvalidAddress::Nul => "a Unix socket's name cannot hold a NUL",
            InvalidAddress::Port => "the port is not a number from 0 to 65535",
        })
    }
}

impl std::error::Error for InvalidAddress {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_every_form() {
        for text in [
            "127.0.0.1:80",
            "[::1]:80",
            "0.0.0.0:0",
            "example.com:80",
            "a.b-c.d_e.:65535",
            "localhost:1",
            "1a:1",
            "unix:/run/a.sock",
            "unix:rel",
            "unix:@abc",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn names_are_compared_without_case() {
        assert_eq!("Example.COM:80".parse::<Address>(), "example.com:80".parse());
        assert_eq!(Address::host("Example.COM", 80), "example.com:80".parse());
    }

    #[test]
    fn a_host_may_be_an_ip_address() {
        for (host, address) in [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("[::1]", "[::1]:80")] {
            assert_eq!(Address::host(host, 80), address.parse(), "{host}");
        }
        for host in ["", "1.2.3", "a..b", ".", "a b", "a:b", "[a]", "[1.2.3.4]", "ä.de", "a\n", "a/b"] {
            Address::host(host, 80).unwrap_err();
        }
    }

    #[test]
    fn names_the_mistake() {
        let long = format!("unix:/{}", "a".repeat(107));
        let long_label = format!("{}:80", "a".repeat(64));
        let long_host = format!("{}a:80", "a.".repeat(127));
        for (text, mistake) in [
            ("", InvalidAddress::Empty),
            ("unix:", InvalidAddress::Empty),
            ("unix:@", InvalidAddress::Empty),
            ("127.0.0.1", InvalidAddress::NoPort),
            ("::1", InvalidAddress::NoPort),
            ("[::1]", InvalidAddress::NoPort),
            ("127.0.0.1:x", InvalidAddress::Port),
            ("127.0.0.1:70000", InvalidAddress::Port),
            ("[::1]:", InvalidAddress::Port),
            ("2001:db8::1:zz:80", InvalidAddress::NoBrackets),
            ("example.com", InvalidAddress::NoPort),
            ("example.com:", InvalidAddress::Port),
            ("example.com:http", InvalidAddress::Port),
            ("::1:80:", InvalidAddress::Port),
            ("fe80::1.2.3.4:80", InvalidAddress::NoBrackets),
            ("[127.0.0.1]:80", InvalidAddress::NotAnAddress),
            ("1.2.3:80", InvalidAddress::NotAnAddress),
            ("1.2.3.400:80", InvalidAddress::NotAnAddress),
            ("80", InvalidAddress::NotAnAddress),
            (":80", InvalidAddress::NotAnAddress),
            ("a b:80", InvalidAddress::NotAnAddress),
            ("a..b:80", InvalidAddress::NotAnAddress),
            (&long_label, InvalidAddress::NotAnAddress),
            (&long_host, InvalidAddress::NotAnAddress),
            ("unix:/a\0b", InvalidAddress::Nul),
            (&long, InvalidAddress::NameTooLong),
        ] {
            assert_eq!(text.parse::<Address>(), Err(mistake), "{text:?}");
        }
    }

    #[test]
    fn only_unspecified_addresses_are_wildcards() {
        for (text, wild) in [
            ("0.0.0.0:1", true),
            ("[::]:1", true),
            ("127.0.0.1:1", false),
            ("a.example:1", false),
            ("unix:/a", false),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().is_wildcard(), wild, "{text}");
        }
    }
}
