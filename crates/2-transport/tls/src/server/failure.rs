//! From what the library reports of a handshake to errors that say what happened.

use std::io;

use gorge_error::{Error, Kind};
use openssl::ssl::{self, NameType, SslRef};

use crate::reason::{alerts, of_tls, plain};
use crate::{ClientAuth, ServerOptions, Version};

/// A handshake with a client failed.
pub(super) fn of_handshake(error: ssl::Error, ssl: &SslRef, first: &[u8], options: &ServerOptions) -> Error {
    let (kind, mut text) = match (error.io_error(), error.ssl_error()) {
        (Some(error), _) => cut_off(error, first),
        (None, Some(stack)) => match alerts(stack).next() {
            Some(alert) => said(alert),
            None => of_tls(stack)
                .find_map(|error| judged(&plain(error.reason().unwrap_or_default()), ssl, options))
                .unwrap_or_else(failed),
        },
        (None, None) => failed(),
    };
    if let Some(name) = ssl.servername(NameType::HOST_NAME) {
        text.push_str(" (it asked for ");
        text.extend(name.chars().take(LONGEST).flat_map(char::escape_debug));
        text.push(')');
    }
    Error::because(kind, text, error).into_downstream()
}

/// Characters of the name that a client asks for that are told.
const LONGEST: usize = 255;

fn failed() -> (Kind, String) {
    (Kind::TlsHandshakeFailed, "the TLS handshake with the client failed".to_owned())
}

fn cut_off(error: &io::Error, first: &[u8]) -> (Kind, String) {
    let gone = matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    );
    match (gone, first) {
        (true, []) => (Kind::ClosedEarly, "the client closed the connection without a byte".to_owned()),
        (true, _) => (Kind::ClosedEarly, "the client left in the middle of the TLS handshake".to_owned()),
        (false, _) => {
            (Kind::TlsHandshakeFailed, "the connection failed in the middle of the TLS handshake".to_owned())
        }
    }
}

/// What the client said (RFC 8446 6.2).
fn said(alert: i32) -> (Kind, String) {
    let text = match alert {
        0 | 90 => return (Kind::ClosedEarly, "the client broke off the TLS handshake".to_owned()),
        40 => "the client refuses the handshake: it shares no cipher or group with us",
        42 | 43 | 46 => "the client refuses our certificate",
        44 => "the client refuses our certificate: it has been revoked",
        45 => "the client refuses our certificate: it has expired, or the client's clock is wrong",
        48 => "the client refuses our certificate: it does not know its CA",
        70 => "the client speaks no TLS version that we speak",
        other => {
            let text = format!("the client broke off the TLS handshake with alert {other}");
            return (Kind::TlsHandshakeFailed, text);
        }
    };
    (Kind::TlsHandshakeFailed, text.to_owned())
}

/// The library's own judgement, by its name in small letters, which both libraries share.
fn judged(reason: &str, ssl: &SslRef, options: &ServerOptions) -> Option<(Kind, String)> {
    let broken = |text: &str| (Kind::TlsHandshakeFailed, text.to_owned());
    Some(match reason {
        "unsupported protocol" | "unknown protocol" | "wrong ssl version" | "version too low" => {
            let ours = match options.min_version {
                Version::Tls12 => "the client speaks neither TLS 1.2 nor TLS 1.3",
                Version::Tls13 => "the client speaks no TLS 1.3 (`min_version`)",
            };
            broken(ours)
        }
        "no shared cipher"
        | "no suitable signature algorithm"
        | "no common signature algorithms"
        | "no certificate set"
        | "unknown certificate type" => {
            broken("the client shares no cipher with us, or can verify none of our certificates")
        }
        "no shared group" | "no suitable key share" | "no suitable groups" | "wrong curve" => {
            broken("the client shares no group for the key exchange with us")
        }
        "no application protocol" => {
            let text = format!("the client speaks none of our protocols: {}", options.alpn.join(", "));
            (Kind::AlpnMismatched, text)
        }
        "peer did not return a certificate" => {
            (Kind::CertificateMissing, "the client showed no certificate, and must".to_owned())
        }
        "certificate verify failed" => refused(ssl),
        "bad signature" if options.client_auth != ClientAuth::Off => {
            let text = "the client does not have the key of the certificate that it showed";
            (Kind::CertificateInvalid, text.to_owned())
        }
        "wrong version number"
        | "http request"
        | "https proxy request"
        | "unexpected message"
        | "unexpected record"
        | "bad record type"
        | "invalid outer record type" => broken("the client speaks something else than TLS"),
        "encrypted length too long"
        | "data length too long"
        | "packet length too long"
        | "excessive message size"
        | "length too long" => broken("the client sent a record that is too long"),
        "decryption failed or bad record mac" => broken(
            "what the client sent cannot be decrypted; perhaps it refused our certificate, in the clear",
        ),
        "no renegotiation" => broken("the client wanted to begin anew in the middle of the connection"),
        "psk identity not found" | "binder does not verify" | "bad psk" => {
            broken("the client has no pre-shared key that we know")
        }
        _ => return None,
    })
}

/// The client's certificate is not good.
fn refused(ssl: &SslRef) -> (Kind, String) {
    let verdict = ssl.verify_result();
    let kind = match verdict.as_raw() {
        sys::X509_V_ERR_CERT_HAS_EXPIRED | sys::X509_V_ERR_CERT_NOT_YET_VALID => Kind::CertificateExpired,
        _ => Kind::CertificateInvalid,
    };
    (kind, format!("the client's certificate is refused: {}", verdict.error_string()))
}

use openssl_sys as sys;
