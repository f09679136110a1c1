//! Whether a client may have a tunnel by CONNECT (RFC 9110 9.3.6), and where to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gorge_error::{Error, Kind, Result};
use gorge_http::{Form, Known, Method, RequestHead};
use ipnet::{Ipv4Net, Ipv6Net};

use crate::{Address, Credentials, Identity, Networks};

/// Whether a client may have a tunnel by CONNECT (RFC 9110 9.3.6), and where to. It judges and opens
/// nothing. The default refuses everything; [`ConnectPolicy::on`] lets everybody reach port 443 of
/// public addresses.
///
/// Two questions belong to one tunnel: [`judge`](ConnectPolicy::judge) for the request, and
/// [`judge_address`](ConnectPolicy::judge_address) for each address that the name turned out to have.
/// The address judged must be the one connected to; resolving again may give another.
///
/// ```
/// use gorge_http::{Method, RequestHead, Uri};
/// use gorge_protocols::ConnectPolicy;
///
/// let policy = ConnectPolicy::on();
/// let mut head = RequestHead::new();
/// head.method = Method::CONNECT;
/// head.uri = Uri::parse(&head.method, "example.com:443".into())?;
/// assert_eq!(policy.judge(&head)?.address.to_string(), "example.com:443");
///
/// // The name may have this address; nobody may reach it.
/// assert!(policy.judge_address("169.254.169.254".parse()?).is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConnectPolicy {
    /// Whether there are tunnels at all. Default false.
    pub enabled: bool,
    /// The ports that may be reached. Default 443 alone.
    pub ports: Vec<u16>,
    /// Whether networks may be reached that are not public: loopback, link-local (where clouds have
    /// their metadata), private, shared, multicast and the like. Default false.
    pub private: bool,
    /// What else may not be reached. Default nothing.
    pub blocked: Networks,
    /// Who may ask; everybody if it is `None`, the default.
    pub auth: Option<Credentials>,
    /// What [`challenge`](ConnectPolicy::challenge) calls the place. Default `proxy`.
    pub realm: String,
}

impl Default for ConnectPolicy {
    fn default() -> Self {
        ConnectPolicy {
            enabled: false,
            ports: vec![443],
            private: false,
            blocked: Networks::default(),
            auth: None,
            realm: "proxy".into(),
        }
    }
}

/// A tunnel that may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where to. An IP address has been judged; a name has to be resolved, and each of its addresses
    /// judged then.
    pub address: Address,
    /// Who asked, if credentials are required.
    pub identity: Option<Identity>,
}

impl ConnectPolicy {
    /// The default, but with tunnels.
    pub fn on() -> Self {
        ConnectPolicy { enabled: true, ..ConnectPolicy::default() }
    }

    /// Judges a request.
    ///
    /// Only an IP address in its usual form is one. Any other host, such as `0x7f.1`, is a name or
    /// nothing, so no odd spelling of an address slips through.
    ///
    /// # Errors
    /// The client's fault, with the kind
    /// - [`Kind::MethodNotAllowed`] (405): no tunnels, or not CONNECT;
    /// - [`Kind::ProxyAuthenticationMissing`] (407): no valid credentials, see
    ///   [`challenge`](ConnectPolicy::challenge);
    /// - [`Kind::HeadInvalid`] (400): no host and port that one could connect to;
    /// - [`Kind::AccessDenied`] (403): the port or the address may not be reached.
    pub fn judge(&self, head: &RequestHead) -> Result<Target> {
        if !self.enabled || head.method != Method::CONNECT {
            return Err(refuse(Kind::MethodNotAllowed, "no tunnels here"));
        }
        let identity = match &self.auth {
            None => None,
            Some(credentials) => Some(identify(credentials, head)?),
        };
        let (Form::Authority, Some(host), Some(port)) = (head.uri.form(), head.uri.host(), head.uri.port())
        else {
            return Err(refuse(Kind::HeadInvalid, "CONNECT without host and port"));
        };
        let address = Address::host(host, port)
            .map_err(|_| refuse(Kind::HeadInvalid, "CONNECT to neither an address nor a host name"))?;
        if port == 0 {
            return Err(refuse(Kind::HeadInvalid, "CONNECT to port 0"));
        }
        if !self.ports.contains(&port) {
            return Err(refuse(Kind::AccessDenied, "CONNECT to a port that may not be reached"));
        }
        if let Address::Ip(addr) = &address {
            self.judge_address(addr.ip())?;
        }
        Ok(Target { address, identity })
    }

    /// Judges an address that a tunnel would lead to. An IPv6 address that only wraps an IPv4 one
    /// (mapped, compatible, NAT64, 6to4, Teredo) is judged as both.
    ///
    /// # Errors
    /// [`Kind::AccessDenied`], the client's fault.
    pub fn judge_address(&self, ip: IpAddr) -> Result<()> {
        let wrapped = match ip {
            IpAddr::V4(_) => [None, None],
            IpAddr::V6(ip) => wrapped(ip),
        };
        let mut all = wrapped.into_iter().flatten().map(IpAddr::V4).chain([ip]);
        if all.any(|ip| self.blocked.contains(ip) || (!self.private && is_inside(ip))) {
            return Err(refuse(Kind::AccessDenied, "CONNECT to an address that may not be reached"));
        }
        Ok(())
    }

