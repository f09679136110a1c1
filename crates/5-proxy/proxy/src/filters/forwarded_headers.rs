//! Tells the upstream who asks: `X-Forwarded-*`, `X-Real-IP` and, by choice, `Forwarded`.

use std::fmt::Write;
use std::net::IpAddr;

use gorge_digest::PeerAddr;
use gorge_error::Result;
use gorge_filter::{Exchange, Filter, Flow, Hooks, Role};
use gorge_http::{Headers, Known};
use gorge_protocols::Networks;
use ipnet::IpNet;

use super::client::Client;
use crate::ip_text::IpText;

/// The fields this filter is the only one to vouch for.
const OWN: [Known; 5] =
    [Known::Forwarded, Known::XForwardedFor, Known::XForwardedHost, Known::XForwardedProto, Known::XRealIp];

/// Sets `X-Forwarded-For`, `-Proto` and `-Host` and `X-Real-IP`, and `Forwarded` (RFC 7239) when
/// asked to.
///
/// What a client says of itself there is believed only if it comes from a trusted network, as
/// another proxy would: then its address is appended to `X-Forwarded-For` and `Forwarded`, and the
/// rest is kept; an `X-Real-IP` that it does not send is that of the client it names, which is that of
/// the exchange from then on ([`Exchange::client_ip`]). From anyone else these fields are replaced; fields whose names differ from
/// them only by `_` for `-` are dropped, for some applications read the two as one.
#[derive(Clone, Debug, Default)]
pub struct ForwardedHeaders {
    list: Vec<IpNet>,
    trusted: Networks,
    rfc7239: bool,
}

impl ForwardedHeaders {
    /// Nobody is trusted; `Forwarded` is not sent.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Believes clients of this network, `10.0.0.0/8` for instance. Clients on Unix sockets are
    /// believed as soon as any network is: who may reach the socket is decided by its mode.
    #[must_use]
    pub fn trust(mut self, network: IpNet) -> Self {
        self.list.push(network);
        self.trusted = self.list.iter().copied().collect();
        self
    }

    /// Also sends `Forwarded`.
    #[must_use]
    pub fn rfc7239(mut self) -> Self {
        self.rfc7239 = true;
        self
    }

    fn set<C>(&self, x: &mut Exchange<C>) -> Result<(), gorge_http::InvalidField> {
        let trusted = Client::of_connection(x).is_trusted(&self.trusted);
        let real = if trusted { Client::of(x, &self.trusted) } else { Client::Unknown };
        if let Client::Ip(ip) = real {
            x.facts.named_client = Some(ip);
        }
        let scheme = x.facts.scheme.as_str();
        let ip = x.client().and_then(PeerAddr::ip).map(|ip| ip.to_canonical());
        let headers = &mut x.req.headers;
        if !trusted {
            drop_forged(headers);
        }
        if self.rfc7239 {
            append_forwarded(headers, ip, scheme)?;
        }
        if let Some(ip) = ip {
            let text = IpText::of(ip);
            if trusted && headers.contains(Known::XForwardedFor) {
                append_to_list(headers, Known::XForwardedFor, text.as_bytes())?;
            } else {
                headers.insert(Known::XForwardedFor, text.as_bytes())?;
            }
            match real {
                _ if trusted && headers.contains(Known::XRealIp) => {}
                Client::Ip(real) => headers.insert(Known::XRealIp, IpText::of(real).as_bytes())?,
                _ => headers.insert(Known::XRealIp, text.as_bytes())?,
            }
        }
        if !(trusted && headers.contains(Known::XForwardedProto)) {
            headers.insert(Known::XForwardedProto, scheme)?;
        }
        if !(trusted && headers.contains(Known::XForwardedHost)) {
            set_host(headers)?;
        }
        Ok(())
    }
}

impl<C: Send + 'static> Filter<C> for ForwardedHeaders {
    const HOOKS: Hooks = Hooks::REQUEST;
    const ROLE: Role = Role::Forwarded;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        // Cannot fail: addresses, schemes and a checked Host are legal field values.
        let _ = self.set(x);
        Ok(Flow::Continue)
    }
}

fn drop_forged(headers: &mut Headers) {
    for name in OWN {
        headers.remove(name);
    }
    let forged = |name: &str| {
        name.contains('_')
            && OWN.iter().any(|own| {
                let own = own.as_str().bytes();
                own.len() == name.len()
                    && own
                        .zip(name.bytes())
                        .all(|(a, b)| a.eq_ignore_ascii_case(&b) || (a == b'-' && b == b'_'))
            })
    };
    if headers.iter().any(|field| field.known.is_none() && forged(field.name)) {
        headers.retain(|field| !forged(field.name));
    }
}

fn set_host(headers: &mut Headers) -> Result<(), gorge_http::InvalidField> {
    let Some(host) = headers.get(Known::Host) else { return Ok(()) };
    // Room for nearly all, so that nothing is allocated.
    let mut buffer = [0; 128];
    match buffer.get_mut(..host.len()) {
        Some(copy) => {
            copy.copy_from_slice(host);
            headers.insert(Known::XForwardedHost, copy)
        }
        None => {
            let host = host.to_vec();
            headers.insert(Known::XForwardedHost, host)
        }
    }
}

