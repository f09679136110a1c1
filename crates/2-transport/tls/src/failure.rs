//! From what the library reports to errors that say what to do.

use gorge_error::{Error, Kind, Retryable};
use openssl::ssl;

/// A handshake with a client failed.
pub(crate) fn of_accept(error: ssl::Error) -> Error {
    Error::because(Kind::TlsHandshakeFailed, "the TLS handshake with the client", error).into_downstream()
}

/// A handshake with a server failed.
pub(crate) fn of_connect(error: ssl::Error, name: &str, verified: openssl::x509::X509VerifyResult) -> Error {
    use openssl::x509::X509VerifyResult;
    let kind = match verified.as_raw() {
        openssl_sys::X509_V_ERR_CERT_HAS_EXPIRED | openssl_sys::X509_V_ERR_CERT_NOT_YET_VALID => {
            Kind::CertificateExpired
        }
        openssl_sys::X509_V_ERR_HOSTNAME_MISMATCH | openssl_sys::X509_V_ERR_IP_ADDRESS_MISMATCH => {
            Kind::CertificateMismatched
        }
        _ if verified != X509VerifyResult::OK => Kind::CertificateInvalid,
        _ => Kind::TlsHandshakeFailed,
    };
    let context = match kind {
        Kind::TlsHandshakeFailed => format!("the TLS handshake with {name}"),
        _ => format!("the certificate of {name}: {}", verified.error_string()),
    };
    Error::because(kind, context, error).into_upstream().retryable(Retryable::Yes)
}