    /// The value of `Proxy-Authenticate` for an answer with 407; `None` if no credentials are
    /// required.
    pub fn challenge(&self) -> Option<String> {
        self.auth.as_ref().map(|auth| auth.challenge(&self.realm))
    }
}

fn refuse(kind: Kind, why: &'static str) -> Error {
    Error::explain(kind, why).into_downstream()
}

/// Who shows valid credentials. Two fields show nobody, for it would be unclear which counts.
fn identify(credentials: &Credentials, head: &RequestHead) -> Result<Identity> {
    let field = Known::ProxyAuthorization;
    let shown = if head.headers.count(field) == 1 { head.headers.get(field) } else { None };
    let why = "no valid credentials for a tunnel";
    credentials.check(shown).ok_or_else(|| refuse(Kind::ProxyAuthenticationMissing, why))
}

/// What is no public IPv4 address (IANA's registry of special-purpose addresses, RFC 6890).
const INSIDE_V4: [Ipv4Net; 15] = [
    // This host and network; Linux takes 0.0.0.0 for loopback.
    v4([0, 0, 0, 0], 8),
    // Private.
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    // Shared behind a provider's address translation (RFC 6598).
    v4([100, 64, 0, 0], 10),
    // Loopback.
    v4([127, 0, 0, 0], 8),
    // Link-local, the metadata of clouds among it.
    v4([169, 254, 0, 0], 16),
    // Protocol assignments, benchmarks.
    v4([192, 0, 0, 0], 24),
    v4([198, 18, 0, 0], 15),
    // Documentation.
    v4([192, 0, 2, 0], 24),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    // Relays from IPv6 that are no more (RFC 7526).
    v4([192, 88, 99, 0], 24),
    // Multicast; reserved, with broadcast at its end.
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// What is no public IPv6 address.
const INSIDE_V6: [Ipv6Net; 11] = [
    // Unspecified and loopback, and all that says no more than an IPv4 address (deprecated).
    v6([0, 0, 0, 0, 0, 0, 0, 0], 96),
    // NAT64 of one's own (RFC 8215).
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
    // Discard only.
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64),
    // Benchmarks, ORCHID.
    v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48),
    v6([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28),
    // Documentation.
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    // Private (unique local), link-local, site-local (deprecated).
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),
    // Multicast.
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

fn is_inside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => INSIDE_V4.iter().any(|net| net.contains(&ip)),
        IpAddr::V6(ip) => INSIDE_V6.iter().any(|net| net.contains(&ip)),
    }
}

/// The IPv4 addresses that stand within an IPv6 address and may be where it leads.
fn wrapped(ip: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match [a, b, c, d, e, f] {
        // Mapped, compatible, and NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff | 0] | [0x64, 0xff9b, 0, 0, 0, 0] => [v4(g, h), None],
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => [v4(high, low), None],
        // Teredo (RFC 4380): the relay, and the client with its bits turned.
        [0x2001, 0, high, low, ..] => [v4(high, low), v4(!g, !h)],
        // ISATAP (RFC 5214) in whatever network.
        [_, _, _, _, 0 | 0x200, 0x5efe] => [v4(g, h), None],
        _ => [None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(ip: &str) -> bool {
        ConnectPolicy::on().judge_address(ip.parse().unwrap()).is_err()
    }

    #[test]
    fn refuses_what_is_not_public_in_every_form() {
        const V4: [&str; 14] = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.51.100.7",
            "224.0.0.1",
            "255.255.255.255",
        ];
        for ip in V4 {
            let [a, b, c, d] = ip.parse::<Ipv4Addr>().unwrap().octets();
            let (high, low) = (format!("{a:02x}{b:02x}"), format!("{c:02x}{d:02x}"));
            let turned = format!("{:02x}{:02x}:{:02x}{:02x}", !a, !b, !c, !d);
            for form in [
                ip.into(),
                format!("::ffff:{ip}"),
                format!("::{ip}"),
                format!("64:ff9b::{ip}"),
                format!("64:ff9b:1::{ip}"),
                format!("2002:{high}:{low}::1"),
                format!("2001:0:{high}:{low}::f7f7:f7f7"),
                format!("2001:0:808:808::{turned}"),
                format!("2a00::5efe:{ip}"),
            ] {
                assert!(inside(&form), "{form}");
            }
        }
        for ip in ["::", "::1", "fe80::1", "fc00::1", "fdff::1", "ff02::1", "2001:db8::1", "fec0::1"] {
            assert!(inside(ip), "{ip}");
        }
    }

    #[test]
    fn lets_public_addresses_pass_in_every_form() {
        for ip in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:101:101::1",
            "2001:0:808:808::f7f7:f7f7",
            "2606:4700::1111",
            "2a00::5efe:1.1.1.1",
        ] {
            assert!(!inside(ip), "{ip}");
        }
    }
}
