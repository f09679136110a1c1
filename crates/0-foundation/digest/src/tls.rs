//! What is known of the TLS session of a connection.

use std::fmt::Write;
use std::sync::Arc;

use crate::Extension;

/// What is known of the TLS session of a connection. Cloning allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsDigest {
    /// Version, as `TLSv1.3`.
    pub version: Option<&'static str>,
    /// Cipher suite under the name its standard gives it, as `TLS_AES_128_GCM_SHA256`.
    pub cipher: Option<&'static str>,
    /// The group of the key exchange, as `X25519MLKEM768`; `None` too if the library does not tell, as after a
    /// resumption.
    pub group: Option<&'static str>,
    /// The application protocol agreed on (RFC 7301), as `h2`.
    pub alpn: Option<Arc<[u8]>>,
    /// The server name the client asked for (RFC 6066 3).
    pub sni: Option<Arc<str>>,
    /// Whether the session was resumed.
    pub resumed: Option<bool>,
    /// Whether early data (0-RTT, RFC 8446 2.3) was accepted.
    pub early_data: Option<bool>,
    /// Whether the other side, a client, was asked for its certificate: what it may do then may depend on the
    /// server name too.
    pub certificate_asked: bool,
    /// The certificate of the other side; `None` too if it showed none.
    pub peer_certificate: Option<PeerCertificate>,
    /// What is wrong with that certificate, in the words of the TLS library, where the connection was allowed
    /// all the same.
    pub peer_fault: Option<&'static str>,
    /// What the user's own code made of the handshake.
    pub extension: Extension,
}

/// What is told of a certificate. Cloning allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PeerCertificate {
    /// The subject, as RFC 4514 writes it: `CN=alice,O=Example`.
    pub subject: Option<Arc<str>>,
    /// The issuer, written in the same way.
    pub issuer: Option<Arc<str>>,
    /// Organisation of the subject.
    pub organisation: Option<Arc<str>>,
    /// Serial number, in hexadecimal.
    pub serial: Option<Arc<str>>,
    /// SHA-256 of the certificate in DER.
    pub sha256: Option<[u8; 32]>,
}

impl TlsDigest {
    /// What became of the certificate of the other side: `ok`, `none` if it showed none, or what is wrong
    /// with it.
    #[must_use]
    pub fn peer_verified(&self) -> &str {
        match (&self.peer_certificate, self.peer_fault) {
            (None, _) => "none",
            (Some(_), Some(fault)) => fault,
            (Some(_), None) => "ok",
        }
    }
}

impl PeerCertificate {
    /// The SHA-256 in lower-case hexadecimal, as logs and header fields have it.
    pub fn sha256_hex(&self) -> Option<String> {
        let digest = self.sha256?;
        let mut hex = String::with_capacity(2 * digest.len());
        for byte in digest {
            // Writing to a `String` cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Some(hex)
    }
}
