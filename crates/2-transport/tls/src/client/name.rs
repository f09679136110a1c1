//! What a server is called.

use std::fmt;
use std::net::IpAddr;

/// What a server is called: a name of DNS in lower case without a dot at its end, or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Name(Box<str>),
    Address(IpAddr),
}

impl Host {
    /// `None` for what is neither. An IPv6 address may stand in brackets.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Some(Self::Address(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let fits = name.len() <= 253 && name.split('.').all(is_label);
        fits.then(|| Self::Name(name.to_ascii_lowercase().into()))
    }

    /// As it is sent: never an address (RFC 6066 3).
    pub(crate) fn as_sni(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Address(_) => None,
        }
    }
}

/// With the underscore, which names in use have, whatever RFC 1123 says.
fn is_label(label: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=63).contains(&label.len()) && label.bytes().all(is_known)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_and_addresses() {
        for (text, shown, sni) in [
            ("App.Internal", "app.internal", Some("app.internal")),
            ("app.internal.", "app.internal", Some("app.internal")),
            ("my_app", "my_app", Some("my_app")),
            ("192.0.2.7", "192.0.2.7", None),
            ("2001:DB8::1", "2001:db8::1", None),
            ("[::1]", "::1", None),
        ] {
            let host = Host::parse(text).unwrap();
            assert_eq!((host.to_string().as_str(), host.as_sni()), (shown, sni), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        let long = "a".repeat(64);
        for text in
            ["", ".", ".internal", "a..b", "a\0b", "ä.example", "*.internal", "a b", "a:80", "[::1", &long]
        {
            assert_eq!(Host::parse(text), None, "{text:?}");
        }
        let longest = format!("{}a", "a.".repeat(126));
        assert_eq!(Host::parse(&format!("{longest}.")), Some(Host::Name(longest.into())));
        assert_eq!(Host::parse(&format!("{}a", "a.".repeat(127))), None);
    }
}
