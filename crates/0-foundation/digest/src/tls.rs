//! What is known of the TLS session of a connection.

use std::fmt::Write;
use std::sync::Arc;

/// What is known of the TLS session of a connection. Cloning allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsDigest {
    /// Version, as `TLSv1.3`.
    pub version: Option<&'static str>,
    /// Cipher suite under the name its standard gives it, as `TLS_AES_128_GCM_SHA256`.
    pub cipher: Option<&'static str>,
    /// The application protocol agreed on (RFC 7301), as `h2`.
    pub alpn: Option<Arc<[u8]>>,
    /// The server name the client asked for (RFC 6066 3).
    pub sni: Option<Arc<str>>,
    /// Whether the session was resumed.
    pub resumed: Option<bool>,
    /// Whether early data (0-RTT, RFC 8446 2.3) was accepted.
    pub early_data: Option<bool>,
    /// The certificate of the other side; `None` too if it showed none.
    pub peer_certificate: Option<PeerCertificate>,
}

/// What is told of a certificate. Cloning allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PeerCertificate {
    /// Organisation of the subject.
    pub organisation: Option<Arc<str>>,
    /// Serial number, in hexadecimal.
    pub serial: Option<Arc<str>>,
    /// SHA-256 of the certificate in DER.
    pub sha256: Option<[u8; 32]>,
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
