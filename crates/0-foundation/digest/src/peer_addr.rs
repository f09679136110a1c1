//! The address of one end of a connection.

use std::fmt::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

/// The address of one end of a connection. Cloning allocates nothing.
///
/// Displayed as one would log it: `192.0.2.7:80`, `[2001:db8::1]:80`, `example.com:80`, `unix:/run/app.sock`,
/// `unix:@name` for an abstract name, `unix:` for a socket without a name. Control characters are escaped, for the other
/// side may have chosen the name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PeerAddr {
    /// Internet.
    Ip(SocketAddr),
    /// A host name and a port, before anybody asked which addresses it has. A connection that stands never has this one.
    Name(Arc<str>, u16),
    /// A Unix socket; `None` if that end has no name, as most clients' ends. An abstract name (Linux) begins with a NUL.
    Unix(Option<Arc<Path>>),
}

impl PeerAddr {
    /// The internet address without its port.
    pub fn ip(&self) -> Option<IpAddr> {
        self.socket_addr().map(|addr| addr.ip())
    }

    /// The internet address.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            PeerAddr::Ip(addr) => Some(*addr),
            PeerAddr::Name(..) | PeerAddr::Unix(_) => None,
        }
    }

    /// The path or abstract name of a Unix socket that has one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            PeerAddr::Ip(_) | PeerAddr::Name(..) => None,
            PeerAddr::Unix(path) => path.as_deref(),
        }
    }
}

impl From<SocketAddr> for PeerAddr {
    fn from(addr: SocketAddr) -> Self {
        PeerAddr::Ip(addr)
    }
}

impl From<&Path> for PeerAddr {
    fn from(path: &Path) -> Self {
        PeerAddr::Unix(Some(path.into()))
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerAddr::Ip(addr) => addr.fmt(f),
            PeerAddr::Name(host, port) => {
                write_escaped(host, f)?;
                write!(f, ":{port}")
            }
            PeerAddr::Unix(None) => f.write_str("unix:"),
            PeerAddr::Unix(Some(path)) => {
                let name = path.to_string_lossy();
                f.write_str("unix:")?;
                let name = match name.strip_prefix('\0') {
                    Some(name) => {
                        f.write_char('@')?;
                        name
                    }
                    None => &name,
                };
                write_escaped(name, f)
            }
        }
    }
}

fn write_escaped(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    name.chars().try_for_each(|c| match c.is_control() {
        true => write!(f, "{}", c.escape_default()),
        false => f.write_char(c),
    })
}
