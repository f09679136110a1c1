//! The names that a certificate is for.

use std::net::IpAddr;

use openssl::x509::{GeneralNameRef, X509NameRef, X509Ref};

/// In lower case, IP addresses in their shortest form. What is no visible ASCII is no name that a client
/// could ask for, and is left out.
pub(crate) fn names(leaf: &X509Ref) -> Vec<String> {
    let Some(names) = leaf.subject_alt_names() else { return Vec::new() };
    names.iter().filter_map(name).collect()
}

fn name(name: &GeneralNameRef) -> Option<String> {
    if let Some(bytes) = name.ipaddress() {
        return match bytes.len() {
            4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?).to_string()),
            _ => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string()),
        };
    }
    let name =
        name.dnsname().filter(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()))?;
    Some(name.to_ascii_lowercase())
}

/// A subject or issuer as RFC 4514 writes it, the most specific part first; empty if there is nothing. What
/// could play tricks on a terminal is escaped.
pub(crate) fn subject(name: &X509NameRef) -> String {
    let text = crate::digest::name(name).unwrap_or_default();
    let mut plain = String::with_capacity(text.len());
    for char in text.chars() {
        let turns =
            matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if char.is_control() || turns { plain.extend(char.escape_unicode()) } else { plain.push(char) }
    }
    plain
}
