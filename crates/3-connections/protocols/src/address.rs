//! Where to listen or to connect: an IP address with a port, or a Unix socket.

use std::ffi::OsStr;
use std::fmt;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use gorge_digest::PeerAddr;

/// The room of `sun_path`, without the final NUL of a path.
const UNIX_NAME_MAX: usize = 107;

/// An address of a socket, written as `127.0.0.1:80`, `[::1]:80`, `unix:/path` or `unix:@name`
/// (Linux's abstract names, which have no file).
///
/// Cloning allocates nothing, so that an address can be part of a key. Names are not resolved here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// TCP over IPv4 or IPv6.
    Ip(SocketAddr),
    /// A Unix socket with a file.
    Unix(Arc<Path>),
    /// A Unix socket in the abstract namespace, without the leading NUL.
    Abstract(Arc<[u8]>),
}

impl Address {
    /// Whether listening there means every address of the host, so that only the accepted
    /// connection knows which one the client asked for.
    pub fn is_wildcard(&self) -> bool {
        matches!(self, Address::Ip(addr) if addr.ip().is_unspecified())
    }

    /// The form in which Unix sockets are given to the system: abstract names begin with a NUL.
    pub(crate) fn unix_name(&self) -> Option<Arc<Path>> {
        match self {
            Address::Ip(_) => None,
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
            Address::Unix(_) | Address::Abstract(_) => PeerAddr::Unix(address.unix_name()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Ip(addr) => addr.fmt(f),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
            Address::Abstract(name) => write!(f, "unix:@{}", name.escape_ascii()),
        }
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let Some(name) = text.strip_prefix("unix:") else {
            return text.parse().map(Address::Ip).map_err(|_| ip_mistake(text));
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

/// Which part of `text` keeps it from being an IP address with a port.
fn ip_mistake(text: &str) -> InvalidAddress {
    if text.is_empty() {
        return InvalidAddress::Empty;
    }
    let is_ip = |host: &str| host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
    if is_ip(text) {
        return InvalidAddress::NoPort;
    }
    match text.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_err() && is_ip(host) => InvalidAddress::Port,
        Some((host, _)) if host.contains(':') && !host.starts_with('[') => InvalidAddress::NoBrackets,
        _ => InvalidAddress::NotAnAddress,
    }
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
    /// An IP address without a port.
    NoPort,
    /// Neither an IP address nor `unix:`; a host name, perhaps.
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
            InvalidAddress::NoPort => "the port is missing, as in 127.0.0.1:80",
            InvalidAddress::NotAnAddress => "not an IP address with a port, nor unix:/path or unix:@name",
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
        for text in ["127.0.0.1:80", "[::1]:80", "0.0.0.0:0", "unix:/run/a.sock", "unix:rel", "unix:@abc"] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn names_the_mistake() {
        let long = format!("unix:/{}", "a".repeat(107));
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
            ("localhost:80", InvalidAddress::NotAnAddress),
            ("unix:/a\0b", InvalidAddress::Nul),
            (&long, InvalidAddress::NameTooLong),
        ] {
            assert_eq!(text.parse::<Address>(), Err(mistake), "{text:?}");
        }
    }

    #[test]
    fn only_unspecified_addresses_are_wildcards() {
        for (text, wild) in
            [("0.0.0.0:1", true), ("[::]:1", true), ("127.0.0.1:1", false), ("unix:/a", false)]
        {
            assert_eq!(text.parse::<Address>().unwrap().is_wildcard(), wild, "{text}");
        }
    }
}
