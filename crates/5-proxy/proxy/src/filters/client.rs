//! Who the client is, when proxies stand in between.

use std::net::{IpAddr, SocketAddr};

use gorge_digest::PeerAddr;
use gorge_filter::Exchange;
use gorge_http::{Headers, Known};
use gorge_protocols::Networks;

use crate::ip_text::IpText;

/// Who the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// Internet, IPv4 never written as IPv6.
    Ip(IpAddr),
    /// On this machine, over a Unix socket.
    Unix,
    /// A proxy that is trusted names a client, but not by its address.
    Unknown,
}

impl Client {
    /// The other end of the connection. If that is in a trusted network: the address in
    /// `X-Forwarded-For` that stands most to the right and is in none, or the left-most if all are.
    pub(super) fn of<C>(x: &Exchange<C>, trusted: &Networks) -> Self {
        let direct = Self::of_connection(x);
        if direct.is_trusted(trusted) { direct.behind(&x.req.headers, trusted) } else { direct }
    }

    /// The other end of the connection.
    pub(super) fn of_connection<C>(x: &Exchange<C>) -> Self {
        match x.client() {
            Some(PeerAddr::Ip(addr)) => Self::Ip(addr.ip().to_canonical()),
            Some(PeerAddr::Unix(_)) => Self::Unix,
            Some(PeerAddr::Name(..)) | None => Self::Unknown,
        }
    }

    /// Whether it is in one of these networks. Clients on Unix sockets are as soon as there is any: who
    /// may reach the socket is decided by its mode.
    pub(super) fn is_trusted(self, trusted: &Networks) -> bool {
        match self {
            Self::Ip(ip) => trusted.contains(ip),
            Self::Unix => !trusted.is_empty(),
            Self::Unknown => false,
        }
    }

    /// Whom it speaks for.
    fn behind(self, headers: &Headers, trusted: &Networks) -> Self {
        let (mut client, mut left_most) = (None, None);
        // Fields can be walked from the front only, so the last one that names a client counts.
        for value in headers.get_all(Known::XForwardedFor) {
            match walk(value, trusted) {
                Walked::Nothing => {}
                Walked::Trusted(proxy) => left_most = left_most.or(Some(proxy)),
                Walked::Client(named) => client = Some(named),
            }
        }
        client.or(left_most).unwrap_or(self)
    }
}

/// What one `X-Forwarded-For` says.
enum Walked {
    /// The right-most that is not trusted.
    Client(Client),
    Nothing,
    /// All are trusted; this is the left-most.
    Trusted(Client),
}

fn walk(value: &[u8], trusted: &Networks) -> Walked {
    let mut walked = Walked::Nothing;
    for entry in value.rsplit(|&b| b == b',') {
        let entry = entry.trim_ascii();
        if entry.is_empty() {
            continue;
        }
        let client = match address(entry) {
            Some(ip) => Client::Ip(ip),
            None => return Walked::Client(Client::Unknown),
        };
        if !client.is_trusted(trusted) {
            return Walked::Client(client);
        }
        walked = Walked::Trusted(client);
    }
    walked
}

/// An entry of the list: an address, perhaps with a port or in brackets.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?;
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let ip = bare.parse::<IpAddr>().or_else(|_| entry.parse::<SocketAddr>().map(|addr| addr.ip()));
    ip.ok().map(|ip| ip.to_canonical())
}

/// Writes the address of the client, of one on a Unix socket `unix:`, as the access log has it.
pub(super) fn write_client_ip<C>(x: &Exchange<C>, out: &mut Vec<u8>) {
    match (x.client_ip(), x.client()) {
        (Some(ip), _) => out.extend_from_slice(IpText::of(ip.to_canonical()).as_bytes()),
        (None, Some(_)) => out.extend_from_slice(b"unix:"),
        (None, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(direct: &str, forwarded: &[&str]) -> Client {
        let mut x = Exchange::<()>::new();
        x.facts.client = Some(match direct {
            "unix" => PeerAddr::Unix(None),
            addr => PeerAddr::Ip(addr.parse().unwrap()),
        });
        for value in forwarded {
            x.req.headers.append(Known::XForwardedFor, value).unwrap();
        }
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap());
        Client::of(&x, &trusted.into_iter().collect())
    }

    #[test]
    fn the_right_most_that_is_not_trusted_is_the_client() {
        for (direct, forwarded, client) in [
            // A stranger is believed nothing.
            ("192.0.2.1:1", &["6.6.6.6"][..], "192.0.2.1"),
            ("[::ffff:192.0.2.1]:1", &["6.6.6.6"], "192.0.2.1"),
            ("10.0.0.1:1", &[], "10.0.0.1"),
            ("10.0.0.1:1", &[" , "], "10.0.0.1"),
            ("10.0.0.1:1", &["192.0.2.9"], "192.0.2.9"),
            ("[::ffff:10.0.0.1]:1", &["192.0.2.9"], "192.0.2.9"),
            // What the client itself wrote stands to the left.
            ("10.0.0.1:1", &["6.6.6.6, 192.0.2.9, 10.0.0.2"], "192.0.2.9"),
            ("10.0.0.1:1", &["garbage, 192.0.2.9,10.0.0.2 "], "192.0.2.9"),
            ("10.0.0.1:1", &["6.6.6.6", "192.0.2.9", "10.0.0.2, 10.0.0.3"], "192.0.2.9"),
            ("10.0.0.1:1", &["10.0.0.4, 10.0.0.2", "10.0.0.3"], "10.0.0.4"),
            ("10.0.0.1:1", &["192.0.2.9:4711"], "192.0.2.9"),
            ("10.0.0.1:1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("10.0.0.1:1", &["[2001:db8::1]"], "2001:db8::1"),
            ("[fd00::1]:1", &["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1:1", &["::ffff:192.0.2.9"], "192.0.2.9"),
            ("unix", &["192.0.2.9"], "192.0.2.9"),
        ] {
            assert_eq!(of(direct, forwarded), Client::Ip(client.parse().unwrap()), "{direct} {forwarded:?}");
        }
        assert_eq!(of("unix", &[]), Client::Unix);
    }

    #[test]
    fn who_is_named_without_an_address_is_unknown() {
        for entry in ["unknown", "192.0.2.9, _hidden", "192.0.2.9, 1.2.3", "192.0.2.9, \u{e9}"] {
            assert_eq!(of("10.0.0.1:1", &[entry]), Client::Unknown, "{entry}");
        }
    }
}
