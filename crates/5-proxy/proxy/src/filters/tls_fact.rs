//! What is known of the TLS of a client, for texts that go into fields.

use std::io::Write;

use gorge_digest::{PeerCertificate, TlsDigest};
use gorge_filter::Exchange;

use crate::hex::put_hex;

/// One thing that is known of the TLS of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsFact {
    Alpn,
    Cipher,
    ClientSerial,
    /// The SHA-256 of its certificate, in lower-case hexadecimal.
    ClientSha256,
    ClientSubject,
    /// `ok`, `none`, or what is wrong with its certificate.
    ClientVerified,
    Resumed,
    Sni,
    Version,
}

impl TlsFact {
    /// Appends it; what is not known is empty.
    pub(super) fn write<C>(self, x: &Exchange<C>, out: &mut Vec<u8>) {
        if let Some(tls) = &x.facts.tls {
            self.write_of(tls, out);
        }
    }

    fn write_of(self, tls: &TlsDigest, out: &mut Vec<u8>) {
        let shown = |part: fn(&PeerCertificate) -> Option<&str>| tls.peer_certificate.as_ref().and_then(part);
        match self {
            Self::Alpn => put(tls.alpn.as_deref(), out),
            Self::Cipher => put(tls.cipher.map(str::as_bytes), out),
            Self::ClientSerial => put(shown(|shown| shown.serial.as_deref()).map(str::as_bytes), out),
            Self::ClientSha256 => {
                let digest = tls.peer_certificate.as_ref().and_then(|shown| shown.sha256);
                put_hex(digest.as_ref().map_or(&[], |digest| digest), out);
            }
            Self::ClientSubject => put(shown(|shown| shown.subject.as_deref()).map(str::as_bytes), out),
            Self::ClientVerified => put(Some(tls.peer_verified().as_bytes()), out),
            Self::Resumed => {
                let words = tls.resumed.map(|resumed| if resumed { "true" } else { "false" });
                put(words.map(str::as_bytes), out);
            }
            Self::Sni => put(tls.sni.as_deref().map(str::as_bytes), out),
            Self::Version => put(tls.version.map(str::as_bytes), out),
        }
    }
}

/// What a certificate says is somebody else's text: a line end in it must not begin another field. Control
/// bytes are written as RFC 4514 2.4 has it.
fn put(text: Option<&[u8]>, out: &mut Vec<u8>) {
    for byte in text.unwrap_or_default() {
        if byte.is_ascii_control() {
            // Writing to a Vec cannot fail.
            let _ = write!(out, "\\{byte:02x}");
        } else {
            out.push(*byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const ALL: [TlsFact; 9] = [
        TlsFact::Version,
        TlsFact::Cipher,
        TlsFact::Sni,
        TlsFact::Alpn,
        TlsFact::Resumed,
        TlsFact::ClientSubject,
        TlsFact::ClientSerial,
        TlsFact::ClientSha256,
        TlsFact::ClientVerified,
    ];

    fn written(tls: Option<TlsDigest>) -> String {
        let mut x = Exchange::<()>::new();
        x.facts.tls = tls.map(Arc::new);
        let mut out = Vec::new();
        for fact in ALL {
            fact.write(&x, &mut out);
            out.push(b'|');
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_is_written_or_empty() {
        assert_eq!(written(None), "|||||||||");
        assert_eq!(written(Some(TlsDigest::default())), "||||||||none|");
        let tls = TlsDigest {
            version: Some("TLSv1.3"),
            cipher: Some("TLS_AES_128_GCM_SHA256"),
            sni: Some("a.example".into()),
            alpn: Some(b"http/1.1".as_slice().into()),
            resumed: Some(true),
            peer_certificate: Some(PeerCertificate {
                subject: Some("CN=alice\r\nX-Admin: yes,O=\u{e9}".into()),
                serial: Some("01af".into()),
                sha256: Some([0xab; 32]),
                ..PeerCertificate::default()
            }),
            ..TlsDigest::default()
        };
        let subject = "CN=alice\\0d\\0aX-Admin: yes,O=\u{e9}";
        let sha256 = "ab".repeat(32);
        assert_eq!(
            written(Some(tls)),
            format!("TLSv1.3|TLS_AES_128_GCM_SHA256|a.example|http/1.1|true|{subject}|01af|{sha256}|ok|")
        );
    }
}
