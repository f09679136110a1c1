//! Addresses and networks.

use std::net::{IpAddr, SocketAddr};

use gorge::protocols::{Address, IpNet};

use super::{FromText, Wrong};
use crate::address;
use crate::config::reader::Reader;

/// Where to listen: an IP address with a port, or a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListenAddress(
    /// The address, which is no name.
    pub Address,
);

impl FromText for ListenAddress {
    const EXPECTED: &'static str =
        "an address to listen on, as in \"127.0.0.1:8080\" or \"unix:/run/gorge.sock\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        address::listen(text).map(Self).map_err(|why| wrong(text, why))
    }

    fn instead_of(number: i64) -> Option<String> {
        u16::try_from(number).ok().map(|port| format!("127.0.0.1:{port}"))
    }
}

/// Where a server of an upstream is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServerAddress {
    /// There, or wherever the name leads.
    Address(Address),
    /// Wherever the SRV records of this name lead (RFC 2782).
    Service(String),
}

impl FromText for ServerAddress {
    const EXPECTED: &'static str = "the address of a server, as in \"127.0.0.1:9001\", \"app.internal:80\" or \"srv:_http._tcp.app.internal\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        let Some(service) = text.strip_prefix("srv:") else {
            return address::to(text).map(Self::Address).map_err(|why| wrong(text, why));
        };
        match Address::host(service, 0) {
            Ok(Address::Name(name, _)) if service.starts_with('_') => Ok(Self::Service(name.to_string())),
            _ => Err(Wrong::new(format!("{service:?} is no name of a service"))
                .help("write it as in \"srv:_http._tcp.app.internal\"")),
        }
    }

    fn instead_of(number: i64) -> Option<String> {
        u16::try_from(number).ok().map(|port| format!("127.0.0.1:{port}"))
    }
}

/// `why` says what is wrong and, behind the first semicolon, what to write.
fn wrong(text: &str, why: String) -> Wrong {
    match why.split_once("; ") {
        Some((why, help)) => Wrong::new(format!("{text:?}: {why}")).help(help),
        None => Wrong::new(format!("{text:?}: {why}")),
    }
}

/// From where connections to an upstream are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From this address of the machine.
    Address(IpAddr),
    /// Through this interface, whatever its address.
    Interface(String),
}

/// The longest name of an interface (`IFNAMSIZ` without the final NUL).
const INTERFACE_MAX: usize = 15;

impl FromText for Source {
    const EXPECTED: &'static str = "an IP address or an interface, as in \"10.0.0.5\" or \"eth1\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            let help = format!("did you mean \"{}\"? The system chooses the port", address.ip());
            return Err(Wrong::new(format!("{text:?} has a port")).help(help));
        }
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':'));
        let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if text.is_empty() || text.len() > INTERFACE_MAX || !plain || digits {
            return Err(Wrong::new(format!("{text:?} is neither an IP address nor an interface")));
        }
        Ok(Self::Interface(text.to_owned()))
    }
}

impl FromText for IpNet {
    const EXPECTED: &'static str = "a network, as in \"10.0.0.0/8\" or \"::1\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(IpNet::from(address));
        }
        let network: IpNet = text.parse().map_err(|_| {
            let wrong = Wrong::new(format!("{text:?} is no network"));
            match text.rsplit_once(':').and_then(|(host, _)| host.parse::<IpAddr>().ok()) {
                Some(address) => wrong.help(format!("a network has no port; write \"{address}\"")),
                None if text == "localhost" => wrong.help("write \"127.0.0.0/8\" and \"::1\""),
                None if matches!(text, "all" | "any" | "*") => {
                    wrong.help("all addresses are \"0.0.0.0/0\" and \"::/0\"; `allow` shuts out everybody else by itself")
                }
                None => wrong.help("write it as in \"10.0.0.0/8\", \"fd00::/8\" or \"192.0.2.1\""),
            }
        })?;
        if network != network.trunc() {
            let message = format!("{text:?} is an address in a network, not the network");
            let help = format!(
                "write \"{}\" for the network, \"{}\" for the address",
                network.trunc(),
                network.addr()
            );
            return Err(Wrong::new(message).help(help));
        }
        Ok(network)
    }
}

/// A name server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameServer(
    /// Its address.
    pub SocketAddr,
);

/// The port of DNS (RFC 1035 4.2.1).
const DNS: u16 = 53;

impl FromText for NameServer {
    const EXPECTED: &'static str = "the address of a name server, as in \"10.0.0.2\" or \"10.0.0.2:5353\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(SocketAddr::new(address, DNS)));
        }
        match text.parse::<SocketAddr>() {
            Ok(address) if address.port() != 0 => Ok(Self(address)),
            _ => Err(Wrong::new(format!("{text:?} is no address of a name server"))
                .help("write its IP address, with a port if that is not 53, as in \"10.0.0.2\"")),
        }
    }
}
