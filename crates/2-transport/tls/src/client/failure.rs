//! From what the library reports of a handshake to errors that say what to do.

use std::io;

use gorge_async_io::Stream;
use gorge_error::{Error, Kind, Retryable};
use openssl::error::ErrorStack;
use openssl::ssl::{self, SslRef};
use tokio_openssl::SslStream;

use crate::Version;
use crate::client::endpoint::attempt;
use crate::client::options::ClientOptions;
use crate::wire::Wire;

/// A handshake with a server failed.
pub(crate) fn of_handshake<S: Stream>(
    error: ssl::Error,
    tls: &SslStream<Wire<S>>,
    options: &ClientOptions,
) -> Error {
    let ssl = tls.ssl();
    let server = Server { name: attempt(ssl).map_or("the server", |attempt| attempt.name()), options };
    let (kind, text) = match attempt(ssl).and_then(|attempt| attempt.fault()) {
        Some(fault) => (fault.kind, fault.text.clone()),
        None => match (error.io_error(), error.ssl_error()) {
            (Some(error), _) => server.cut_off(error),
            (None, Some(stack)) => server.refusal(stack, ssl, tls.get_ref().first_bytes()),
            (None, None) => server.failed(),
        },
    };
    Error::because(kind, text, error).into_upstream().retryable(Retryable::Yes)
}

/// What the texts speak of.
struct Server<'a> {
    name: &'a str,
    options: &'a ClientOptions,
}

/// Added to the number of an alert, that is the number of an error in both libraries
/// (<openssl/ssl.h>: # define SSL_AD_REASON_OFFSET 1000).
const ALERT: i32 = 1000;

// <openssl/err.h>: # define ERR_LIB_SSL 20; in BoringSSL the sixteenth of an enumeration.
#[cfg(not(boringssl))]
const ERR_LIB_SSL: i32 = 20;
#[cfg(boringssl)]
const ERR_LIB_SSL: i32 = 16;

