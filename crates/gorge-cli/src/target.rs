//! Origins as people type them: an address, or where a browser finds it.

use gorge::protocols::Address;

use crate::address;

/// Where an origin is, and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) address: Address,
    pub(crate) tls: bool,
}

/// Reads `HOST:PORT`, `unix:/path`, `http://HOST` or `https://HOST`, the last two with a port or without.
pub(crate) fn read(text: &str) -> Result<Target, String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Ok(Target { address: address::to(text)?, tls: false });
    };
    let (tls, port) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (false, 80),
        "https" => (true, 443),
        _ => return Err(format!("nobody is spoken to by {scheme}://; write http:// or https://")),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if let Some((authority, _)) = authority.split_once(['/', '?', '#']) {
        return Err(format!("an origin has no path behind it; type {scheme}://{authority}"));
    }
    let address =
        address::to(authority).or_else(|why| address::to(&format!("{authority}:{port}")).map_err(|_| why))?;
    match address {
        Address::Ip(_) | Address::Name(..) => Ok(Target { address, tls }),
        _ => Err(format!("behind {scheme}:// stands a name or an IP address")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_an_address_or_a_url() {
        for (text, address, tls) in [
            ("127.0.0.1:9001", "127.0.0.1:9001", false),
            ("unix:/run/app.sock", "unix:/run/app.sock", false),
            ("http://127.0.0.1:9001", "127.0.0.1:9001", false),
            ("http://localhost:3000/", "localhost:3000", false),
            ("http://[::1]", "[::1]:80", false),
            ("https://app.internal", "app.internal:443", true),
            ("HTTPS://app.internal:8443/", "app.internal:8443", true),
            ("https://127.0.0.1", "127.0.0.1:443", true),
            ("https://[::1]:8443", "[::1]:8443", true),
        ] {
            let expected = Target { address: address.parse().unwrap(), tls };
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn says_what_to_type_instead() {
        for (text, hint) in [
            ("https://app.internal/shop", "type https://app.internal"),
            ("http://127.0.0.1:9001/shop?a=b", "type http://127.0.0.1:9001"),
            ("https://app.internal?a", "type https://app.internal"),
            ("https://app.internal:0", "nobody can be reached at port 0"),
            ("https://app.internal:x", "from 0 to 65535"),
            ("https://unix:/run/app.sock", "no path behind it"),
            ("https://unix:app.sock", "a name or an IP address"),
            ("https://", "write it as in"),
            ("ftp://app.internal", "write http:// or https://"),
            ("app.internal", "the port is missing"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(hint), "{text:?}: {message}");
        }
    }
}
