//! Addresses as text, without the machinery of formatting: each exchange writes some.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};

/// As long as the longest IPv6 address.
const LONGEST: usize = 45;

/// An address as text, on the stack.
pub(crate) struct IpText {
    bytes: [u8; LONGEST],
    len: usize,
}

impl IpText {
    pub(crate) fn of(ip: IpAddr) -> Self {
        let mut text = Self { bytes: [0; LONGEST], len: 0 };
        match ip {
            IpAddr::V4(ip) => {
                for (place, octet) in ip.octets().into_iter().enumerate() {
                    if place > 0 {
                        text.push(b".");
                    }
                    text.push(itoa::Buffer::new().format(octet).as_bytes());
                }
            }
            IpAddr::V6(ip) => {
                let mut rest = &mut text.bytes[..];
                // Cannot fail: none is longer.
                let _ = write!(rest, "{ip}");
                text.len = LONGEST - rest.len();
            }
        }
        text
    }

    fn push(&mut self, text: &[u8]) {
        self.bytes[self.len..self.len + text.len()].copy_from_slice(text);
        self.len += text.len();
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Appends an address and its port.
pub(crate) fn put_socket_addr(addr: SocketAddr, out: &mut Vec<u8>) {
    match addr {
        SocketAddr::V4(addr) => {
            out.extend_from_slice(IpText::of(IpAddr::V4(*addr.ip())).as_bytes());
            out.push(b':');
            out.extend_from_slice(itoa::Buffer::new().format(addr.port()).as_bytes());
        }
        // Writing to a Vec cannot fail.
        SocketAddr::V6(addr) => _ = write!(out, "{addr}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_one_reads_them() {
        let longest = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".parse::<IpAddr>().unwrap().to_string();
        for ip in ["192.0.2.17", "0.255.1.10", "2001:db8::1", "::ffff:255.255.255.255", &longest] {
            assert_eq!(IpText::of(ip.parse().unwrap()).as_bytes(), ip.as_bytes());
        }
        for addr in ["192.0.2.17:0", "192.0.2.17:65535", "[2001:db8::1]:80"] {
            let mut out = Vec::new();
            put_socket_addr(addr.parse().unwrap(), &mut out);
            assert_eq!(out, addr.as_bytes());
        }
    }
}
