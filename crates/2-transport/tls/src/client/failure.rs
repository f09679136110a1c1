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
use crate::reason::{alerts, of_tls, plain};
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

/// A read failed after the handshake. With TLS 1.3 a server judges the client's certificate only then, and says so
/// by an alert.
pub(crate) fn of_read(error: io::Error, ssl: &SslRef) -> io::Error {
    let Some(attempt) = attempt(ssl) else { return error };
    let reported = error.get_ref().and_then(|inner| inner.downcast_ref::<ssl::Error>());
    let Some(alert) = reported.and_then(ssl::Error::ssl_error).and_then(|stack| alerts(stack).next()) else {
        return error;
    };
    let (kind, text) = Server { name: attempt.name(), options: attempt.options() }.alert(alert);
    io::Error::new(io::ErrorKind::ConnectionAborted, Error::because(kind, text, error).into_upstream())
}

/// What the texts speak of.
struct Server<'a> {
    name: &'a str,
    options: &'a ClientOptions,
}

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
        if let Some(alert) = alerts(stack).next() {
            return self.alert(alert);
        }
        of_tls(stack).find_map(|error| self.reason(error, ssl)).unwrap_or_else(|| self.failed())
    }

    /// No record of TLS begins like this (RFC 8446 5.1).
    fn other_protocol(&self, first: &[u8]) -> Option<(Kind, String)> {
        let Self { name, .. } = self;
        match first {
            [b'H', b'T', b'T', b'P', b'/'] => {
                let hint = "is it the right one, or is TLS to be off?";
                Some((Kind::PlainHttp, format!("{name} speaks plain HTTP at this port, not TLS; {hint}")))
            }
            [20..=24, ..] | [] => None,
            _ => Some((
                Kind::TlsHandshakeFailed,
                format!("{name} speaks something else than TLS at this port"),
            )),
        }
    }

    /// The library's own judgement, by its name in small letters, which both libraries share.
    fn reason(&self, error: &openssl::error::Error, ssl: &SslRef) -> Option<(Kind, String)> {
        let Self { name, options } = self;
        // OpenSSL names the function, BoringSSL the state.
        let places = [error.function().unwrap_or_default(), ssl.state_string_long()];
        let at_certificate = places.iter().any(|place| place.contains("server_certificate"));
        let broken = |text| (Kind::TlsHandshakeFailed, format!("{name} {text}"));
        Some(match &*plain(error.reason().unwrap_or_default()) {
            // What was wrong with one that there is, is known already.
            "certificate verify failed" => self.no_certificate(),
            "decode error" | "length mismatch" | "bad length" if at_certificate => self.no_certificate(),
            "bad signature" => {
                let text = "does not have the key of the certificate it shows: its signature is wrong";
                (Kind::CertificateInvalid, format!("{name} {text}"))
            }
            "unsupported protocol" | "wrong ssl version" | "unknown protocol" => self.no_version(),
            "wrong cipher returned" | "unknown cipher returned" | "wrong curve" => {
                broken("chose a cipher or group that it was not offered")
            }
            "invalid alpn protocol" => {
                let text = "chose none of the application protocols it was offered";
                (Kind::AlpnMismatched, format!("{name} {text}: {}", options.alpn.join(", ")))
            }
            "dh key too small" => broken("uses a key that is too weak"),
            "wrong version number" => broken("speaks something else than TLS at this port"),
            _ => return None,
        })
    }

    fn no_certificate(&self) -> (Kind, String) {
        (Kind::CertificateMissing, format!("{} showed no certificate, or none that can be read", self.name))
    }

    fn no_version(&self) -> (Kind, String) {
        let Self { name, options } = self;
        let ours = match (options.min_version, options.max_version) {
            (Version::Tls12, Version::Tls13) => "neither TLS 1.2 nor TLS 1.3",
            (Version::Tls12, Version::Tls12) => "no TLS 1.2",
            (Version::Tls13, _) => "no TLS 1.3",
        };
        (Kind::TlsHandshakeFailed, format!("{name} speaks {ours} (`min_version`, `max_version`)"))
    }

    /// What the server said (RFC 8446 6.2).
    fn alert(&self, alert: i32) -> (Kind, String) {
        let Self { name, options } = self;
        let broken = |text| (Kind::TlsHandshakeFailed, format!("{name} {text}"));
        match alert {
            42..=46 | 48 => self.our_certificate(alert),
            40 => broken(
                "refused the handshake: it shares no cipher (`ciphers`) or group (`groups`) with us, or wants a client \
                 certificate (`cert`, `key`)",
            ),
            20 | 51 if options.psk.is_some() => broken("has another pre-shared key for this identity"),
            49 => broken("denies access"),
            70 | 86 => self.no_version(),
            71 => broken("wants stronger ciphers (`ciphers`) or groups (`groups`) than it is offered"),
            80 => broken("reports an internal error of its own"),
            112 => broken("serves no site of the name it was asked for (`sni`)"),
            115 => broken("knows no pre-shared key of this identity"),
            116 => (Kind::CertificateMissing, format!("{name} wants a client certificate (`cert`, `key`)")),
            120 => {
                let text = "speaks none of the application protocols it was offered";
                (Kind::AlpnMismatched, format!("{name} {text}: {}", options.alpn.join(", ")))
            }
            other => (Kind::TlsHandshakeFailed, format!("{name} broke off the handshake with alert {other}")),
        }
    }

    /// What the server thinks of the client's certificate.
    fn our_certificate(&self, alert: i32) -> (Kind, String) {
        let refuses = match &self.options.certificate {
            Some(_) => format!("{} refuses the client certificate (`cert`)", self.name),
            None => format!("{} refuses a client without a certificate (`cert`, `key`)", self.name),
        };
        match alert {
            44 => (Kind::CertificateInvalid, refuses + ": it has been revoked"),
            45 => (Kind::CertificateExpired, refuses + ": it is not valid at this time"),
            48 => (Kind::CertificateInvalid, refuses + ": it does not know its CA"),
            _ => (Kind::CertificateInvalid, refuses),
        }
    }
}