impl Server<'_> {
    fn cut_off(&self, error: &io::Error) -> (Kind, String) {
        let Self { name, .. } = self;
        let text = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                format!("{name} closed the connection in the middle of the TLS handshake")
            }
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                format!("{name} reset the connection in the middle of the TLS handshake")
            }
            _ => format!("the connection to {name} failed in the middle of the TLS handshake"),
        };
        (Kind::TlsHandshakeFailed, text)
    }

    fn failed(&self) -> (Kind, String) {
        (Kind::TlsHandshakeFailed, format!("the TLS handshake with {} failed", self.name))
    }

    /// From the number, or the name, of the first error that says something.
    fn refusal(&self, stack: &ErrorStack, ssl: &SslRef, first: &[u8]) -> (Kind, String) {
        if let Some(refusal) = self.other_protocol(first) {
            return refusal;
        }
        let of_tls = stack.errors().iter().filter(|error| error.library_code() == ERR_LIB_SSL);
        for error in of_tls {
            let code = error.reason_code();
            let refusal = match code.checked_sub(ALERT) {
                Some(alert @ 0..=255) => Some(self.alert(alert)),
                _ => self.reason(&plain(error.reason().unwrap_or_default()), ssl),
            };
            if let Some(refusal) = refusal {
                return refusal;
            }
        }
        self.failed()
    }

    /// No record of TLS begins like this (RFC 8446 5.1).
    fn other_protocol(&self, first: &[u8]) -> Option<(Kind, String)> {
        let Self { name, .. } = self;
        let text = match first {
            [b'H', b'T', b'T', b'P', b'/'] => {
                format!(
                    "{name} speaks plain HTTP at this port, not TLS; is it the right one, or is TLS to be off?"
                )
            }
            [20..=24, ..] | [] => return None,
            _ => format!("{name} speaks something else than TLS at this port"),
        };
        Some((Kind::TlsHandshakeFailed, text))
    }

    /// The library's own judgement, by its name in small letters, which both libraries share.
    fn reason(&self, reason: &str, ssl: &SslRef) -> Option<(Kind, String)> {
        let Self { name, options } = self;
        let bad = match reason {
            "certificate verify failed"
            | "no certificates returned"
            | "peer did not return a certificate" => {
                (Kind::CertificateMissing, format!("{name} showed no certificate"))
            }
            "decode error" | "bad length" if ssl.state_string_long().contains("server certificate") => {
                (Kind::CertificateMissing, format!("{name} showed no certificate that can be read"))
            }
            "bad signature" => (
                Kind::CertificateInvalid,
                format!("{name} does not have the key of the certificate it shows: its signature is wrong"),
            ),
            "unsupported protocol"
            | "wrong ssl version"
            | "unknown protocol"
            | "tlsv1 alert protocol version" => (Kind::TlsHandshakeFailed, self.no_version()),
            "wrong cipher returned" | "unknown cipher returned" | "wrong curve" | "bad ecpoint" => {
                (Kind::TlsHandshakeFailed, format!("{name} chose a cipher or group that it was not offered"))
            }
            "invalid alpn protocol" => (
                Kind::AlpnMismatched,
                format!(
                    "{name} chose none of the application protocols it was offered: {}",
                    options.alpn.join(", ")
                ),
            ),
            "dh key too small" | "ee key too small" | "ca key too small" => {
                (Kind::TlsHandshakeFailed, format!("{name} uses a key that is too weak"))
            }
            "wrong version number" | "packet length too long" | "record layer failure" => {
                (Kind::TlsHandshakeFailed, format!("{name} speaks something else than TLS at this port"))
            }
            _ => return None,
        };
        Some(bad)
    }

    fn no_version(&self) -> String {
        let Self { name, options } = self;
        let ours = match (options.min_version, options.max_version) {
            (Version::Tls12, Version::Tls13) => "neither TLS 1.2 nor TLS 1.3",
            (Version::Tls12, Version::Tls12) => "no TLS 1.2",
            (Version::Tls13, _) => "no TLS 1.3",
        };
        format!("{name} speaks {ours} (`min_version`, `max_version`)")
    }

    /// What the server said (RFC 8446 6.2).
    fn alert(&self, alert: i32) -> (Kind, String) {
        let Self { name, options } = self;
        let ours = match &options.certificate {
            Some(_) => "the client certificate (`cert`)",
            None => "that no client certificate is shown (`cert`, `key`)",
        };
        match alert {
            40 => (
                Kind::TlsHandshakeFailed,
                format!(
                    "{name} refused the handshake: it shares no cipher (`ciphers`) or group (`groups`) with us, or \
                     wants a client certificate (`cert`, `key`)"
                ),
            ),
            42 | 43 | 46 => (Kind::CertificateInvalid, format!("{name} refuses {ours}")),
            44 => (Kind::CertificateInvalid, format!("{name} refuses {ours}: it has been revoked")),
            45 => (Kind::CertificateExpired, format!("{name} refuses {ours}: it is not valid at this time")),
            48 => (Kind::CertificateInvalid, format!("{name} refuses {ours}: it does not know its CA")),
            49 => (Kind::TlsHandshakeFailed, format!("{name} denies access after a look at {ours}")),
            70 | 86 => (Kind::TlsHandshakeFailed, self.no_version()),
            71 => (
                Kind::TlsHandshakeFailed,
                format!("{name} wants stronger ciphers (`ciphers`) or groups (`groups`) than it is offered"),
            ),
            20 | 51 if options.psk.is_some() => {
                (Kind::TlsHandshakeFailed, format!("{name} has another pre-shared key for this identity"))
            }
            80 => {
                (Kind::TlsHandshakeFailed, format!("{name} failed: it reports an internal error of its own"))
            }
            112 => (
                Kind::TlsHandshakeFailed,
                format!("{name} serves no site of the name it was asked for (`sni`)"),
            ),
            115 => {
                let identity = options.psk.as_ref().map_or("", |psk| psk.identity());
                let text = format!("{name} knows no pre-shared key of the identity {identity:?}");
                (Kind::TlsHandshakeFailed, text)
            }
            116 => (Kind::CertificateMissing, format!("{name} wants a client certificate (`cert`, `key`)")),
            120 => (
                Kind::AlpnMismatched,
                format!(
                    "{name} speaks none of the application protocols it was offered: {}",
                    options.alpn.join(", ")
                ),
            ),
            other => (Kind::TlsHandshakeFailed, format!("{name} broke off the handshake with alert {other}")),
        }
    }
}

/// `WRONG_VERSION_NUMBER` and `wrong version number` are one.
fn plain(reason: &str) -> String {
    reason.to_ascii_lowercase().replace('_', " ")
}