/// Appends to a list that may stand in several fields: all become one.
fn append_to_list(headers: &mut Headers, name: Known, entry: &[u8]) -> Result<(), gorge_http::InvalidField> {
    let mut list = Vec::new();
    for value in headers.get_all(name) {
        list.extend_from_slice(value);
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(entry);
    headers.insert(name, list)
}

fn append_forwarded(
    headers: &mut Headers,
    ip: Option<IpAddr>,
    scheme: &str,
) -> Result<(), gorge_http::InvalidField> {
    let mut entry = String::from("for=");
    // Writing to a String cannot fail.
    let _ = match ip {
        Some(IpAddr::V4(ip)) => write!(entry, "{ip}"),
        Some(IpAddr::V6(ip)) => write!(entry, "\"[{ip}]\""),
        None => write!(entry, "unknown"),
    };
    if let Some(host) = headers.get_str(Known::Host) {
        let _ = write!(entry, ";host=\"{host}\"");
    }
    let _ = write!(entry, ";proto={scheme}");
    if headers.contains(Known::Forwarded) {
        append_to_list(headers, Known::Forwarded, entry.as_bytes())
    } else {
        headers.insert(Known::Forwarded, entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(client: &str, fields: &[(&str, &str)], filter: &ForwardedHeaders) -> Exchange {
        let mut x = Exchange::<()>::new();
        x.facts.client = Some(PeerAddr::Ip(client.parse().unwrap()));
        x.req.headers.append(Known::Host, "shop.example").unwrap();
        for (name, value) in fields {
            x.req.headers.append(*name, *value).unwrap();
        }
        filter.set(&mut x).unwrap();
        x
    }

    const CLAIMS: [(&str, &str); 6] = [
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "bank.example"),
        ("X-Real-IP", "6.6.6.6"),
        ("Forwarded", "for=6.6.6.6"),
        ("X_Forwarded-For", "6.6.6.6"),
    ];

    #[test]
    fn a_strangers_claims_are_replaced() {
        let x =
            from("192.0.2.7:1234", &CLAIMS, &ForwardedHeaders::new().trust("10.0.0.0/8".parse().unwrap()));
        let headers = &x.req.headers;
        assert_eq!(headers.get_str(Known::XForwardedFor), Some("192.0.2.7"));
        assert_eq!(headers.get_str(Known::XForwardedProto), Some("http"));
        assert_eq!(headers.get_str(Known::XForwardedHost), Some("shop.example"));
        assert_eq!(headers.get_str(Known::XRealIp), Some("192.0.2.7"));
        assert!(!headers.contains(Known::Forwarded) && !headers.contains("X_Forwarded-For"));
    }

    #[test]
    fn a_trusted_proxys_claims_are_carried_on() {
        let filter = ForwardedHeaders::new().trust("10.0.0.0/8".parse().unwrap()).rfc7239();
        let x = from("[::ffff:10.1.2.3]:1234", &CLAIMS, &filter);
        let headers = &x.req.headers;
        assert_eq!(headers.get_str(Known::XForwardedFor), Some("6.6.6.6, 10.1.2.3"));
        assert_eq!(headers.get_str(Known::XForwardedProto), Some("https"));
        assert_eq!(headers.get_str(Known::XForwardedHost), Some("bank.example"));
        assert_eq!(headers.get_str(Known::XRealIp), Some("6.6.6.6"));
        assert_eq!(
            headers.get_str(Known::Forwarded),
            Some("for=6.6.6.6, for=10.1.2.3;host=\"shop.example\";proto=http")
        );
    }

    #[test]
    fn the_client_that_a_trusted_proxy_names_is_the_real_one() {
        let filter = ForwardedHeaders::new().trust("10.0.0.0/8".parse().unwrap());
        let real = |claims: &[(&str, &str)]| {
            let x = from("10.1.2.3:1234", claims, &filter);
            let field = x.req.headers.get_str(Known::XRealIp).map(str::to_owned);
            assert_eq!(x.client_ip().map(|ip| ip.to_string()), field);
            field
        };
        assert_eq!(real(&[("X-Forwarded-For", "192.0.2.7, 10.9.9.9")]).as_deref(), Some("192.0.2.7"));
        assert_eq!(real(&[]).as_deref(), Some("10.1.2.3"));
        assert_eq!(real(&[("X-Forwarded-For", "unknown")]).as_deref(), Some("10.1.2.3"));
    }

    #[test]
    fn forwarded_quotes_ipv6() {
        let x = from("[2001:db8::1]:9", &[], &ForwardedHeaders::new().rfc7239());
        assert_eq!(
            x.req.headers.get_str(Known::Forwarded),
            Some("for=\"[2001:db8::1]\";host=\"shop.example\";proto=http")
        );
    }
}
